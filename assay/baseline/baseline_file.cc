#include "assay/baseline/baseline_file.h"

#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/file_io.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::baseline {
namespace {

using base::ErrorCode;

constexpr std::string_view kFormat = "assay baseline 1";

base::Error Wrong(const std::filesystem::path& file, std::string_view what) {
  return base::Error{ErrorCode::kCorrupt, fmt::format("{} is no baseline: {}", file.string(), what)}
      .Hint("`assay compare --update-baseline` writes a new one");
}

base::Result<std::vector<MeasuredRun>> ReadRuns(const boost::json::object& from) {
  const auto* given = from.if_contains("configuration");
  if (given == nullptr || !given->is_object()) {
    return base::Fail(ErrorCode::kCorrupt, "expected an object \"configuration\"");
  }
  TRY(const Configuration configuration, ReadConfiguration(given->get_object()));
  const auto* list = from.if_contains("runs");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) {
    return base::Fail(ErrorCode::kCorrupt, "expected a list \"runs\" with at least one run");
  }
  std::vector<MeasuredRun> runs;
  for (const auto& item : list->get_array()) {
    const auto* one = item.if_object();
    if (one == nullptr) return base::Fail(ErrorCode::kCorrupt, "a run is no object");
    TRY(MeasuredRun run, ReadMeasuredRun(*one));
    run.configuration = configuration;
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace

base::Result<std::vector<MeasuredRun>> ReadBaseline(const std::filesystem::path& file) {
  TRY(const std::string text, history::ReadWholeFile(file));
  const auto json = json::Parse(text);
  if (!json) return base::Fail(Wrong(file, json.error().message));
  const auto* whole = json->if_object();
  const auto* format = whole == nullptr ? nullptr : whole->if_contains("format");
  if (format == nullptr || !format->is_string()) {
    return base::Fail(Wrong(file, "expected a text \"format\""));
  }
  if (format->get_string() != kFormat) {
    return base::Fail(ErrorCode::kUnsupported,
                      fmt::format("{} has the format \"{}\", expected \"{}\"", file.string(),
                                  std::string(format->get_string()), kFormat));
  }
  auto runs = ReadRuns(*whole);
  if (!runs) return base::Fail(Wrong(file, runs.error().message));
  return runs;
}

base::Result<void> WriteBaseline(const std::filesystem::path& file,
                                 const std::vector<MeasuredRun>& runs) {
  boost::json::array list;
  for (const MeasuredRun& run : runs) list.push_back(ToJson(run));
  const boost::json::object whole = {{"format", kFormat},
                                     {"configuration", ToJson(runs.front().configuration)},
                                     {"runs", std::move(list)}};
  return history::WriteFileAtomically(file, json::Pretty(whole) + "\n");
}

base::Result<void> CheckWorthy(const MeasuredRun& run) {
  std::string why;
  if (!run.complete) {
    why = "was cut off";
  } else if (run.verdict != history::Verdict::kPassed) {
    why = fmt::format("has the verdict {}", history::ToString(run.verdict));
  } else if (run.metrics.empty()) {
    why = "measured nothing";
  }
  if (why.empty()) return {};
  return base::Fail(base::Error{
      ErrorCode::kConflict, fmt::format("the run {} {}: it cannot become a baseline", run.id, why)}
                        .Hint("a baseline is made of runs that passed"));
}

}  // namespace assay::baseline
