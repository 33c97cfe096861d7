#include <csignal>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <poll.h>

#include "lib/net/offload.h"
#include "lib/net/runtime.h"
#include "montage/app/cli/command.h"
#include "montage/app/entrance.h"
#include "montage/app/service.h"
#include "montage/app/stores/store_check.h"

namespace montage::app {
namespace {

using base::Result;

/// For probes that are under way when the service is told to stop before it is open.
constexpr base::Duration kProbeGrace = std::chrono::seconds(1);
/// Of a worker whose configuration says 0, which is meant for the server.
constexpr int kWorkerThreads = 2;

/// Waits up to a second; true when `stop` was requested.
bool StopsWithinASecond(const net::Cancellation& stop) {
  pollfd requested{stop.event_fd(), POLLIN, 0};
  return ::poll(&requested, 1, 1000) > 0 || stop.requested();
}

/// Servers that cannot be used yet are waited for, with their names at the entrance and in the log;
/// null when told to stop before.
Result<std::unique_ptr<Service>> OpenWhenPossible(const Config& config, Role role, Log& log,
                                                  const base::Clock& clock,
                                                  const Interposers& interposers,
                                                  const net::Cancellation& stop,
                                                  Entrance& entrance) {
  std::string told;
  while (true) {
    std::optional<MissingStore> missing = FirstMissing(config, role, clock);
    if (!missing) {
      entrance.WaitFor("", {});
      auto service = Service::Open(config, log, clock, role, interposers);
      const bool may_come = !service && service.error().code == base::ErrorCode::kUnavailable;
      if (!may_come) return service;
      // The stores were there just now: somebody has the directory for itself, and says who.
      missing = MissingStore{"directory", service.error()};
    }
    if (missing->error.code == base::ErrorCode::kInvalid) return base::Fail(missing->error);
    entrance.WaitFor(std::string(missing->name), missing->error);
    std::string event = fmt::format("waiting_for_{}", missing->name);
    const std::string news = event + missing->error.message;
    if (news != told) log.Write(event, missing->error);
    told = news;
    if (StopsWithinASecond(stop)) return nullptr;
  }
}

/// Servers and workers of one machine read the same variables and files, which say where the server
/// listens and that it does not analyse. Of those two keys only a flag is meant for a worker.
void AdaptToWorker(LoadedConfig& loaded) {
  for (const ConfigOrigin& origin : loaded.origins) {
    if (origin.origin.starts_with("flag")) continue;
    if (origin.key == "listen") {
      loaded.config.listen_host = "127.0.0.1";
      loaded.config.listen_port = 0;
    }
    if (origin.key == "workers" && loaded.config.workers == 0)
      loaded.config.workers = kWorkerThreads;
  }
}

struct Start {
  const Config& config;
  const Role role;
  Log& log;
  const base::Clock& clock;
  const Interposers& interposers;
  const net::Cancellation& stop;
  std::ostream& out;
};

net::Task<Result<int>> OpenAndServe(const Start& start) {
  CO_TRY(const auto entrance,
         Entrance::Open(co_await net::CurrentExecutor(), start.config, start.log));
  net::ThreadPool opening(1);
  const auto service = co_await net::Offload(opening, [&] {
    return OpenWhenPossible(start.config, start.role, start.log, start.clock, start.interposers,
                            start.stop, *entrance);
  });
  if (!service || *service == nullptr) {
    (void)co_await entrance->Close(base::Deadline::After(kProbeGrace));
    if (!service) co_return base::Fail(service.error());
    co_return 0;
  }
  co_await (*service)->Run(*entrance, start.stop, [&](const std::string& url) {
    start.out << (start.role == Role::kWorker ? "montage worker, health on "
                                              : "montage listening on ")
              << url << std::endl;
  });
  co_return 0;
}

Result<int> RunService(CommandContext& context, Role role) {
  TRY(LoadedConfig loaded, context.Load());
  if (role == Role::kWorker) AdaptToWorker(loaded);
  TRY(CheckSupported(loaded.config));
  TRY(const LogLevel level, ParseLogLevel(loaded.config.log_level));
  Log log(level, context.clock);
  net::Cancellation stop;
  const net::SignalBridge signals(stop, {SIGTERM, SIGINT});
  net::Runtime runtime;
  return runtime.Run(OpenAndServe({.config = loaded.config,
                                   .role = role,
                                   .log = log,
                                   .clock = context.clock,
                                   .interposers = context.io.interposers,
                                   .stop = stop,
                                   .out = context.io.out}));
}

/// The document is made from the operations of a real service, so one is opened on an empty
/// directory of its own.
Result<int> PrintOpenApi(CommandContext& context) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "montage-openapi-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return base::Fail(base::ErrorCode::kIo, "cannot make a temporary directory");
  }
  Config config =
      LoadConfig({.environment = [](std::string_view) { return std::nullopt; }})->config;
  config.data_dir = pattern;
  config.workers = 0;
  Result<boost::json::object> document;
  {
    Log log(LogLevel::kError, context.clock);
    const auto service = Service::Open(config, log, context.clock);
    document =
        service ? (*service)->OpenApi() : Result<boost::json::object>(base::Fail(service.error()));
  }
  std::error_code ignored;
  std::filesystem::remove_all(pattern, ignored);
  TRY(const boost::json::object printed, std::move(document));
  context.io.out << boost::json::serialize(printed) << '\n';
  return 0;
}

Result<int> ShowConfig(CommandContext& context, bool as_json) {
  TRY(const LoadedConfig loaded, context.Load());
  if (!as_json) {
    std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "ORIGIN"}};
    for (const ConfigOrigin& origin : loaded.origins)
      rows.push_back({std::string(origin.key), origin.value, origin.origin});
    PrintTable(context.io.out, rows);
    return 0;
  }
  boost::json::array list;
  for (const ConfigOrigin& origin : loaded.origins) {
    list.push_back(boost::json::object{
        {"key", origin.key}, {"value", origin.value}, {"origin", origin.origin}});
  }
  context.io.out << boost::json::serialize(list) << '\n';
  return 0;
}

}  // namespace

void AddServiceCommands(CLI::App& app, CommandContext& context) {
  app.add_subcommand("serve", "Serve the API and analyse; ends in order on SIGTERM or Ctrl-C")
      ->callback([&context] {
        context.action = [&context] { return RunService(context, Role::kServer); };
      });
  app.add_subcommand("worker", "Analyse only, beside servers on the same database; see --queue")
      ->callback([&context] {
        context.action = [&context] { return RunService(context, Role::kWorker); };
      });
  app.add_subcommand("openapi", "Print the OpenAPI document of the API")->callback([&context] {
    context.action = [&context] { return PrintOpenApi(context); };
  });
  app.add_subcommand("version", "Print the version")->callback([&context] {
    context.action = [&context]() -> Result<int> {
      context.io.out << "montage " << kVersion << '\n';
      return 0;
    };
  });
  auto* config = app.add_subcommand("config", "The configuration in effect");
  config->require_subcommand(1);
  auto* show = config->add_subcommand("show", "Each key, its value, and where that comes from");
  const auto as_json = std::make_shared<bool>(false);
  show->add_flag("--json", *as_json, "as JSON");
  show->callback([&context, as_json] {
    context.action = [&context, as_json] { return ShowConfig(context, *as_json); };
  });
}

}  // namespace montage::app
