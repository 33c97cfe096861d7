#pragma once
// The system under test as a run sees it: brought up, reached by endpoints, controlled by service
// name, taken down.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "assay/environment/guardian/guardian.h"
#include "assay/environment/spec.h"
#include "assay/history/blob_store.h"
#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/base/suggest.h"
#include "lib/net/task.h"

namespace http {
class Client;
}  // namespace http

namespace assay::environment {

/// Where the system is reached, as scenarios name it.
struct Endpoint {
  std::string name;
  std::string url;
};

/// What faults and operators do to one service.
enum class ServiceCommand {
  kStop,     ///< gracefully
  kStart,    ///< on the ports it had; returns when it is ready
  kRestart,  ///< stop and start
  kKill,     ///< SIGKILL to everything that came from it; its restart rule applies
  kPause,    ///< SIGSTOP
  kResume,   ///< SIGCONT
};
std::string_view ToString(ServiceCommand command);

enum class ServiceState { kIdle, kStarting, kReady, kPaused, kStopped, kExited, kFailed };
std::string_view ToString(ServiceState state);

struct ServiceStatus {
  std::string name;
  ServiceState state = ServiceState::kIdle;
  pid_t pid = 0;  ///< of the latest start; 0 for a remote service, an ended container
  int restarts = 0;
  std::string log_file;
  std::string directory;  ///< its data directory, for disk faults; "" for a container
  std::vector<std::pair<std::string, uint16_t>> ports = {};  ///< as ServicePlace has them
};

/// Gets what happens, as kind, path and data of a history event (see history/event.h), in order.
using EventSink = std::function<void(std::string_view kind, std::string_view path,
                                     boost::json::object data, std::vector<std::string> blobs)>;

/// What an environment works with; all of it outlives the environment.
struct EnvironmentContext {
  const base::Clock& clock;
  net::Executor executor;
  Guardian* guardian = nullptr;  ///< required for all types but remote
  EventSink sink;
  http::Client* http = nullptr;         ///< required for http probes
  history::BlobSink* blobs = nullptr;   ///< keeps logs at the end; null: they stay files only
  std::filesystem::path run_directory;  ///< absolute, exists
  process::EnvironmentList inherited;   ///< what services inherit
  /// Goes before the names of services where those of several environments meet: `region-b.`.
  std::string scope = {};
  bool keep_files = false;  ///< data directories stay when the run ends
  uint64_t log_limit_bytes = 64U << 20;
  std::map<std::string, uint16_t> links = {};  ///< where the links of the environment listen
};

/// The one that is called so, among the services of the environment of that name. kNotFound
/// suggests the nearest name.
template <typename OneService>
base::Result<OneService*> FindByName(const std::vector<std::unique_ptr<OneService>>& services,
                                     std::string_view environment, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& service : services) {
    if (service->spec().name == name) return service.get();
    names.push_back(service->spec().name);
  }
  return base::Fail(base::Error{
      .code = base::ErrorCode::kNotFound,
      .message = fmt::format("environment \"{}\" has no service \"{}\"", environment, name),
      .hint = base::SuggestionFor(name, names)});
}

/// Belongs to one loop.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual const EnvironmentSpec& spec() const = 0;
  /// Returns when every service is ready. After a failure what was started still runs until Stop.
  virtual net::Task<base::Result<void>> Start(base::Deadline deadline) = 0;
  /// Ends everything in reverse order of dependencies; also after a failed start; not interrupted
  /// by cancellation. Required before destruction.
  virtual net::Task<base::Result<void>> Stop(base::Deadline deadline) = 0;
  /// Known once Start succeeded.
  virtual std::vector<Endpoint> endpoints() const = 0;
  virtual net::Task<base::Result<void>> Control(std::string service, ServiceCommand command,
                                                base::Deadline deadline) = 0;
  virtual std::vector<ServiceStatus> services() const = 0;
  /// The captured output of a service, the oldest part cut when there was too much.
  virtual base::Result<std::string> Log(std::string_view service) const = 0;
};

/// kInvalid when the dependencies make no sense.
base::Result<std::unique_ptr<Environment>> MakeEnvironment(EnvironmentSpec spec,
                                                           EnvironmentContext context);

}  // namespace assay::environment
