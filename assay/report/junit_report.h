#pragma once
// JUnit XML as CI servers read it: a suite a system, a case a scenario instance, requirement ids as
// properties.

#include <string>

#include "assay/report/report.h"

namespace assay::report {

base::Result<std::string> RenderJunit(const ReportInput& input);

}  // namespace assay::report
