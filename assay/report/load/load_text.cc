#include "assay/report/load/load_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/units.h"

namespace assay::report {
namespace {

std::string Time(uint64_t microseconds) {
  return base::HumanDuration(std::chrono::microseconds(static_cast<int64_t>(microseconds)));
}

std::string Row(std::string_view name, const LoadTaskTotals& task, double seconds) {
  const double rate = static_cast<double>(task.finished) / std::max(1e-9, seconds);
  const double errors = task.finished == 0 ? 0
                                           : 100.0 * static_cast<double>(task.failed) /
                                                 static_cast<double>(task.finished);
  std::string row = fmt::format("    {:<16.16} {:>12} {:>11.1f} {:>7.2f} %", name,
                                Grouped(task.finished), rate, errors);
  for (const double quantile : {0.5, 0.9, 0.99, 0.999, 1.0}) {
    row += fmt::format(" {:>9}", Time(task.latency.ValueAt(quantile)));
  }
  return row + "\n";
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string LoadLine(const LoadSecond& second) {
  return fmt::format("{} s  {}/s  p50 {}  p99 {}  max {}  {} failed  {} users", second.second + 1,
                     Grouped(second.finished), Time(second.p50), Time(second.p99), Time(second.max),
                     Grouped(second.failed), second.users);
}

std::string LoadTable(const LoadSeries& series, base::Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  std::string out =
      fmt::format("    {:<16} {:>12} {:>11} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "task",
                  "iterations", "a second", "errors", "p50", "p90", "p99", "p99.9", "max");
  if (series.tasks.size() > 1) {
    for (const LoadTaskTotals& task : series.tasks) out += Row(task.name, task, seconds);
    out += Row("all", series.whole, seconds);
  } else {
    for (const LoadTaskTotals& task : series.tasks) out += Row(task.name, task, seconds);
  }
  if (!series.whole.status.empty()) {
    out += "    status";
    for (const auto& [status, count] : series.whole.status) {
      out += fmt::format("  {}: {}", status, Grouped(count));
    }
    out += "\n";
  }
  out += fmt::format("    service time p50 {}, p99 {}; begun late for want of a free user: {}\n",
                     Time(series.whole.service.ValueAt(0.5)),
                     Time(series.whole.service.ValueAt(0.99)), Grouped(series.late));
  if (series.delay.count() > 0) {
    out += fmt::format("    the generator began 99 % within {} of when it could, all within {}\n",
                       Time(series.delay.ValueAt(0.99)), Time(series.delay.max()));
  }
  out += fmt::format("    engine {}{}\n", series.engine,
                     series.engine_reason.empty() ? "" : " (" + series.engine_reason + ")");
  return out;
}

}  // namespace assay::report
