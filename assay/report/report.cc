#include "assay/report/report.h"

#include <algorithm>
#include <array>

#include "assay/report/html_report.h"
#include "assay/report/json_report.h"
#include "assay/report/junit_report.h"

namespace assay::report {
namespace {

constexpr std::array kFormats = {
    ReportFormat{"json", "report.json", "the whole run as one JSON document", RenderJson},
    ReportFormat{"junit", "junit.xml", "JUnit XML with requirement ids as properties", RenderJunit},
    ReportFormat{"html", "report.html", "one self-contained page for people", RenderHtml},
};

}  // namespace

RequirementText ReportInput::TextOf(std::string_view id) const {
  if (requirements == nullptr) return {};
  const auto found = requirements->find(id);
  return found == requirements->end() ? RequirementText{} : found->second;
}

std::span<const ReportFormat> BuiltinReports() { return kFormats; }

const ReportFormat* FindReport(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name, &ReportFormat::name);
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace assay::report
