// `assay compare`: runs against a baseline, or against other runs.

#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/baseline/baseline_file.h"
#include "assay/baseline/comparison.h"
#include "assay/baseline/report/comparison_report.h"
#include "assay/baseline/run_store.h"
#include "assay/cli/baseline/measured.h"
#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/history/file_io.h"
#include "assay/history/verify.h"
#include "assay/scenario/baseline_settings.h"
#include "lib/base/share.h"
#include "lib/json/canonical.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr size_t kTrendRuns = 50;

baseline::MetricRule RuleOf(const scenario::BaselineRule& rule) {
  return {.metrics = rule.metrics,
          .tolerance = rule.tolerance,
          .floor = rule.floor,
          .better = baseline::ParseBetter(rule.better),
          .ignore = rule.ignore};
}

/// One comparison from the command line, step by step.
class CompareSession {
 public:
  CompareSession(const Invocation& invocation, const Host& host)
      : invocation_(invocation), request_(invocation.compare), host_(host) {}

  ExitCode Execute() {
    if (const auto loaded = LoadSettings(); loaded != ExitCode::kPassed) return loaded;
    if (const auto read = ReadTolerances(); !read) return Refuse(read.error());
    if (const auto found = FindJudged(); !found) return Refuse(found.error());
    const fs::path file = BaselineFile();
    auto before = ReadBefore(file);
    const bool is_first = !before && before.error().code == ErrorCode::kNotFound &&
                          request_.update && request_.against.empty();
    if (!before && !is_first) return Refuse(before.error());
    ExitCode code = ExitCode::kPassed;
    if (before) {
      const auto judged = Judge(*before, file);
      if (!judged) return Refuse(judged.error(), ExitCode::kError);
      code = *judged;
    }
    if (!request_.update) return code;
    return Update(file);
  }

 private:
  ExitCode Refuse(const base::Error& error, ExitCode code = ExitCode::kUsage) {
    PrintError(error, host_, invocation_.no_color);
    return code;
  }

  // A project is not needed: loads have none.
  ExitCode LoadSettings() {
    const auto root = FindRoot(host_, invocation_);
    folder_ = host_.directory / settings_.folder;
    if (!root) return invocation_.project.empty() ? ExitCode::kPassed : Refuse(root.error());
    scenario::Problems problems;
    const Vocabulary vocabulary;
    const auto project = LoadProject(*root, vocabulary, problems);
    const bool readable = std::ranges::none_of(problems.errors(), [](const base::Error& error) {
      return error.span.source != nullptr && error.span.source->name() == "assay.yaml";
    });
    if (!readable) {
      cli::PrintProblems(problems, host_, invocation_.no_color);
      return ExitCode::kFiles;
    }
    settings_ = scenario::BaselineOf(*project);
    folder_ = *root / settings_.folder;
    return ExitCode::kPassed;
  }

  base::Result<void> ReadTolerances() {
    tolerances_.tolerance = settings_.tolerance.value_or(baseline::kDefaultTolerance);
    for (const auto& rule : settings_.rules) tolerances_.rules.push_back(RuleOf(rule));
    if (!request_.tolerance.empty()) {
      TRY(tolerances_.tolerance, base::ParseShare(request_.tolerance));
    }
    for (const std::string& text : request_.metrics) {
      TRY(baseline::MetricRule rule, baseline::ParseMetricTolerance(text));
      tolerances_.rules.push_back(std::move(rule));
    }
    if (request_.last > 0 && !request_.runs.empty()) {
      return base::Fail(ErrorCode::kInvalid, "--last does not go with named runs");
    }
    return {};
  }

  base::Result<void> FindJudged() {
    if (request_.last > 0) return FindLast();
    std::vector<std::string> names = request_.runs;
    if (names.empty()) names.emplace_back();
    for (const std::string& name : names) {
      TRY(MeasuredFolder folder, MeasureFolder(name, invocation_, host_));
      const bool twice =
          std::ranges::any_of(after_, [&](const auto& run) { return run.head == folder.run.head; });
      if (twice) {
        return base::Fail(
            ErrorCode::kInvalid,
            fmt::format("the run {} is named twice: repeats are different runs", folder.run.id));
      }
      after_.push_back(folder.run);
      last_ = std::move(folder);
    }
    return {};
  }

  base::Result<void> FindLast() {
    const auto deadline = base::Deadline::After(kPatience);
    TRY(MeasuredFolder latest, MeasureFolder("", invocation_, host_));
    TRY(const baseline::RunStore store,
        baseline::RunStore::Open(StoreOf(latest.dir.parent_path()), deadline));
    TRY(after_, store.Latest(static_cast<size_t>(request_.last),
                             baseline::DigestOf(latest.run.configuration), deadline));
    last_ = std::move(latest);
    if (after_.size() == static_cast<size_t>(request_.last)) return {};
    return base::Fail(base::Error{ErrorCode::kNotFound,
                                  fmt::format("the history has {} runs under the conditions of {}, "
                                              "--last {} needs more",
                                              after_.size(), last_.run.id, request_.last)}
                          .Hint("repeat the run; `assay history add` enters earlier ones"));
  }

  fs::path BaselineFile() const {
    if (request_.baseline.contains('/') || request_.baseline.ends_with(".json")) {
      return host_.directory / request_.baseline;
    }
    std::string name = request_.baseline;
    if (name.empty()) {
      const auto* environment = last_.model.manifest.if_contains("environment");
      if (environment != nullptr && environment->is_string()) name = environment->get_string();
    }
    return folder_ / ((name.empty() ? "default" : name) + ".json");
  }

