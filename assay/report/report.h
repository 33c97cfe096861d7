#pragma once
// What every report is made from, and the list of report formats. A report is a pure function of a
// finished run.

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/history/run_model.h"
#include "assay/history/trace.h"
#include "lib/base/result.h"

namespace assay::report {

/// What a catalogue says about a requirement, for people.
struct RequirementText {
  std::string text;
  std::string section;
  std::string risk;
};
using RequirementTexts = std::map<std::string, RequirementText, std::less<>>;

/// Everything outlives the call.
struct ReportInput {
  const history::RunModel& model;
  /// Requirements that the suites of this run declare; empty when none are.
  std::span<const history::RequirementTrace> trace;
  /// Bytes of a blob of the run by its SHA-256 name.
  std::function<base::Result<std::string>(std::string_view name)> read_blob;
  /// By id; null when there is no catalogue.
  const RequirementTexts* requirements = nullptr;

  /// Empty texts when the id is unknown.
  RequirementText TextOf(std::string_view id) const;
};

/// One format of `--report`; `file` is its name in the run directory, "" for the terminal.
struct ReportFormat {
  std::string_view name;
  std::string_view file;
  std::string_view doc;
  base::Result<std::string> (*render)(const ReportInput& input);
};

/// json, junit, html; the terminal report is live and stands apart (terminal_report.h).
std::span<const ReportFormat> BuiltinReports();

/// nullptr when there is no such format.
const ReportFormat* FindReport(std::string_view name);

}  // namespace assay::report
