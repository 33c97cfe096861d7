#include "assay/report/load/load_series.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "assay/history/event.h"
#include "lib/stats/histogram_codec.h"

namespace assay::report {
namespace {

using boost::json::object;

std::string Text(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Whole(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

uint64_t Count(const object& from, std::string_view key) {
  return static_cast<uint64_t>(std::max<int64_t>(0, Whole(from, key)));
}

bool ReadHistogram(const object& from, std::string_view key, stats::Histogram& into) {
  auto read = stats::DecodeHistogram(Text(from, key));
  if (!read || read->range() != into.range()) return false;
  into = *std::move(read);
  return true;
}

void Add(LoadTaskTotals& into, const LoadTaskTotals& part) {
  into.finished += part.finished;
  into.failed += part.failed;
  into.latency.Add(part.latency);
  into.service.Add(part.service);
  for (const auto& [status, count] : part.status) into.status[status] += count;
}

std::optional<LoadTaskTotals> ReadTask(const boost::json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const object& from = value.get_object();
  LoadTaskTotals task;
  task.name = Text(from, "name");
  task.finished = Count(from, "finished");
  task.failed = Count(from, "failed");
  if (!ReadHistogram(from, "latency", task.latency)) return std::nullopt;
  if (!ReadHistogram(from, "service", task.service)) return std::nullopt;
  if (const auto* status = from.if_contains("status"); status != nullptr && status->is_object()) {
    for (const auto& [code, ignored] : status->get_object()) {
      task.status[std::string(code)] = Count(status->get_object(), code);
    }
  }
  return task;
}

void AddInterval(LoadSeries& series, LoadInterval interval) {
  for (LoadTaskTotals& task : interval.tasks) {
    Add(series.whole, task);
    const auto known = std::ranges::find(series.tasks, task.name, &LoadTaskTotals::name);
    if (known == series.tasks.end()) {
      series.tasks.push_back(std::move(task));
    } else {
      Add(*known, task);
    }
  }
  series.delay.Add(interval.delay);
  series.late += interval.second.late;
  series.seconds.push_back(interval.second);
}

}  // namespace

std::optional<LoadInterval> ReadInterval(const object& content) {
  LoadInterval interval;
  const auto* tasks = content.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array()) return std::nullopt;
  stats::Histogram latency;
  for (const boost::json::value& value : tasks->get_array()) {
    auto task = ReadTask(value);
    if (!task) return std::nullopt;
    latency.Add(task->latency);
    interval.second.finished += task->finished;
    interval.second.failed += task->failed;
    interval.tasks.push_back(*std::move(task));
  }
  if (!ReadHistogram(content, "delay", interval.delay)) return std::nullopt;
  interval.second.second = Whole(content, "second");
  interval.second.users = Whole(content, "vus");
  interval.second.late = Count(content, "late");
  interval.second.p50 = latency.ValueAt(0.5);
  interval.second.p95 = latency.ValueAt(0.95);
  interval.second.p99 = latency.ValueAt(0.99);
  interval.second.max = latency.max();
  return interval;
}

std::optional<LoadSeries> ReadLoad(const history::StepResult& step) {
  LoadSeries series;
  for (const history::Event& event : step.records) {
    if (event.kind == history::kind::kWorkloadStarted) {
      series = {};
      series.executor = Text(event.data, "executor");
      series.engine = Text(event.data, "engine");
      series.engine_reason = Text(event.data, "engine_reason");
    } else if (event.kind == history::kind::kWorkloadInterval) {
      auto interval = ReadInterval(event.data);
      if (!interval) return std::nullopt;
      AddInterval(series, *std::move(interval));
    } else if (event.kind == history::kind::kWorkloadFailure) {
      series.failures.push_back({Text(event.data, "task"), Text(event.data, "step"),
                                 Text(event.data, "reason"), Text(event.data, "transcript"),
                                 Whole(event.data, "status"),
                                 base::Duration(Whole(event.data, "at_ns"))});
    }
  }
  if (series.seconds.empty()) return std::nullopt;
  return series;
}

}  // namespace assay::report
