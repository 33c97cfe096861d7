#pragma once
// A load in a few lines of text.

#include <string>

#include "assay/report/load/load_series.h"

namespace assay::report {

/// `12 s  1,234/s  p50 1.2 ms  p99 4 ms  0 failed  10 users`: one second, for a status line.
std::string LoadLine(const LoadSecond& second);

/// The closing table: a line a task, statuses, what the generator itself did.
std::string LoadTable(const LoadSeries& series, base::Duration took);

/// `1234567` -> `1,234,567`.
std::string Grouped(uint64_t number);

}  // namespace assay::report
