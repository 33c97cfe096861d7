#pragma once
// Puts operations on the router behind one guard: request id, authentication, permission, limits,
// audit, metrics.
//
//   request -> request id -> metrics -> [router] -> who is it? -> may they? -> handler -> audit ->
//   answer
//
// Ordinary handlers are blocking functions that run on the thread pool; a streaming one is a
// coroutine on the loop.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/http/router.h"
#include "lib/net/offload.h"
#include "lib/objects/byte_source.h"
#include "montage/api/operation.h"
#include "montage/api/problem.h"
#include "montage/audit/audit_log.h"
#include "montage/identity/api_keys.h"
#include "montage/identity/sessions.h"
#include "montage/telemetry/metrics.h"

namespace montage::api {

/// One authenticated call.
struct Call {
  http::Request& request;
  identity::Principal principal;  ///< of an open operation: empty
  std::string request_id;
  base::Deadline deadline;
};

/// A successful answer.
struct Reply {
  int status = 200;
  boost::json::value body = nullptr;
  http::Headers headers = {};
  std::string audit_object = {};  ///< id of what was made or changed
  /// Instead of `body`: text of another media type.
  std::optional<std::pair<std::string, std::string>> text = {};
  /// Instead of `body`: bytes of another media type, read while they are sent.
  struct Bytes {
    std::string media_type;
    std::shared_ptr<objects::ByteSource> source;
    uint64_t length = 0;
  };
  std::optional<Bytes> bytes = {};
};

using Outcome = std::variant<Reply, Problem>;

/// Blocking; runs on the pool.
using CallHandler = std::function<Outcome(Call&)>;
/// Runs on the loop; for bodies that are streamed.
using StreamHandler = std::function<net::Task<Outcome>(Call&)>;

struct ApiParts {
  identity::Sessions& sessions;
  identity::ApiKeys& keys;
  audit::AuditLog& audit;
  telemetry::Metrics& metrics;
  net::ThreadPool& pool;
  const base::Clock& clock;
  /// Gets failures that are ours (status 500 and 503), with the request id as context.
  std::function<void(const base::Error&)> error_sink;
  base::Duration call_deadline = std::chrono::seconds(30);
};

/// Build it, then serve. Outlives the requests.
class Api {
 public:
  Api(ApiParts parts, http::RouterOptions options);

  void Add(Operation operation, CallHandler handler);
  void AddStreaming(Operation operation, StreamHandler handler);

  std::span<const Operation> operations() const { return operations_; }
  http::Handler AsHandler() const { return router_.AsHandler(); }
  const ApiParts& parts() const { return parts_; }

  /// Turns an error of a service into a problem and tells the sink when it is ours.
  Problem Refuse(const base::Error& error, const Call& call) const;

 private:
  struct Admission {
    std::optional<Problem> refused;
    identity::Principal principal;
    http::Headers headers;
  };

  void AddRoute(const Operation& operation, http::Handler handler);
  Admission Admit(const Operation& operation, const http::Request& request,
                  const std::string& request_id, base::Deadline deadline) const;
  base::Result<identity::Principal> Identify(const http::Request& request, Admission& admission,
                                             base::Deadline deadline) const;
  http::Response Close(const Operation& operation, const Call& call, Outcome outcome,
                       const http::Headers& extra) const;
  void Audit(const Operation& operation, const Call& call, std::string_view object,
             audit::Decision decision) const;
  net::Task<http::Response> Observe(http::Request& request, const http::Handler& next) const;

  ApiParts parts_;
  http::Router router_;
  std::vector<Operation> operations_;
};

}  // namespace montage::api
