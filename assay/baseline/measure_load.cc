#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "assay/baseline/measure_parts.h"
#include "assay/history/event.h"
#include "assay/report/load/load_series.h"
#include "lib/stats/sample.h"

namespace assay::baseline {
namespace {

using report::LoadInterval;
using report::LoadTaskTotals;

// What differs on loopback between two equal loads of an idle machine.
constexpr double kTimeFloorS = 50e-6;
constexpr double kShareFloor = 0.001;
constexpr uint64_t kFewestBeyond = 10;

struct Quantile {
  std::string_view name;
  double at;
};
constexpr std::array kQuantiles = {Quantile{"p50", 0.5}, Quantile{"p95", 0.95},
                                   Quantile{"p99", 0.99}, Quantile{"p999", 0.999}};

// The counts of one task, or of all, in a part of the time.
struct Part {
  LoadTaskTotals totals;
  double seconds = 0;
};

void Add(LoadTaskTotals& into, const LoadTaskTotals& part) {
  into.finished += part.finished;
  into.failed += part.failed;
  into.latency.Add(part.latency);
  into.service.Add(part.service);
}

// Of the task, or of all with an empty name.
void AddInterval(const LoadInterval& interval, std::string_view task, LoadTaskTotals& into) {
  for (const LoadTaskTotals& one : interval.tasks) {
    if (task.empty() || one.name == task) Add(into, one);
  }
}

// The events of the last attempt. Each is read when it is needed, and only one at a time: the
// histograms of all seconds would need more memory the longer a load lasts.
using Intervals = std::vector<const history::Event*>;

// Those that can be read; none when one cannot.
Intervals IntervalsOf(const history::StepResult& step) {
  Intervals intervals;
  for (const history::Event& event : step.records) {
    if (event.kind == history::kind::kWorkloadStarted) intervals.clear();
    if (event.kind != history::kind::kWorkloadInterval) continue;
    if (!report::ReadInterval(event.data)) return {};
    intervals.push_back(&event);
  }
  return intervals;
}

LoadInterval Read(const history::Event& event) { return *report::ReadInterval(event.data); }

// Consecutive parts of nearly equal length. The last interval is seldom a whole second.
std::vector<Part> PartsOf(const Intervals& intervals, std::string_view task) {
  if (intervals.size() < kFewestParts + 1) return {};
  const size_t whole = intervals.size() - 1;
  const size_t count = std::min(kParts, whole);
  std::vector<Part> parts(count);
  for (size_t i = 0; i < whole; ++i) {
    Part& part = parts[i * count / whole];
    AddInterval(Read(*intervals[i]), task, part.totals);
    part.seconds += 1;
  }
  return parts;
}

double Seconds(double microseconds) { return microseconds / 1e6; }

// One standard deviation of the rank to both sides: distribution-free, H. A. David and H. N.
// Nagaraja, "Order Statistics" (2003), 7.1. Right for independent iterations.
double ErrorOfQuantile(const stats::Histogram& times, double at) {
  const auto count = static_cast<double>(times.count());
  const double step = std::sqrt(at * (1 - at) / count);
  const auto low = times.ValueAt(std::max(0.0, at - step));
  const auto high = times.ValueAt(std::min(1.0, at + step));
  return Seconds(static_cast<double>(high - low) / 2);
}

bool HasEnough(const stats::Histogram& times, double at) {
  return static_cast<double>(times.count()) * (1 - at) >= static_cast<double>(kFewestBeyond);
}

class LoadMeter {
 public:
  LoadMeter(std::string prefix, const Intervals& intervals, std::string_view task,
            std::vector<Metric>& into)
      : prefix_(std::move(prefix)), parts_(PartsOf(intervals, task)), into_(into) {
    for (const history::Event* interval : intervals) AddInterval(Read(*interval), task, totals_);
  }

