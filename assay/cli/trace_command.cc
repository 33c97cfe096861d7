// trace: which requirement is proved by which scenario of which run.

#include <algorithm>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/history/file_io.h"
#include "assay/report/failure_text.h"
#include "assay/report/html_page.h"
#include "assay/report/json_report.h"
#include "lib/json/canonical.h"

namespace assay::cli {
namespace {

using history::TraceVerdict;

history::Verdict ColorOf(TraceVerdict verdict) {
  switch (verdict) {
    case TraceVerdict::kVerified:
      return history::Verdict::kPassed;
    case TraceVerdict::kFailed:
      return history::Verdict::kFailed;
    case TraceVerdict::kNotVerified:
    case TraceVerdict::kStale:
      return history::Verdict::kInconclusive;
    case TraceVerdict::kUncovered:
      return history::Verdict::kSkipped;
  }
  return history::Verdict::kSkipped;
}

std::string WordOf(TraceVerdict verdict) {
  std::string word(ToString(verdict));
  std::ranges::replace(word, '_', ' ');
  return word;
}

void PrintTable(const RecordedRun& run, const Host& host, bool no_color) {
  const Look look = LookOf(host, host.out_is_terminal, no_color);
  const report::TextStyle style{.color = look.color, .width = look.width};
  size_t width = 11;
  for (const auto& row : run.trace) width = std::max(width, row.id.size());
  std::map<TraceVerdict, size_t> counts;
  for (const auto& row : run.trace) {
    ++counts[row.verdict];
    std::vector<std::string> scenarios;
    for (const auto& evidence : row.evidence) {
      scenarios.push_back(evidence.verdict == history::Verdict::kPassed && evidence.reason.empty()
                              ? evidence.instance
                              : fmt::format("{} ({})", evidence.instance,
                                            evidence.reason.empty()
                                                ? std::string(ToString(evidence.verdict))
                                                : evidence.reason));
    }
    const std::string word = fmt::format("{:<12}", WordOf(row.verdict));
    host.out(fmt::format("{:<{}}  {}  {}{}\n", row.id, width,
                         report::Painted(word, ColorOf(row.verdict), style),
                         fmt::join(scenarios, ", "), row.flaky ? "  flaky" : ""));
  }
  std::string sum;
  for (const auto& [verdict, count] : counts) {
    if (!sum.empty()) sum += ", ";
    sum += report::Painted(fmt::format("{} {}", count, WordOf(verdict)), ColorOf(verdict), style);
  }
  host.out(fmt::format("\n{} requirement{}: {}\n", run.trace.size(),
                       run.trace.size() == 1 ? "" : "s", sum.empty() ? "none" : sum));
  if (!run.model.id.empty()) host.out(fmt::format("run {}\n", run.model.id));
}

std::string Page(const RecordedRun& run) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>traceability {}"
      "</title><style>{}</style></head><body><main><h1>Traceability</h1>{}</main></body></html>\n",
      report::html::Escape(run.model.id), report::html::Style(),
      report::html::Traceability(run.Input()));
}

}  // namespace

ExitCode TraceCommand(const Invocation& invocation, const Host& host) {
  const auto refuse = [&](const base::Error& error, ExitCode code) {
    PrintError(error, host, invocation.no_color);
    return code;
  };
  const auto root = FindRoot(host, invocation);
  if (!root) return refuse(root.error(), ExitCode::kUsage);
  const Vocabulary vocabulary;
  scenario::Problems problems;
  const auto project = LoadProject(*root, vocabulary, problems);
  if (PrintProblems(problems, host, invocation.no_color, invocation.choice.suites)) {
    return ExitCode::kFiles;
  }
  RecordedRun run;
  const auto dir = FindRun(invocation, host);
  if (dir) {
    auto loaded = LoadRun(*dir);
    if (!loaded) return refuse(loaded.error(), ExitCode::kError);
    run = *std::move(loaded);
  } else if (!invocation.run.empty()) {
    return refuse(dir.error(), ExitCode::kUsage);
  }
  const auto catalogue = CatalogueOf(*project, invocation.choice.suites);
  const std::span<const history::RunModel> runs(&run.model, dir ? 1U : 0U);
  run.trace = history::Trace(catalogue, runs);
  if (!invocation.choice.suites.empty()) {
    std::erase_if(run.trace, [](const auto& row) { return row.system.empty(); });
  }
  for (const auto& one : project->catalogues) AddTexts(one, run.texts);
  if (!invocation.html.empty()) {
    const auto written = history::WriteFileAtomically(host.directory / invocation.html, Page(run));
    if (!written) return refuse(written.error(), ExitCode::kError);
  }
  if (invocation.json) {
    host.out(json::Pretty(report::TraceToJson(run.Input())) + "\n");
  } else {
    PrintTable(run, host, invocation.no_color);
    if (!dir) host.out("there is no run yet: `assay run` makes one\n");
  }
  const bool all = std::ranges::all_of(
      run.trace, [](const auto& row) { return row.verdict == TraceVerdict::kVerified; });
  return invocation.fail_uncovered && !all ? ExitCode::kFailed : ExitCode::kPassed;
}

}  // namespace assay::cli
