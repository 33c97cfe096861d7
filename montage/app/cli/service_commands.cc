#include <csignal>
#include <filesystem>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <poll.h>

#include "lib/net/runtime.h"
#include "montage/app/cli/command.h"
#include "montage/app/service.h"

namespace montage::app {
namespace {

using base::Result;

/// Of a worker whose configuration says 0, which is meant for the server.
constexpr int kWorkerThreads = 2;

/// Waits up to a second; true when `stop` was requested.
bool StopsWithinASecond(const net::Cancellation& stop) {
  pollfd requested{stop.event_fd(), POLLIN, 0};
  return ::poll(&requested, 1, 1000) > 0 || stop.requested();
}

/// A database that cannot be reached yet is waited for, with its name in the log; null when told to
/// stop before.
Result<std::unique_ptr<Service>> OpenWhenPossible(const Config& config, Role role, Log& log,
                                                  const base::Clock& clock,
                                                  const Interposers& interposers,
                                                  const net::Cancellation& stop) {
  bool told = false;
  while (true) {
    auto service = Service::Open(config, log, clock, role, interposers);
    const bool may_come = !service && service.error().code == base::ErrorCode::kUnavailable;
    if (!may_come || config.database_url.empty()) return service;
    if (!told) log.Write("waiting_for_database", service.error());
    told = true;
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

Result<int> RunService(CommandContext& context, Role role) {
  TRY(LoadedConfig loaded, context.Load());
  if (role == Role::kWorker) AdaptToWorker(loaded);
  TRY(const LogLevel level, ParseLogLevel(loaded.config.log_level));
  Log log(level, context.clock);
  net::Cancellation stop;
  const net::SignalBridge signals(stop, {SIGTERM, SIGINT});
  TRY(const auto service, OpenWhenPossible(loaded.config, role, log, context.clock,
                                           context.io.interposers, stop));
  if (!service) return 0;
  net::Runtime runtime;
  TRY(runtime.Run(service->Run(stop, [&](const std::string& url) {
    context.io.out << (role == Role::kWorker ? "montage worker, health on "
                                             : "montage listening on ")
                   << url << std::endl;
  })));
  return 0;
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
