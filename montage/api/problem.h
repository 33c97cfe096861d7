#pragma once
// How refusals look: `{error, message, details?, request_id}` with the right status. The one table
// from error codes to HTTP statuses.

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/http/message.h"

namespace montage::api {

int StatusOf(base::ErrorCode code);

/// A refusal that a handler returns instead of a result.
struct Problem {
  int status = 500;
  std::string error;    ///< closed word: `invalid`, `not_found`, `service_unavailable`, ...
  std::string message;  ///< for people; names the value and what was expected, never PHI
  boost::json::object details = {};
  std::optional<base::Duration> retry_after = {};
};

/// kNotFound; `what` names the kind of thing.
base::Error NotFound(std::string_view what, std::string_view id);

/// Messages of internal failures are replaced by a neutral one: they may name statements or paths.
Problem ProblemOf(const base::Error& error);

http::Response ToResponse(const Problem& problem, std::string_view request_id);

/// For what server and router refuse themselves (malformed requests, unknown paths).
http::Response FormatServerError(int status, const base::Error& error,
                                 const http::Request* request);

/// The request id that the middleware attached; "" before it.
struct RequestId {
  std::string text;
};

}  // namespace montage::api
