#include "montage/api/problem.h"

#include <cmath>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace montage::api {
namespace {

std::string_view WordOf(int status) {
  switch (status) {
    case 400:
      return "bad_request";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 408:
      return "timeout";
    case 409:
      return "conflict";
    case 412:
      return "precondition_failed";
    case 413:
      return "too_large";
    case 415:
      return "unsupported_media_type";
    case 422:
      return "invalid";
    case 429:
      return "too_many_requests";
    case 431:
      return "header_too_large";
    case 501:
      return "not_implemented";
    case 503:
      return "service_unavailable";
    default:
      return status >= 500 ? "internal" : "bad_request";
  }
}

}  // namespace

base::Error NotFound(std::string_view what, std::string_view id) {
  return {base::ErrorCode::kNotFound, fmt::format("there is no {} \"{}\"", what, id)};
}

int StatusOf(base::ErrorCode code) {
  using enum base::ErrorCode;
  switch (code) {
    case kInvalid:
      return 422;
    case kNotFound:
      return 404;
    case kConflict:
      return 409;
    case kUnauthorized:
      return 401;
    case kForbidden:
      return 403;
    case kTooLarge:
      return 413;
    case kUnsupported:
      return 501;
    case kTimeout:
    case kCancelled:
    case kUnavailable:
    case kExhausted:
      return 503;
    case kIo:
    case kCorrupt:
    case kInternal:
      return 500;
  }
  std::unreachable();
}

Problem ProblemOf(const base::Error& error) {
  const int status = StatusOf(error.code);
  Problem problem{.status = status, .error = std::string(WordOf(status)), .message = error.message};
  if (status == 500)
    problem.message = "something went wrong on our side; the log has it under this request id";
  if (status == 503) {
    problem.message = "the service cannot answer right now; try again";
    problem.retry_after = std::chrono::seconds(1);
  }
  if (status < 500 && !error.hint.empty()) problem.details["hint"] = error.hint;
  return problem;
}

http::Response ToResponse(const Problem& problem, std::string_view request_id) {
  boost::json::object body{{"error", problem.error}, {"message", problem.message}};
  if (!problem.details.empty()) body["details"] = problem.details;
  body["request_id"] = request_id;
  http::Response response = http::Response::Json(problem.status, boost::json::serialize(body));
  if (problem.status == 401) response.headers.Set("WWW-Authenticate", "Bearer realm=\"montage\"");
  if (problem.retry_after) {
    const double seconds = std::chrono::duration<double>(*problem.retry_after).count();
    response.headers.Set("Retry-After",
                         fmt::format("{}", std::max(1, static_cast<int>(std::ceil(seconds)))));
  }
  return response;
}

http::Response FormatServerError(int status, const base::Error& error,
                                 const http::Request* request) {
  std::string request_id;
  if (request != nullptr) {
    // Attached() is not const because handlers may change what they find; this only reads.
    const RequestId* attached = const_cast<http::Request*>(request)->Attached<RequestId>();
    if (attached != nullptr) request_id = attached->text;
  }
  Problem problem{.status = status, .error = std::string(WordOf(status)), .message = error.message};
  if (status >= 500)
    problem.message = "something went wrong on our side; the log has it under this request id";
  return ToResponse(problem, request_id);
}

}  // namespace montage::api
