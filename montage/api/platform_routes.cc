#include <algorithm>

#include <boost/json.hpp>

#include "montage/api/routes.h"

namespace montage::api {
namespace {

/// A model that failed refuses submissions only, and reads go on without the cache's first level:
/// the service stays in rotation and says how it is in /health.
bool IsNeeded(const ComponentHealth& component) {
  return component.name != "model" && component.name != "cache";
}

/// Details of failures may name paths, so they go to the log and not to everybody.
boost::json::array ToJson(const std::vector<ComponentHealth>& components) {
  boost::json::array out;
  for (const ComponentHealth& component : components) {
    boost::json::object one{{"name", component.name},
                            {"ok", component.ok},
                            {"detail", component.ok ? component.detail : "not available"}};
    if (!component.state.empty()) one["state"] = component.state;
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<ComponentHealth> Check(const Api& api, const Services& services, const Call& call) {
  auto components = services.check_health();
  for (const ComponentHealth& component : components) {
    if (component.ok) continue;
    api.parts().error_sink(
        base::Error{base::ErrorCode::kUnavailable, component.name + ": " + component.detail}.While(
            "answering " + call.request_id));
  }
  return components;
}

Outcome Health(const Api& api, const Services& services, const Call& call) {
  const auto components = Check(api, services, call);
  const bool ok = std::ranges::all_of(components, &ComponentHealth::ok);
  return Reply{.body = boost::json::object{{"status", ok ? "ok" : "degraded"},
                                           {"version", services.version},
                                           {"components", ToJson(components)}}};
}

Outcome Ready(const Api& api, const Services& services, const Call& call) {
  const auto components = Check(api, services, call);
  for (const ComponentHealth& component : components) {
    if (component.ok || !IsNeeded(component)) continue;
    return Problem{.status = 503,
                   .error = "service_unavailable",
                   .message = component.name + " is not available",
                   .details = {{"components", ToJson(components)}},
                   .retry_after = std::chrono::seconds(5)};
  }
  return Reply{.body = boost::json::object{{"status", "ready"}}};
}

Operation Probe(std::string path, std::string id, std::string summary,
                boost::json::object response) {
  return {.path = std::move(path),
          .id = std::move(id),
          .tag = "platform",
          .summary = std::move(summary),
          .responses = {{200, {"It is.", std::move(response)}}}};
}

boost::json::object HealthSchema() {
  return schema::Object(
      {{"status", schema::Word({"ok", "degraded"})},
       {"version", schema::Text()},
       {"components", schema::List(schema::Object(
                          {{"name", schema::Text()},
                           {"ok", schema::Boolean()},
                           {"detail", schema::Text()},
                           {"state", schema::Word({"none", "ready", "failed"}), false}}))}});
}

}  // namespace

void AddPlatformRoutes(Api& api, Services& services) {
  api.Add(Probe("/health", "getHealth", "How the service and what it needs are.", HealthSchema()),
          [&api, &services](Call& call) { return Health(api, services, call); });
  api.Add(Probe("/health/live", "getLiveness", "Whether the process answers at all.",
                schema::Object({{"status", schema::Word({"alive"})}})),
          [](Call&) { return Reply{.body = boost::json::object{{"status", "alive"}}}; });
  Operation ready = Probe("/health/ready", "getReadiness", "Whether requests can be served.",
                          schema::Object({{"status", schema::Word({"ready"})}}));
  ready.responses[503] = {"A part that is needed is down."};
  api.Add(std::move(ready), [&api, &services](Call& call) { return Ready(api, services, call); });
  Operation metrics = Probe("/metrics", "getMetrics", "Figures in the Prometheus text format.", {});
  metrics.responses[200] = {"The figures.", schema::Text(), "text/plain"};
  api.Add(std::move(metrics), [&api](Call&) {
    return Reply{
        .text = {{"text/plain; version=0.0.4; charset=utf-8", api.parts().metrics.Text()}}};
  });
  Operation description =
      Probe("/api/v1/openapi.json", "getOpenApi", "This description.", schema::Open());
  description.signed_in = true;
  api.Add(std::move(description), [&api, &services](Call&) {
    return Reply{.body = OpenApiDocument(api.operations(), services.version)};
  });
}

}  // namespace montage::api
