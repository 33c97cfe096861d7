#pragma once
// The whole run as one JSON document for machines; the shape is described in
// docs/reference/reports.md.

#include <string>

#include <boost/json/object.hpp>

#include "assay/report/report.h"

namespace assay::report {

base::Result<std::string> RenderJson(const ReportInput& input);

/// `{requirements: [{id, verdict, scenarios: [...], ...}], counts}`: what `assay trace --json`
/// prints.
boost::json::object TraceToJson(const ReportInput& input);

}  // namespace assay::report
