#include "assay/cli/up/up_state.h"

#include <algorithm>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/file_io.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::cli {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

std::string Text(const bj::object& json, std::string_view key) {
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

int64_t Number(const bj::object& json, std::string_view key) {
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

/// The objects of a list; other members are left out.
std::vector<const bj::object*> Objects(const bj::object& json, std::string_view key) {
  std::vector<const bj::object*> objects;
  const auto* value = json.if_contains(key);
  if (value == nullptr || !value->is_array()) return objects;
  for (const auto& one : value->get_array()) {
    if (one.is_object()) objects.push_back(&one.get_object());
  }
  return objects;
}

bj::object ToJson(const UpService& service) {
  bj::array ports;
  for (const auto& [name, number] : service.ports) {
    ports.push_back({{"name", name}, {"number", number}});
  }
  return {{"name", service.name},    {"state", service.state},   {"restarts", service.restarts},
          {"log", service.log_file}, {"dir", service.directory}, {"ports", std::move(ports)}};
}

UpService ServiceOf(const bj::object& json) {
  UpService service{.name = Text(json, "name"),
                    .state = Text(json, "state"),
                    .restarts = static_cast<int>(Number(json, "restarts")),
                    .log_file = Text(json, "log"),
                    .directory = Text(json, "dir"),
                    .ports = {}};
  for (const bj::object* port : Objects(json, "ports")) {
    service.ports.emplace_back(Text(*port, "name"), static_cast<uint16_t>(Number(*port, "number")));
  }
  return service;
}

}  // namespace

bool UpState::is_alive() const { return boot == process::BootId() && process::IsAlive(keeper); }

environment::Placement UpState::placement() const {
  environment::Placement placement;
  for (const UpService& service : services) {
    placement.services[service.name] = {.directory = service.directory, .ports = service.ports};
  }
  return placement;
}

fs::path UpFolder(const fs::path& results) { return results / ".up"; }

fs::path UpFile(const fs::path& results, const std::string& environment) {
  return UpFolder(results) / (environment + ".json");
}

base::Result<void> WriteUpState(const fs::path& file, const UpState& state) {
  bj::array services;
  for (const UpService& service : state.services) services.push_back(ToJson(service));
  bj::array endpoints;
  for (const environment::Endpoint& endpoint : state.endpoints) {
    endpoints.push_back({{"name", endpoint.name}, {"url", endpoint.url}});
  }
  const bj::object json{{"environment", state.environment},
                        {"type", state.type},
                        {"run", state.run},
                        {"keeper", state.keeper.pid},
                        {"keeper_start", static_cast<int64_t>(state.keeper.start_ticks)},
                        {"boot", state.boot},
                        {"since_s", state.since_s},
                        {"services", std::move(services)},
                        {"endpoints", std::move(endpoints)}};
  TRY(history::WriteFileAtomically(file, json::Pretty(json) + "\n"));
  std::error_code error;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write, error);
  return {};
}

base::Result<UpState> ReadUpState(const fs::path& file) {
  TRY(const std::string text, history::ReadWholeFile(file));
  const auto parsed = json::Parse(text);
  if (!parsed.has_value() || !parsed->is_object()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("{} is not the state of an environment", file.string()));
  }
  const bj::object& json = parsed->get_object();
  UpState state{.environment = Text(json, "environment"),
                .type = Text(json, "type"),
                .run = Text(json, "run"),
                .keeper = {.pid = static_cast<pid_t>(Number(json, "keeper")),
                           .start_ticks = static_cast<uint64_t>(Number(json, "keeper_start"))},
                .boot = Text(json, "boot"),
                .since_s = Number(json, "since_s"),
                .services = {},
                .endpoints = {}};
  for (const bj::object* one : Objects(json, "services")) {
    state.services.push_back(ServiceOf(*one));
  }
  for (const bj::object* one : Objects(json, "endpoints")) {
    state.endpoints.push_back({Text(*one, "name"), Text(*one, "url")});
  }
  return state;
}

std::vector<UpState> ListUpStates(const fs::path& results) {
  std::vector<UpState> states;
  std::error_code error;
  for (fs::directory_iterator it(UpFolder(results), error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    auto state = ReadUpState(it->path());
    if (state.has_value()) states.push_back(std::move(*state));
  }
  std::ranges::sort(states, {}, &UpState::environment);
  return states;
}

}  // namespace assay::cli
