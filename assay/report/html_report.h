#pragma once
// One self-contained page: summary, scenarios with every exchange and failed expectation, timeline,
// traceability, environment and inputs. Needs no network and no script to be read; the script only
// filters.

#include <string>

#include "assay/report/report.h"

namespace assay::report {

base::Result<std::string> RenderHtml(const ReportInput& input);

}  // namespace assay::report
