#include "assay/environment/endpoints.h"

#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace assay::environment {

base::Result<std::vector<Endpoint>> CompleteEndpoints(const EnvironmentSpec& spec,
                                                      const Placement& placement) {
  std::vector<Endpoint> endpoints;
  for (const EndpointSpec& endpoint : spec.endpoints) {
    auto url = endpoint.url(placement);
    if (!url.has_value()) {
      return base::Fail(std::move(url).error().While("making endpoint " + endpoint.name));
    }
    endpoints.push_back({endpoint.name, std::move(*url)});
  }
  return endpoints;
}

base::Result<void> ReportStart(const EnvironmentContext& context, const std::string& name,
                               const std::vector<Endpoint>& endpoints, base::Duration took,
                               base::Result<void> outcome) {
  if (!outcome.has_value()) {
    context.sink(
        "environment.failed", name,
        {{"name", name}, {"error", outcome.error().ToString()}, {"duration_ns", took.count()}}, {});
    return base::Fail(
        std::move(outcome).error().While(fmt::format("starting environment {}", name)));
  }
  boost::json::object urls;
  for (const Endpoint& endpoint : endpoints) urls[endpoint.name] = endpoint.url;
  context.sink("environment.ready", name,
               {{"name", name}, {"endpoints", std::move(urls)}, {"duration_ns", took.count()}}, {});
  return {};
}

base::Result<void> MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return base::Fail(base::ErrorCode::kIo,
                    fmt::format("cannot create {}: {}", path.string(), error.message()));
}

}  // namespace assay::environment
