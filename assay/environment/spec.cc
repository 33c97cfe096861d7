#include "assay/environment/spec.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/suggest.h"

namespace assay::environment {

namespace {

class Sorter {
 public:
  explicit Sorter(const std::vector<ServiceSpec>& services)
      : services_(services), marks_(services.size(), Mark::kNew) {}

  base::Result<std::vector<size_t>> Sort() {
    for (size_t i = 0; i < services_.size(); ++i) TRY(Visit(i));
    return std::move(order_);
  }

 private:
  enum class Mark { kNew, kOpen, kDone };

  base::Result<void> Visit(size_t index) {
    if (marks_[index] == Mark::kDone) return {};
    path_.push_back(services_[index].name);
    if (marks_[index] == Mark::kOpen) return base::Fail(Circle());
    marks_[index] = Mark::kOpen;
    for (const DependencySpec& dependency : services_[index].depends_on) {
      const auto found = std::ranges::find(services_, dependency.service, &ServiceSpec::name);
      if (found == services_.end()) return base::Fail(Unknown(index, dependency.service));
      TRY(Visit(static_cast<size_t>(found - services_.begin())));
    }
    path_.pop_back();
    marks_[index] = Mark::kDone;
    order_.push_back(index);
    return {};
  }

  base::Error Circle() const {
    const auto first = std::ranges::find(path_, path_.back());
    return {.code = base::ErrorCode::kInvalid,
            .message = fmt::format("services depend on each other in a circle: {}",
                                   fmt::join(first, path_.end(), " -> ")),
            .hint = "remove one of these depends_on"};
  }

  base::Error Unknown(size_t index, const std::string& name) const {
    std::vector<std::string> names;
    for (const ServiceSpec& service : services_) names.push_back(service.name);
    return {.code = base::ErrorCode::kInvalid,
            .message = fmt::format("service \"{}\" depends on \"{}\", which is no service of the "
                                   "environment",
                                   services_[index].name, name),
            .hint = base::SuggestionFor(name, names)};
  }

  const std::vector<ServiceSpec>& services_;
  std::vector<Mark> marks_;
  std::vector<std::string> path_;
  std::vector<size_t> order_;
};

}  // namespace

const ServicePlace* Placement::own() const {
  const auto found = services.find(service);
  return found == services.end() ? nullptr : &found->second;
}

LateText Fixed(std::string text) {
  return [text = std::move(text)](const Placement&) -> base::Result<std::string> { return text; };
}

LateText PortOf(std::string service, std::string port) {
  return [service = std::move(service),
          port = std::move(port)](const Placement& placement) -> base::Result<std::string> {
    const auto found = placement.services.find(service.empty() ? placement.service : service);
    if (found != placement.services.end()) {
      for (const auto& [name, number] : found->second.ports) {
        if (port.empty() || name == port) return std::to_string(number);
      }
    }
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("service \"{}\" has no port \"{}\"", service, port));
  };
}

std::string_view ToString(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kHttp:
      return "http";
    case ProbeKind::kTcp:
      return "tcp";
    case ProbeKind::kSql:
      return "sql";
    case ProbeKind::kWebSocket:
      return "websocket";
    case ProbeKind::kRedis:
      return "redis";
    case ProbeKind::kAmqp:
      return "amqp";
    case ProbeKind::kLog:
      return "log";
    case ProbeKind::kExec:
      return "exec";
    case ProbeKind::kFile:
      return "file";
    case ProbeKind::kS3:
      return "s3";
  }
  return "?";
}

std::string_view ToString(EnvironmentType type) {
  switch (type) {
    case EnvironmentType::kProcess:
      return "process";
    case EnvironmentType::kCompose:
      return "compose";
    case EnvironmentType::kKubernetes:
      return "kubernetes";
    case EnvironmentType::kRemote:
      return "remote";
  }
  return "?";
}

base::Result<std::vector<size_t>> StartOrder(const std::vector<ServiceSpec>& services) {
  return Sorter(services).Sort();
}

}  // namespace assay::environment
