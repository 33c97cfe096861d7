// `assay history`: what was measured over time.

#include <algorithm>
#include <map>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/baseline/configuration.h"
#include "assay/baseline/report/comparison_report.h"
#include "assay/baseline/run_store.h"
#include "assay/cli/baseline/measured.h"
#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/history/file_io.h"
#include "lib/json/canonical.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::seconds(30);

base::Deadline Soon() { return base::Deadline::After(kPatience); }

fs::path FolderOf(const Invocation& invocation, const Host& host) {
  const auto root = FindRoot(host, invocation);
  if (!root) {
    return host.directory / (invocation.results.empty() ? "results" : invocation.results);
  }
  scenario::Problems ignored;
  const Vocabulary vocabulary;
  const auto project = LoadProject(*root, vocabulary, ignored);
  return ResultsFolder(invocation, host, *root, project.get());
}

// Every directory that holds a log, once: `latest` is a link to one of them.
std::vector<fs::path> AllRuns(const fs::path& results) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(results, error)) {
    std::error_code ignored;
    if (entry.is_symlink(ignored) || !fs::exists(entry.path() / "events.jsonl", ignored)) continue;
    out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

base::Result<size_t> Add(baseline::RunStore& store, const fs::path& results,
                         const Invocation& invocation, const Host& host) {
  const HistoryRequest& request = invocation.history;
  std::vector<fs::path> dirs;
  for (const std::string& name : request.runs) {
    Invocation named = invocation;
    named.run = name;
    TRY(fs::path dir, FindRun(named, host));
    dirs.push_back(std::move(dir));
  }
  if (request.runs.empty()) dirs = AllRuns(results);
  size_t entered = 0;
  for (const fs::path& dir : dirs) {
    TRY(const bool is_known, store.Holds(dir.filename().string(), Soon()));
    if (is_known && request.runs.empty()) continue;
    auto folder = MeasureFolder(dir);
    if (!folder && !request.runs.empty()) return base::Fail(folder.error());
    if (!folder) {
      host.err(fmt::format("note: {} is left out: {}\n", dir.filename().string(),
                           folder.error().message));
      continue;
    }
    TRY(store.Enter(folder->run, Soon()));
    ++entered;
  }
  return entered;
}

void PrintRuns(const std::vector<baseline::MeasuredRun>& runs, const Host& host) {
  // Runs under the same conditions have the same letter.
  std::map<std::string, size_t> groups;
  for (const auto& run : runs) {
    groups.try_emplace(baseline::DigestOf(run.configuration), groups.size() + 1);
  }
  host.out(fmt::format("{:<26} {:<20} {:<13} {:>8}  {}\n", "run", "started", "verdict", "metrics",
                       "conditions"));
  for (const auto& run : runs) {
    host.out(fmt::format("{:<26} {:<20} {:<13} {:>8}  {}\n", run.id,
                         base::FormatRfc3339(run.started).substr(0, 19) + "Z",
                         history::ToString(run.verdict), run.metrics.size(),
                         groups.at(baseline::DigestOf(run.configuration))));
  }
}

// A character a run, from the lowest value to the highest.
std::string Spark(const std::vector<double>& values, bool unicode) {
  static constexpr std::string_view kBars[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                               "\u2585", "\u2586", "\u2587", "\u2588"};
  static constexpr std::string_view kAscii[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
  const auto [low, high] = std::ranges::minmax(values);
  std::string out;
  for (const double value : values) {
    const double part = high > low ? (value - low) / (high - low) : 0;
    const auto step = static_cast<size_t>(part * 7.999);
    out += unicode ? kBars[step] : kAscii[step];
  }
  return out;
}

void PrintMetrics(const std::vector<baseline::MeasuredRun>& runs, const std::string& pattern,
                  const Host& host, bool unicode) {
  struct Series {
    std::string unit;
    std::vector<double> values;
  };
  std::map<std::string, Series> all;
  size_t width = 6;
  for (const auto& run : runs) {
    for (const auto& metric : run.metrics) {
      if (!baseline::MatchesWildcard(metric.name, pattern)) continue;
      Series& series = all[metric.name];
      series.unit = metric.unit;
      series.values.push_back(metric.value);
      width = std::max(width, metric.name.size());
    }
  }
  host.out(fmt::format("{:<{}} {:>5} {:>11} {:>11} {:>11} {:>11}\n", "metric", width, "runs",
                       "lowest", "highest", "first", "last"));
  for (const auto& [name, series] : all) {
    const auto [low, high] = std::ranges::minmax(series.values);
    host.out(fmt::format(
        "{:<{}} {:>5} {:>11} {:>11} {:>11} {:>11}  {}\n", name, width, series.values.size(),
        baseline::Shown(low, series.unit), baseline::Shown(high, series.unit),
        baseline::Shown(series.values.front(), series.unit),
        baseline::Shown(series.values.back(), series.unit), Spark(series.values, unicode)));
  }
}

void PrintJson(const std::vector<baseline::MeasuredRun>& runs, const std::string& pattern,
               const Host& host) {
  boost::json::array list;
  for (baseline::MeasuredRun run : runs) {
    if (!pattern.empty()) {
      std::erase_if(run.metrics, [&](const baseline::Metric& metric) {
        return !baseline::MatchesWildcard(metric.name, pattern);
      });
    }
    boost::json::object one = baseline::ToJson(run);
    one["configuration"] = baseline::ToJson(run.configuration);
    list.push_back(std::move(one));
  }
  host.out(json::Pretty(boost::json::object{{"runs", std::move(list)}}) + "\n");
}

base::Result<void> Show(const baseline::RunStore& store, const Invocation& invocation,
                        const Host& host) {
  const HistoryRequest& request = invocation.history;
  TRY(const auto runs, store.Latest(static_cast<size_t>(request.limit), "", Soon()));
  if (!request.html.empty()) {
    const std::string pattern = request.metric.empty() ? "*" : request.metric;
    TRY(history::WriteFileAtomically(host.directory / request.html,
                                     baseline::TrendPage("History", runs, pattern)));
    if (!invocation.json) host.out(fmt::format("html     {}\n", request.html));
    if (!invocation.json) return {};
  }
  if (invocation.json) {
    PrintJson(runs, request.metric, host);
  } else if (request.metric.empty()) {
    PrintRuns(runs, host);
  } else {
    const Look look = LookOf(host, host.out_is_terminal, invocation.no_color);
    PrintMetrics(runs, request.metric, host, look.unicode);
  }
  return {};
}

}  // namespace

ExitCode HistoryCommand(const Invocation& invocation, const Host& host) {
  const auto refuse = [&](const base::Error& error, ExitCode code) {
    PrintError(error, host, invocation.no_color);
    return code;
  };
  const fs::path results = FolderOf(invocation, host);
  std::error_code ignored;
  const bool adds = invocation.history.action == "add";
  if (!adds && !fs::exists(StoreOf(results), ignored)) {
    return refuse(base::Error{base::ErrorCode::kNotFound,
                              fmt::format("there is no history in {}", results.string())}
                      .Hint("`assay run` makes one; `assay history add` enters earlier runs"),
                  ExitCode::kUsage);
  }
  auto store = baseline::RunStore::Open(StoreOf(results), Soon());
  if (!store) return refuse(store.error(), ExitCode::kError);
  if (adds) {
    const auto entered = Add(*store, results, invocation, host);
    if (!entered) return refuse(entered.error(), ExitCode::kUsage);
    host.out(fmt::format("entered {} run{}\n", *entered, *entered == 1 ? "" : "s"));
    return ExitCode::kPassed;
  }
  const auto shown = Show(*store, invocation, host);
  return shown ? ExitCode::kPassed : refuse(shown.error(), ExitCode::kError);
}

}  // namespace assay::cli
