#include "assay/cli/environment_driver.h"

#include <algorithm>
#include <system_error>

#include "assay/environment/guardian/undo.h"
#include "lib/net/task.h"

namespace assay::cli {
namespace {

constexpr auto kGuardianTime = std::chrono::seconds(10);
constexpr auto kStopTime = std::chrono::minutes(1);

}  // namespace

EnvironmentDriver::EnvironmentDriver(const base::Clock& clock, http::Client& http,
                                     std::optional<ConvertedEnvironment> converted,
                                     DriverOptions options)
    : clock_(clock), http_(http), converted_(std::move(converted)), options_(std::move(options)) {}

EnvironmentDriver::~EnvironmentDriver() = default;

net::Task<base::Result<void>> EnvironmentDriver::StartGuardian() {
  std::error_code error;
  std::filesystem::create_directories(options_.journals, error);
  // What an earlier run left behind when the machine or both processes died.
  static_cast<void>(environment::UndoLeftovers(options_.journals));
  const auto deadline = base::Deadline::After(kGuardianTime);
  CO_TRY(guardian_, co_await environment::Guardian::Start(
                        {.command = options_.program,
                         .journal = options_.journals / (options_.run_id + ".journal"),
                         .run = options_.run_id,
                         .environment = options_.inherited},
                        deadline));
  if (!options_.keep_work) CO_TRY(co_await guardian_->Own(options_.run_dir / "work", deadline));
  co_return base::Result<void>{};
}

net::Task<base::Result<void>> EnvironmentDriver::StartServices(history::EventWriter& events,
                                                               history::BlobSink& blobs) {
  const std::filesystem::path shared = options_.run_dir / "shared";
  const auto deadline =
      base::Deadline::After(converted_->spec.start_timeout + std::chrono::seconds(5));
  if (!options_.keep_work) CO_TRY(co_await guardian_->Own(shared, deadline));
  std::error_code error;
  std::filesystem::create_directories(shared, error);
  const environment::EnvironmentContext context{
      .clock = clock_,
      .executor = co_await net::CurrentExecutor(),
      .guardian = guardian_.get(),
      .sink =
          [&events](std::string_view kind, std::string_view path, boost::json::object data,
                    std::vector<std::string> names) {
            events.Write(kind, path, std::move(data), std::move(names));
          },
      .http = &http_,
      .blobs = &blobs,
      .run_directory = options_.run_dir,
      .inherited = options_.inherited,
      .keep_files = options_.keep_work};
  CO_TRY(environment_, environment::MakeEnvironment(converted_->spec, context));
  co_return co_await environment_->Start(deadline);
}

net::Task<base::Result<run::EnvironmentState>> EnvironmentDriver::Start(
    history::EventWriter& events, history::BlobSink& blobs) {
  CO_TRY(co_await StartGuardian());
  if (converted_) CO_TRY(co_await StartServices(events, blobs));
  co_return State();
}

run::EnvironmentState EnvironmentDriver::State() const {
  run::EnvironmentState state;
  state.default_endpoint = options_.default_endpoint;
  state.credentials = options_.credentials;
  cel::MapBuilder facts;
  if (environment_ != nullptr) {
    for (const environment::Endpoint& endpoint : environment_->endpoints()) {
      state.endpoints.push_back({endpoint.name, endpoint.url});
    }
    for (const environment::ServiceStatus& status : environment_->services()) {
      state.services.push_back(status.name);
      cel::MapBuilder ports;
      int64_t port = 0;
      const auto place = converted_->placed->services.find(status.name);
      if (place != converted_->placed->services.end()) {
        port = place->second.port();
        for (const auto& [name, number] : place->second.ports) {
          ports.Set(name, cel::Value::Int(number));
        }
      }
      facts.Set(status.name, cel::Value::Object({{"port", cel::Value::Int(port)},
                                                 {"ports", std::move(ports).Build()},
                                                 {"pid", cel::Value::Int(status.pid)},
                                                 {"dir", cel::Value::String(status.directory)}}));
    }
  }
  state.service_facts = std::move(facts).Build();
  Redirect(state);
  return state;
}

void EnvironmentDriver::Redirect(run::EnvironmentState& state) const {
  for (const auto& [given, url] : options_.urls) {
    std::string name = given;
    if (name.empty()) name = state.default_endpoint;
    if (name.empty()) name = state.endpoints.empty() ? "default" : state.endpoints.front().name;
    const auto found = std::ranges::find(state.endpoints, name, &action::Endpoint::name);
    if (found == state.endpoints.end()) {
      state.endpoints.push_back({name, url});
    } else {
      found->url = url;
    }
  }
}

net::Task<void> EnvironmentDriver::Stop() {
  if (environment_ != nullptr) {
    static_cast<void>(co_await environment_->Stop(base::Deadline::After(kStopTime)));
  }
  if (guardian_ != nullptr) {
    static_cast<void>(co_await guardian_->Finish(base::Deadline::After(kGuardianTime)));
  }
}

}  // namespace assay::cli
