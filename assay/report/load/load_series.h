#pragma once
// A load as the reports show it, read back from its events.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "assay/history/run_model.h"
#include "lib/stats/histogram.h"

namespace assay::report {

/// Times in microseconds.
struct LoadSecond {
  int64_t second = 0;
  uint64_t finished = 0;
  uint64_t failed = 0;
  int64_t users = 0;
  uint64_t late = 0;
  uint64_t p50 = 0;
  uint64_t p95 = 0;
  uint64_t p99 = 0;
  uint64_t max = 0;
};

struct LoadTaskTotals {
  std::string name;
  uint64_t finished = 0;
  uint64_t failed = 0;
  stats::Histogram latency;
  stats::Histogram service;
  std::map<std::string, uint64_t> status;
};

struct LoadFailure {
  std::string task;
  std::string step;
  std::string reason;
  std::string transcript;
  int64_t status = 0;
  base::Duration at{};
};

struct LoadSeries {
  std::string executor;
  std::string engine;
  std::string engine_reason;
  std::vector<LoadSecond> seconds;
  std::vector<LoadTaskTotals> tasks;
  LoadTaskTotals whole;
  stats::Histogram delay;  ///< of the generator
  uint64_t late = 0;
  std::vector<LoadFailure> failures;
};

/// Of the last attempt of a step. Nothing when it was no load or has no interval yet.
std::optional<LoadSeries> ReadLoad(const history::StepResult& step);

/// One event workload.interval.
struct LoadInterval {
  LoadSecond second;
  std::vector<LoadTaskTotals> tasks;
  stats::Histogram delay;
};
/// Nothing when a histogram in it cannot be read.
std::optional<LoadInterval> ReadInterval(const boost::json::object& content);

}  // namespace assay::report