  void Rate(double rate) {
    std::vector<double> rates;
    for (const Part& part : parts_) {
      rates.push_back(static_cast<double>(part.totals.finished) / part.seconds);
    }
    Put("rate", "1/s", Better::kHigher, rate, ErrorFromParts(std::move(rates)), 0);
  }
  void Share(std::string_view name, uint64_t part, uint64_t whole) {
    if (whole == 0) return;
    // With one success and one failure added (Agresti and Coull 1998), so that none of many still
    // has an error.
    const double n = static_cast<double>(whole) + 2;
    const double p = (static_cast<double>(part) + 1) / n;
    Put(name, "share", Better::kLower, static_cast<double>(part) / static_cast<double>(whole),
        std::sqrt(p * (1 - p) / n), kShareFloor);
  }
  void Errors() { Share("errors.rate", totals_.failed, totals_.finished); }
  void Times() {
    TimesOf("latency", &LoadTaskTotals::latency);
    TimesOf("service_time", &LoadTaskTotals::service);
  }
  uint64_t finished() const { return totals_.finished; }

 private:
  using Which = stats::Histogram LoadTaskTotals::*;

  void TimesOf(std::string_view name, Which which) {
    const stats::Histogram& times = totals_.*which;
    if (times.count() == 0) return;
    const auto mean = ErrorFrom(which, [](const auto& part) { return Seconds(part.mean()); }, 1);
    Put(fmt::format("{}.mean", name), "s", Better::kLower, Seconds(times.mean()),
        std::max(mean.value_or(0),
                 Seconds(times.stddev() / std::sqrt(static_cast<double>(times.count())))),
        kTimeFloorS);
    for (const Quantile& quantile : kQuantiles) {
      if (!HasEnough(times, quantile.at)) continue;
      const auto value = [&](const stats::Histogram& part) {
        return Seconds(static_cast<double>(part.ValueAt(quantile.at)));
      };
      const auto parts =
          ErrorFrom(which, value, static_cast<double>(kFewestBeyond) / (1 - quantile.at));
      Put(fmt::format("{}.{}", name, quantile.name), "s", Better::kLower, value(times),
          std::max(parts.value_or(0), ErrorOfQuantile(times, quantile.at)), kTimeFloorS);
    }
  }

  template <typename Value>
  std::optional<double> ErrorFrom(Which which, const Value& value, double fewest) const {
    std::vector<double> values;
    for (const Part& part : parts_) {
      const stats::Histogram& times = part.totals.*which;
      if (static_cast<double>(times.count()) >= fewest) values.push_back(value(times));
    }
    return ErrorFromParts(std::move(values));
  }

  void Put(std::string_view quantity, std::string_view unit, Better better, double value,
           std::optional<double> error, double floor) {
    into_.push_back({.name = prefix_ + std::string(quantity),
                     .unit = std::string(unit),
                     .better = better,
                     .value = value,
                     .error = error,
                     .floor = floor});
  }

  std::string prefix_;
  std::vector<Part> parts_;
  LoadTaskTotals totals_;
  std::vector<Metric>& into_;
};

double Number(const cel::Value* value) {
  return value == nullptr ? 0 : value->AsDouble().value_or(0);
}

}  // namespace

void MeasureLoad(const history::StepResult& step, const cel::Value& outcome,
                 std::vector<Metric>& into) {
  const Intervals intervals = IntervalsOf(step);
  if (intervals.empty()) return;
  const std::string prefix = WithoutRounds(step.path) + ":";
  LoadMeter whole(prefix, intervals, "", into);
  whole.Rate(Number(outcome.Find("rate")));
  whole.Errors();
  whole.Times();
  const double scheduled = Number(outcome.Find("scheduled"));
  if (scheduled > 0) {
    whole.Share("dropped.rate", static_cast<uint64_t>(Number(outcome.Find("dropped"))),
                static_cast<uint64_t>(scheduled));
  }
  const cel::Value* tasks = outcome.Find("tasks");
  const LoadInterval first = Read(*intervals.front());
  if (first.tasks.size() < 2 || tasks == nullptr || !tasks->is_map()) return;
  for (const LoadTaskTotals& task : first.tasks) {
    LoadMeter meter(fmt::format("{}tasks.{}.", prefix, task.name), intervals, task.name, into);
    if (meter.finished() == 0) continue;
    const cel::Value* figures = tasks->Find(task.name);
    if (figures != nullptr) meter.Rate(Number(figures->Find("rate")));
    meter.Errors();
    meter.Times();
  }
}

}  // namespace assay::baseline