  base::Result<std::vector<baseline::MeasuredRun>> ReadBefore(const fs::path& file) const {
    if (request_.against.empty()) {
      auto runs = baseline::ReadBaseline(file);
      if (runs || runs.error().code != ErrorCode::kNotFound) return runs;
      return base::Fail(
          base::Error{ErrorCode::kNotFound, fmt::format("there is no baseline {}", Named(file))}
              .Hint("`assay compare --update-baseline` makes one of runs that "
                    "passed; --against RUN compares with another run"));
    }
    std::vector<baseline::MeasuredRun> runs;
    for (const std::string& name : request_.against) {
      TRY(MeasuredFolder folder, MeasureFolder(name, invocation_, host_));
      runs.push_back(std::move(folder.run));
    }
    return runs;
  }

  std::string Named(const fs::path& file) const {
    const std::string relative = file.lexically_relative(host_.directory).string();
    return relative.empty() || relative.starts_with("..") ? file.string() : relative;
  }

  base::Result<ExitCode> Judge(const std::vector<baseline::MeasuredRun>& before,
                               const fs::path& file) {
    baseline::Comparison comparison =
        baseline::Compare(before, after_, tolerances_, invocation_.force);
    comparison.baseline = request_.against.empty() ? Named(file) : before.back().id;
    const baseline::Places places = baseline::PlacesOf(last_.model);
    if (invocation_.json) {
      host_.out(json::Pretty(baseline::ComparisonJson(comparison, places)) + "\n");
    } else {
      const Look look = LookOf(host_, host_.out_is_terminal, invocation_.no_color);
      host_.out(baseline::ComparisonText(
          comparison, places, {.color = look.color, .width = look.width}, invocation_.verbose));
    }
    TRY(WriteReports(comparison, places));
    switch (comparison.verdict()) {
      case history::Verdict::kFailed:
        return ExitCode::kFailed;
      case history::Verdict::kPassed:
        return ExitCode::kPassed;
      default:
        return ExitCode::kInconclusive;
    }
  }

  base::Result<void> WriteReports(const baseline::Comparison& comparison,
                                  const baseline::Places& places) {
    for (const std::string& format : invocation_.reports) {
      std::string text;
      std::string name;
      if (format == "html") {
        name = "comparison.html";
        text = baseline::ComparisonPage(comparison, places, Trend());
      } else if (format == "junit") {
        name = "comparison.xml";
        text = baseline::ComparisonJunit(comparison, places);
      } else if (format == "json") {
        name = "comparison.json";
        text = json::Pretty(baseline::ComparisonJson(comparison, places)) + "\n";
      } else {
        continue;  // terminal: printed already
      }
      const fs::path file = last_.dir / name;
      TRY(history::WriteFileAtomically(file, text));
      if (!invocation_.json) host_.out(fmt::format("{:<8} {}\n", format, Named(file)));
    }
    return {};
  }

  // Without a history there is no trend: the page draws the baseline.
  std::vector<baseline::MeasuredRun> Trend() const {
    const auto deadline = base::Deadline::After(kPatience);
    const fs::path file = StoreOf(last_.dir.parent_path());
    std::error_code ignored;
    if (!fs::exists(file, ignored)) return {};
    const auto store = baseline::RunStore::Open(file, deadline);
    if (!store) return {};
    auto runs = store->Latest(kTrendRuns, baseline::DigestOf(last_.run.configuration), deadline);
    return runs ? *std::move(runs) : std::vector<baseline::MeasuredRun>{};
  }

  ExitCode Update(const fs::path& file) {
    for (const baseline::MeasuredRun& run : after_) {
      if (const auto worthy = baseline::CheckWorthy(run); !worthy) return Refuse(worthy.error());
      const auto differences =
          baseline::Differences(after_.front().configuration, run.configuration);
      if (!differences.empty()) {
        return Refuse(
            {ErrorCode::kConflict,
             fmt::format("the runs {} and {} differ ({}): they cannot be one baseline",
                         after_.front().id, run.id, baseline::ToText(differences.front()))});
      }
      const auto whole = CheckWhole(run);
      if (!whole) return Refuse(whole.error());
    }
    const auto written = baseline::WriteBaseline(file, after_);
    if (!written) return Refuse(written.error(), ExitCode::kError);
    if (!invocation_.json) {
      host_.out(fmt::format("baseline {}: {} run{}, {} metrics\n", Named(file), after_.size(),
                            after_.size() == 1 ? "" : "s", after_.front().metrics.size()));
      if (after_.size() < baseline::kFewestRuns) {
        host_.out(fmt::format(
            "note: a baseline of {} runs or more tells how much equal runs differ: --last 5\n",
            baseline::kFewestRuns));
      }
    }
    return ExitCode::kPassed;
  }

  // Evidence that was altered must not become what others are measured by. A run of which only the
  // history is left was measured when it ended.
  base::Result<void> CheckWhole(const baseline::MeasuredRun& run) const {
    const fs::path dir = last_.dir.parent_path() / run.id;
    std::error_code ignored;
    const fs::path where = run.id == last_.run.id ? last_.dir : dir;
    if (!fs::exists(where / "events.jsonl", ignored)) return {};
    TRY(const history::VerifyReport report, history::Verify(where));
    if (report.ok()) return {};
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the run {} is not intact ({}): it cannot become a baseline",
                                  run.id, report.problems.front().what));
  }

  const Invocation& invocation_;
  const CompareRequest& request_;
  const Host& host_;
  fs::path folder_;
  scenario::BaselineSettings settings_;
  baseline::Tolerances tolerances_;
  std::vector<baseline::MeasuredRun> after_;
  MeasuredFolder last_;
};

}  // namespace

ExitCode CompareCommand(const Invocation& invocation, const Host& host) {
  return CompareSession(invocation, host).Execute();
}

}  // namespace assay::cli
