#pragma once
// A load in the HTML report: charts as inline SVG, a table, the failures that were kept.

#include <string>

#include "assay/report/load/load_series.h"

namespace assay::report::html {

std::string Load(const LoadSeries& series, base::Duration took);

}  // namespace assay::report::html
