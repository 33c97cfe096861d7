#include "assay/cli/environment_driver.h"

#include <algorithm>
#include <ranges>
#include <system_error>

#include "assay/environment/endpoints.h"
#include "assay/environment/guardian/undo.h"
#include "assay/history/file_io.h"
#include "lib/net/task.h"

namespace assay::cli {
namespace {

constexpr auto kGuardianTime = std::chrono::seconds(10);
constexpr auto kStopTime = std::chrono::minutes(3);

/// `environment.services.<name>`.
cel::Value FactsOf(const std::vector<std::pair<std::string, uint16_t>>& ports, pid_t pid,
                   const std::string& directory) {
  cel::MapBuilder named;
  for (const auto& [name, number] : ports) named.Set(name, cel::Value::Int(number));
  const int64_t first = ports.empty() ? 0 : ports.front().second;
  return cel::Value::Object({{"port", cel::Value::Int(first)},
                             {"ports", std::move(named).Build()},
                             {"pid", cel::Value::Int(pid)},
                             {"dir", cel::Value::String(directory)}});
}

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

net::Task<base::Result<void>> EnvironmentDriver::PrepareFolders() {
  const std::filesystem::path shared = options_.run_dir / "shared";
  const auto deadline = base::Deadline::After(kGuardianTime);
  if (!options_.keep_work) CO_TRY(co_await guardian_->Own(shared, deadline));
  // Services write what they like: their files may stay only without secrets, see Stop.
  if (options_.redactor != nullptr || !options_.keep_work) {
    CO_TRY(co_await guardian_->Own(options_.run_dir / "logs", deadline));
  }
  std::error_code error;
  std::filesystem::create_directories(shared, error);
  co_return base::Result<void>{};
}

net::Task<base::Result<std::unique_ptr<environment::Environment>>> EnvironmentDriver::Make(
    const environment::EnvironmentSpec& spec, std::string scope,
    std::map<std::string, uint16_t> links, history::EventWriter& events, history::BlobSink& blobs) {
  environment::EnvironmentContext context{
      .clock = clock_,
      .executor = co_await net::CurrentExecutor(),
      .guardian = guardian_.get(),
      .sink =
          [&events, owner = spec.name](std::string_view kind, std::string_view path,
                                       boost::json::object data, std::vector<std::string> names) {
            const bool about_service =
                kind.starts_with("environment.service.") || kind == "environment.probe";
            if (about_service) data["environment"] = owner;
            events.Write(kind, path, std::move(data), std::move(names));
          },
      .http = &http_,
      .blobs = &blobs,
      .run_directory = options_.run_dir,
      .inherited = options_.inherited,
      .scope = std::move(scope),
      .keep_files = options_.keep_work,
      .links = std::move(links)};
  co_return environment::MakeEnvironment(spec, std::move(context));
}

net::Task<base::Result<std::map<std::string, uint16_t>>> EnvironmentDriver::OpenLinks() {
  std::map<std::string, uint16_t> ports;
  links_ =
      std::make_unique<fault::ProxySet>(options_.seed, co_await net::CurrentExecutor(), clock_);
  for (const environment::LinkSpec& link : converted_->spec.links) {
    CO_TRY(fault::Proxy * proxy,
           co_await links_->Add(
               {.name = link.name, .listen = link.listen + ":0", .upstream = "127.0.0.1:0"}));
    // Asked for with each connection: a service may have moved to another port.
    proxy->SetFindUpstream([this, &link] { return link.target(*converted_->placed); });
    ports[link.name] = proxy->port();
  }
  co_return ports;
}

net::Task<base::Result<void>> EnvironmentDriver::StartAll(history::EventWriter& events,
                                                          history::BlobSink& blobs) {
  const auto limit = [](const environment::EnvironmentSpec& spec) {
    return base::Deadline::After(spec.start_timeout + std::chrono::seconds(5));
  };
  CO_TRY(co_await PrepareFolders());
  if (converted_ && options_.up) {
    CO_TRY(up_endpoints_, environment::CompleteEndpoints(converted_->spec, *options_.up));
  } else if (converted_) {
    CO_TRY(auto links, co_await OpenLinks());
    CO_TRY(environment_, co_await Make(converted_->spec, {}, std::move(links), events, blobs));
    CO_TRY(co_await environment_->Start(limit(converted_->spec)));
    faults_ = std::make_unique<fault::FaultSite>(
        fault::Ground{.clock = clock_,
                      .environment = environment_.get(),
                      .guardian = guardian_.get(),
                      .links = links_.get(),
                      .run_directory = options_.run_dir},
        [&events](std::string_view kind, std::string_view path, boost::json::object data,
                  std::vector<std::string> names) {
          events.Write(kind, path, std::move(data), std::move(names));
          // What breaks something is on the disk before it does.
          if (kind == "fault.injected") static_cast<void>(events.Flush());
        });
    faults_->GivePlans(options_.fault_plans);
  }
  for (const AddressedEnvironment& other : options_.others) {
    const environment::EnvironmentSpec& spec = other.converted.spec;
    CO_TRY(auto made, co_await Make(spec, spec.name + ".", {}, events, blobs));
    others_.push_back(std::move(made));
    CO_TRY(co_await others_.back()->Start(limit(spec)));
  }
  co_return base::Result<void>{};
}

net::Task<base::Result<run::EnvironmentState>> EnvironmentDriver::Start(
    history::EventWriter& events, history::BlobSink& blobs) {
  CO_TRY(co_await StartGuardian());
  if (converted_ || !options_.others.empty()) CO_TRY(co_await StartAll(events, blobs));
  co_return State();
}

run::EnvironmentState EnvironmentDriver::State() const {
  run::EnvironmentState state;
  state.faults = faults_.get();
  state.default_endpoint = options_.default_endpoint;
  state.credentials = options_.credentials;
  cel::MapBuilder facts;
  if (environment_ != nullptr) {
    for (const environment::Endpoint& endpoint : environment_->endpoints()) {
      state.endpoints.push_back({endpoint.name, endpoint.url});
    }
    for (const environment::ServiceStatus& status : environment_->services()) {
      state.services.push_back(status.name);
      facts.Set(status.name, FactsOf(status.ports, status.pid, status.directory));
    }
  } else if (options_.up) {
    for (const auto& [name, place] : options_.up->services) {
      state.services.push_back(name);
      facts.Set(name, FactsOf(place.ports, 0, place.directory));
    }
    for (const environment::Endpoint& endpoint : up_endpoints_) {
      state.endpoints.push_back({endpoint.name, endpoint.url});
    }
  }
  state.service_facts = std::move(facts).Build();
  for (size_t i = 0; i < others_.size(); ++i) {
    run::OtherEnvironment other{.name = others_[i]->spec().name,
                                .endpoints = {},
                                .default_endpoint = options_.others[i].default_endpoint};
    for (const environment::Endpoint& endpoint : others_[i]->endpoints()) {
      other.endpoints.push_back({endpoint.name, endpoint.url});
    }
    state.others.push_back(std::move(other));
  }
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

base::Result<void> EnvironmentDriver::RedactLogs() const {
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.run_dir / "logs", error), end;
       !error && it != end; it.increment(error)) {
    TRY(const std::string text, history::ReadWholeFile(it->path()));
    TRY(history::WriteFileAtomically(it->path(), options_.redactor->Bytes(text)));
  }
  return {};
}

net::Task<void> EnvironmentDriver::Stop() {
  for (const auto& other : others_ | std::views::reverse) {
    static_cast<void>(co_await other->Stop(base::Deadline::After(kStopTime)));
  }
  if (environment_ != nullptr) {
    static_cast<void>(co_await environment_->Stop(base::Deadline::After(kStopTime)));
  }
  if (links_ != nullptr) co_await links_->Close();
  if (guardian_ != nullptr && options_.redactor != nullptr && RedactLogs()) {
    static_cast<void>(co_await guardian_->Disown(options_.run_dir / "logs",
                                                 base::Deadline::After(kGuardianTime)));
  }
  if (guardian_ != nullptr) {
    static_cast<void>(co_await guardian_->Finish(base::Deadline::After(kGuardianTime)));
  }
}

}  // namespace assay::cli
