#include "assay/environment/guardian/wire.h"

#include <boost/json.hpp>

namespace assay::environment::wire {

namespace {

template <typename T>
void PutLimit(boost::json::object& body, std::string_view key, const std::optional<T>& value) {
  if (value) body[key] = *value;
}

std::optional<uint64_t> Limit(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return value->to_number<uint64_t>();
}

}  // namespace

boost::json::object FromStart(const StartRequest& request) {
  const process::Launch& launch = request.launch;
  boost::json::array environment;
  for (const auto& [name, value] : launch.environment) {
    environment.push_back(boost::json::array{name, value});
  }
  boost::json::object limits;
  PutLimit(limits, "memory", request.limits.memory_bytes);
  PutLimit(limits, "cpus", request.limits.cpus);
  PutLimit(limits, "files", request.limits.files);
  PutLimit(limits, "processes", request.limits.processes);
  return {{"op", "start"},
          {"service", request.service},
          {"argv", boost::json::array(launch.argv.begin(), launch.argv.end())},
          {"environment", std::move(environment)},
          {"directory", launch.directory},
          {"limits", std::move(limits)},
          {"streams", {launch.stdin_fd >= 0, launch.stdout_fd >= 0, launch.stderr_fd >= 0}}};
}

StartRequest ToStart(const boost::json::object& body) {
  StartRequest request;
  request.service = Text(body, "service");
  for (const auto& one : body.at("argv").as_array()) {
    request.launch.argv.emplace_back(one.as_string());
  }
  for (const auto& one : body.at("environment").as_array()) {
    request.launch.environment.emplace_back(one.as_array().at(0).as_string(),
                                            one.as_array().at(1).as_string());
  }
  request.launch.directory = Text(body, "directory");
  const auto& limits = body.at("limits").as_object();
  request.limits.memory_bytes = Limit(limits, "memory");
  request.limits.files = Limit(limits, "files");
  request.limits.processes = Limit(limits, "processes");
  if (const auto* cpus = limits.if_contains("cpus"))
    request.limits.cpus = cpus->to_number<double>();
  return request;
}

boost::json::object FromError(const base::Error& error) {
  return {{"code", static_cast<int>(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

base::Error ToError(const boost::json::object& body) {
  return {.code = static_cast<base::ErrorCode>(Int(body, "code")),
          .message = Text(body, "message"),
          .hint = Text(body, "hint")};
}

boost::json::object FromLimits(const EnforcedLimits& limits) {
  return {{"memory", limits.memory},
          {"cpus", limits.cpus},
          {"files", limits.files},
          {"processes", limits.processes}};
}

EnforcedLimits ToLimits(const boost::json::object& body) {
  return {.memory = Text(body, "memory"),
          .cpus = Text(body, "cpus"),
          .files = Text(body, "files"),
          .processes = Text(body, "processes")};
}

int64_t Int(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string Text(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace assay::environment::wire
