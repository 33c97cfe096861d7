#pragma once
// The parts of the HTML report; html_report.cc puts them together.

#include <span>
#include <string>
#include <string_view>

#include "assay/report/report.h"

namespace assay::report::html {

/// Style sheet and script of the page.
std::string_view Style();
std::string_view Script();

/// Text for element content and attribute values.
std::string Escape(std::string_view text);
/// A coloured label with the verdict's word.
std::string Pill(history::Verdict verdict);
/// An id attribute for a scenario instance or step path.
std::string Anchor(std::string_view path);

/// `<details>` of one scenario with all its steps.
std::string Scenario(const history::ScenarioResult& scenario, const ReportInput& input);
/// A drawing of each series that a step `monitor` measured, with its statistics.
std::string MonitorPlots(const history::StepResult& step, const ReportInput& input);
/// An SVG with one row a scenario and a bar for each of its steps.
std::string Timeline(const history::RunModel& model);
std::string Traceability(const ReportInput& input);
std::string Environment(const history::RunModel& model);

}  // namespace assay::report::html
