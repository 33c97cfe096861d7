#include "assay/environment/compose/container.h"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/environment/json_fields.h"
#include "lib/json/parse.h"

namespace assay::environment {

namespace {

namespace bj = boost::json;

int NumberOf(std::string_view port) {
  int number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return number;
}

// {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "43117"}], "9000/tcp": null}
void ReadPorts(const bj::object& ports, Container& container) {
  for (const auto& [key, bindings] : ports) {
    if (!bindings.is_array() || bindings.get_array().empty()) continue;
    const auto& first = bindings.get_array().front();
    if (!first.is_object()) continue;
    const int host = NumberOf(TextField(first.get_object(), "HostPort"));
    if (host <= 0 || host > 65535) continue;
    std::string name(key);
    if (name.ends_with("/tcp")) name.resize(name.size() - 4);
    container.ports.emplace_back(std::move(name), static_cast<uint16_t>(host));
  }
  std::ranges::sort(container.ports, {},
                    [](const auto& port) { return std::pair(NumberOf(port.first), port.first); });
}

// Docker has `Health`, podman too, before version 4 `Healthcheck`; "none" and "" are no check.
void ReadHealth(const bj::object& state, Container& container) {
  const bj::object& health =
      ObjectField(state, state.contains("Health") ? "Health" : "Healthcheck");
  container.health = TextField(health, "Status");
  if (container.health == "none") container.health.clear();
  const bj::array& log = ArrayField(health, "Log");
  if (log.empty()) return;
  const auto& last = log.back();
  if (last.is_object()) container.health_output = TextField(last.get_object(), "Output");
}

Container Read(const bj::object& json) {
  Container container{.id = TextField(json, "Id"), .name = TextField(json, "Name")};
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  container.service =
      TextField(ObjectField(ObjectField(json, "Config"), "Labels"), "com.docker.compose.service");
  container.restarts = NumberField(json, "RestartCount");
  container.restart =
      TextField(ObjectField(ObjectField(json, "HostConfig"), "RestartPolicy"), "Name");
  const bj::object& state = ObjectField(json, "State");
  container.status = TextField(state, "Status");
  container.exit_code = static_cast<int>(NumberField(state, "ExitCode"));
  container.out_of_memory = FlagField(state, "OOMKilled");
  container.pid = static_cast<pid_t>(NumberField(state, "Pid"));
  container.started = TextField(state, "StartedAt");
  ReadHealth(state, container);
  ReadPorts(ObjectField(ObjectField(json, "NetworkSettings"), "Ports"), container);
  return container;
}

}  // namespace

bool Container::comes_back() const {
  return restart == "always" || restart == "unless-stopped" ||
         (restart == "on-failure" && exit_code != 0);
}

base::Result<std::vector<Container>> ParseContainers(std::string_view json) {
  auto parsed = json::Parse(json);
  if (!parsed.has_value() || !parsed->is_array()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the container engine described its containers by \"{}\", "
                                  "expected a JSON array",
                                  json.substr(0, 80)));
  }
  std::vector<Container> containers;
  for (const auto& one : parsed->get_array()) {
    if (one.is_object()) containers.push_back(Read(one.get_object()));
  }
  std::ranges::sort(containers, {}, &Container::name);
  return containers;
}

}  // namespace assay::environment
