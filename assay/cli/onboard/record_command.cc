// record: a proxy that writes a scenario from what passes through it.

#include <charconv>
#include <csignal>
#include <optional>

#include <fmt/format.h>

#include "assay/cli/onboard/draft_files.h"
#include "assay/cli/onboard/onboard_commands.h"
#include "assay/cli/project.h"
#include "assay/importing/importer.h"
#include "assay/importing/recording_proxy.h"
#include "assay/importing/scenario_writer.h"
#include "lib/net/event.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr auto kGrace = std::chrono::seconds(5);

/// `127.0.0.1:8090`, `:8090` or `8090`.
base::Result<std::pair<std::string, uint16_t>> ParseListen(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string address =
      colon == std::string::npos || colon == 0 ? "127.0.0.1" : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size()) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("--listen \"{}\" is neither a port nor address:port", text));
  }
  return std::pair(address, number);
}

struct Recording {
  std::vector<importing::Exchange> exchanges;
  size_t refused_upgrades = 0;
};

net::Task<base::Result<Recording>> Record(importing::ProxyOptions options,
                                          const Invocation& invocation, const Host& host) {
  net::Event enough;
  size_t count = 0;
  options.on_exchange = [&](const importing::Exchange& exchange) {
    if (!invocation.json)
      host.out(
          fmt::format("  {} {} {}\n", exchange.answer->status, exchange.method, exchange.path));
    if (++count == invocation.requests) enough.Set();
  };
  const std::string upstream = options.upstream;
  CO_TRY(auto proxy,
         importing::RecordingProxy::Start(co_await net::CurrentExecutor(), std::move(options)));
  if (!invocation.json) {
    host.out(
        fmt::format("recording {} -> {}\n{}\n", proxy->url(), upstream,
                    invocation.requests > 0
                        ? fmt::format("ends after {} requests, or with Ctrl-C", invocation.requests)
                        : std::string("ends with Ctrl-C")));
  }
  (void)co_await net::WithCancellation(enough.Wait(base::Deadline::Never()), *host.interrupt);
  co_await net::Shielded(proxy->Stop(base::Deadline::After(kGrace)));
  co_return Recording{proxy->exchanges(), proxy->refused_upgrades()};
}

}  // namespace

ExitCode RecordCommand(const Invocation& invocation, const Host& host) {
  const auto refuse = [&](const base::Error& error, ExitCode code) {
    PrintError(error, host, invocation.no_color);
    return code;
  };
  const auto listen = ParseListen(invocation.listen.empty() ? "127.0.0.1:0" : invocation.listen);
  if (!listen) return refuse(listen.error(), ExitCode::kUsage);
  const fs::path file = (host.directory / invocation.out).lexically_normal();
  DraftPlace place = PlaceOf(file.parent_path());
  if (!place.has_project) {
    // A new project begins here when the file is below, else above its folder.
    const bool is_below =
        !file.lexically_relative(host.directory).generic_string().starts_with("..");
    place.root = is_below ? host.directory : file.parent_path().parent_path();
  }
  place.folder = file.parent_path().lexically_relative(place.root).generic_string();
  if (file.extension() != ".yaml" || place.folder == "." || place.folder.starts_with("..")) {
    return refuse(
        {ErrorCode::kInvalid,
         fmt::format("--out \"{}\" is no scenario file", invocation.out),
         {},
         "expected a .yaml file in a folder of the project, such as suites/demo/notes.yaml"},
        ExitCode::kUsage);
  }
  std::error_code error;
  if (fs::exists(file, error) && !invocation.force) {
    return refuse({ErrorCode::kConflict,
                   fmt::format("{} exists already", invocation.out),
                   {},
                   "choose another name, or replace it with --force"},
                  ExitCode::kUsage);
  }
  std::optional<net::SignalBridge> signals;
  if (host.catch_signals)
    signals.emplace(*host.interrupt, std::initializer_list<int>{SIGINT, SIGTERM});
  net::Runtime runtime;
  importing::ProxyOptions options{.address = listen->first,
                                  .port = listen->second,
                                  .upstream = invocation.upstream,
                                  .insecure = invocation.insecure};
  auto recording = runtime.Run(Record(std::move(options), invocation, host));
  if (!recording)
    return refuse(recording.error(), recording.error().code == ErrorCode::kInvalid
                                         ? ExitCode::kUsage
                                         : ExitCode::kError);
  if (recording->exchanges.empty()) {
    return refuse({ErrorCode::kNotFound,
                   "nothing was recorded",
                   {},
                   "send requests to the address of the proxy"},
                  ExitCode::kError);
  }
  importing::Draft draft;
  draft.name = importing::ToSlug(invocation.name.empty() ? file.stem().string() : invocation.name);
  draft.endpoints.push_back({"api", invocation.upstream});
  if (recording->refused_upgrades > 0) {
    draft.notes.push_back(
        {"WebSocket", fmt::format("{} connections were refused: the proxy records HTTP only",
                                  recording->refused_upgrades)});
  }
  importing::ScenarioWriter writer(draft);
  importing::Outline outline;
  outline.file = file.stem().string();
  outline.id = importing::ScenarioId(draft.name, "recorded");
  outline.title = fmt::format("Recorded calls of {}", draft.name);
  outline.exchanges = std::move(recording->exchanges);
  writer.Write(std::move(outline));
  return Deliver(draft, place, invocation, host);
}

}  // namespace assay::cli
