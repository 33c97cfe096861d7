#include "assay/workload/figures/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/stats/histogram_codec.h"

namespace assay::workload {
namespace {

using cel::Value;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

Value Micros(uint64_t value) {
  return Value::Duration(std::chrono::microseconds(static_cast<int64_t>(value)));
}

Value Count(uint64_t value) { return Value::Int(static_cast<int64_t>(value)); }

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

Value Rate(uint64_t count, const LoadState& state) {
  return Value::Double(static_cast<double>(count) / std::max(1e-9, Seconds(state.elapsed)));
}

Value Share(uint64_t part, uint64_t whole) {
  return Value::Double(whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole));
}

struct Quantile {
  std::string_view name;
  double at;
};
constexpr Quantile kQuantiles[] = {{"p50", 0.5},  {"p75", 0.75}, {"p90", 0.9},
                                   {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};

Value Times(const stats::Histogram& histogram) {
  cel::MapBuilder map;
  map.Set("count", Count(histogram.count()));
  map.Set("min", Micros(histogram.min()));
  map.Set("mean", Micros(static_cast<uint64_t>(std::llround(histogram.mean()))));
  map.Set("stddev", Micros(static_cast<uint64_t>(std::llround(histogram.stddev()))));
  for (const auto& [name, at] : kQuantiles) map.Set(name, Micros(histogram.ValueAt(at)));
  map.Set("max", Micros(histogram.max()));
  return std::move(map).Build();
}

Value Statuses(const StatusCounts& counts, const LoadState& state) {
  cel::MapBuilder map;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto status = static_cast<int64_t>(i) + 100;
    if (counts[i] == 0 && !state.named_statuses.contains(status)) continue;
    map.Set(fmt::format("{}", status),
            Value::Object({{"count", Count(counts[i])}, {"rate", Rate(counts[i], state)}}));
  }
  return std::move(map).Build();
}

void SetTask(cel::MapBuilder& map, const TaskTally& tally, const LoadState& state) {
  map.Set("iterations", Count(tally.finished()));
  map.Set("rate", Rate(tally.finished(), state));
  map.Set("latency", Times(tally.latency));
  map.Set("service_time", Times(tally.service));
  map.Set("errors", Value::Object({{"count", Count(tally.failed)},
                                   {"rate", Share(tally.failed, tally.finished())}}));
  map.Set("interrupted", Count(tally.interrupted));
  map.Set("status", Statuses(tally.status, state));
}

Value Failures(const LoadState& state) {
  std::vector<std::pair<uint64_t, const FailureClass*>> sorted;
  for (const auto& [what, count] : state.failures) sorted.emplace_back(count, &what);
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });
  constexpr size_t kMost = 20;
  std::vector<Value> list;
  for (const auto& [count, what] : sorted) {
    if (list.size() == kMost) break;
    list.push_back(Value::Object({{"task", Value::String(state.tasks[what->task])},
                                  {"step", Value::String(what->step)},
                                  {"reason", Value::String(what->reason)},
                                  {"count", Count(count)}}));
  }
  return Value::List(std::move(list));
}

using boost::json::object;

uint64_t ReadCount(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr) return 0;
  if (found->is_uint64()) return found->get_uint64();
  return found->is_int64() && found->get_int64() > 0 ? static_cast<uint64_t>(found->get_int64())
                                                     : 0;
}

base::Result<void> ReadHistogram(const object& from, std::string_view key, stats::Histogram& into) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_string()) {
    return base::Fail(base::ErrorCode::kCorrupt, fmt::format("expected a histogram \"{}\"", key));
  }
  TRY(const stats::Histogram read, stats::DecodeHistogram(std::string_view(found->get_string())));
  if (read.range() != into.range()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the histogram \"{}\" has another range", key));
  }
  into = read;
  return {};
}

base::Result<void> ReadTask(const object& from, TaskTally& into) {
  TRY(ReadHistogram(from, "latency", into.latency));
  TRY(ReadHistogram(from, "service", into.service));
  into.failed = ReadCount(from, "failed");
  into.interrupted = ReadCount(from, "interrupted");
  const auto* status = from.if_contains("status");
  if (status == nullptr || !status->is_object()) return {};
  for (const auto& [code, ignored] : status->get_object()) {
    const int number = std::atoi(std::string(code).c_str());
    if (number < 100 || number >= 600) {
      return base::Fail(
          base::ErrorCode::kCorrupt,
          fmt::format("\"{}\" is no HTTP status", std::string_view(code.data(), code.size())));
    }
    into.status[static_cast<size_t>(number - 100)] = ReadCount(status->get_object(), code);
  }
  return {};
}

ObjectSchema TimesTable() {
  const auto field = [](std::string name, std::string doc) {
    return Field{.name = std::move(name), .type = Type::Duration(), .doc = std::move(doc)};
  };
  ObjectSchema table{.name = "times", .doc = "A distribution of times, three digits."};
  table.fields = {{.name = "count", .type = Type::Int(), .doc = "How many times there are."},
                  field("min", "The shortest."),
                  field("mean", "The mean."),
                  field("stddev", "The standard deviation."),
                  field("p50", "The median."),
                  field("p75", "75 % are at most so long."),
                  field("p90", "90 % are at most so long."),
                  field("p95", "95 % are at most so long."),
                  field("p99", "99 % are at most so long."),
                  field("p999", "99.9 % are at most so long."),
                  field("max", "The longest.")};
  return table;
}

ObjectSchema CountTable(std::string name, std::string rate) {
  return {.name = std::move(name),
          .doc = "How many, and how often.",
          .fields = {{.name = "count", .type = Type::Int(), .doc = "How many."},
                     {.name = "rate", .type = Type::Number(), .doc = std::move(rate)}}};
}

std::vector<Field> TaskFields() {
  return {{.name = "iterations", .type = Type::Int(), .doc = "Iterations that ended."},
          {.name = "rate", .type = Type::Number(), .doc = "Iterations that ended, a second."},
          {.name = "latency",
           .type = Type::Object(TimesTable()),
           .doc = "From when an iteration was due to its end: with waiting for a free user."},
          {.name = "service_time",
           .type = Type::Object(TimesTable()),
           .doc = "From when an iteration began to its end."},
          {.name = "errors",
           .type = Type::Object(CountTable("errors", "Share of the iterations, 0 to 1.")),
           .doc = "Iterations of which a step did not pass."},
          {.name = "interrupted",
           .type = Type::Int(),
           .doc = "Iterations that had not ended when their time was over; in no other figure."},
          {.name = "status",
           .type = Type::Map(Type::Object(CountTable("status", "Answers a second."))),
           .doc = "Answers by HTTP status: `status['404'].count`."}};
}

}  // namespace

Value MetricsOf(const Tally& tally, const LoadState& state) {
  cel::MapBuilder map;
  SetTask(map, tally.Whole(), state);
  cel::MapBuilder tasks;
  for (size_t i = 0; i < state.tasks.size(); ++i) {
    cel::MapBuilder task;
    SetTask(task, tally.tasks[i], state);
    tasks.Set(state.tasks[i], std::move(task).Build());
  }
  map.Set("tasks", std::move(tasks).Build());
  map.Set("scheduled", Count(state.scheduled));
  map.Set("begun", Count(tally.begun));
  map.Set("late", Count(tally.late));
  map.Set("dropped", Count(state.dropped));
  map.Set("think_time", Times(tally.think));
  map.Set("vus", Value::Int(state.most_vus));
  map.Set("start_failures", Count(tally.start_failures));
  map.Set("received_bytes", Count(tally.received_bytes));
  map.Set("duration", Value::Duration(state.elapsed));
  map.Set("failures", Failures(state));
  map.Set("engine", Value::String(state.engine));
  map.Set("engine_reason", Value::String(state.engine_reason));
  const double present = std::max(1e-9, Seconds(tally.present));
  map.Set("generator",
          Value::Object({{"delay", Times(tally.delay)},
                         {"cpu", Value::Double(std::min(1.0, Seconds(tally.busy) / present))},
                         {"lagging", Value::String(state.lagging)}}));
  map.Set("aborted", Value::String(state.aborted));
  map.Set("unmet", Value::String(state.aborted.empty() ? "" : "aborted: " + state.aborted));
  return std::move(map).Build();
}

std::vector<Field> MetricFields() {
  std::vector<Field> fields = TaskFields();
  ObjectSchema task{.name = "task_metrics", .doc = "The figures of one task."};
  task.fields = TaskFields();
  const ObjectSchema generator{
      .name = "generator",
      .doc = "Whether the load itself was what it should be.",
      .fields = {{.name = "delay",
                  .type = Type::Object(TimesTable()),
                  .doc = "From when an iteration could begin to when it began."},
                 {.name = "cpu",
                  .type = Type::Number(),
                  .doc = "Share of the time in which its threads computed, 0 to 1."},
                 {.name = "lagging",
                  .type = Type::String(),
                  .doc = "Why the step is inconclusive; else empty."}}};
  const std::vector<Field> more = {
      {.name = "tasks",
       .type = Type::Map(Type::Object(task)),
       .doc = "The same figures by task: `tasks.search.latency.p99`."},
      {.name = "scheduled", .type = Type::Int(), .doc = "Iterations that were due."},
      {.name = "begun", .type = Type::Int(), .doc = "Iterations that were begun."},
      {.name = "late",
       .type = Type::Int(),
       .doc = "Iterations begun after they were due, because no user was free."},
      {.name = "dropped", .type = Type::Int(), .doc = "Iterations that were due and never begun."},
      {.name = "think_time", .type = Type::Object(TimesTable()), .doc = "Pauses as they were."},
      {.name = "vus", .type = Type::Int(), .doc = "The most users at a time."},
      {.name = "start_failures",
       .type = Type::Int(),
       .doc = "Users whose `on_start` did not pass; they did nothing else."},
      {.name = "received_bytes", .type = Type::Int(), .doc = "Bytes of bodies, on the wire path."},
      {.name = "duration", .type = Type::Duration(), .doc = "How long it took."},
      {.name = "failures",
       .type = Type::List(Type::Any()),
       .doc = "The most frequent reasons: {task, step, reason, count}."},
      {.name = "engine",
       .type = Type::String(),
       .doc = "`wire` (HTTP/1.1 at wire speed) or `steps` (like any step)."},
      {.name = "engine_reason", .type = Type::String(), .doc = "Why it is not `wire`; else empty."},
      {.name = "generator", .type = Type::Object(generator), .doc = "The load's own health."},
      {.name = "aborted",
       .type = Type::String(),
       .doc = "The condition of `abort_on` that ended it; else empty."},
      {.name = "unmet", .type = Type::String(), .doc = "Not empty when it was aborted."}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

boost::json::object IntervalOf(const Tally& tally, const std::vector<std::string>& tasks,
                               int64_t second, int64_t vus) {
  boost::json::array list;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const TaskTally& task = tally.tasks[i];
    boost::json::object status;
    for (size_t code = 0; code < task.status.size(); ++code) {
      if (task.status[code] != 0) status[fmt::format("{}", code + 100)] = task.status[code];
    }
    list.push_back(boost::json::object{{"name", tasks[i]},
                                       {"finished", task.finished()},
                                       {"failed", task.failed},
                                       {"latency", stats::EncodeHistogram(task.latency)},
                                       {"service", stats::EncodeHistogram(task.service)},
                                       {"status", std::move(status)},
                                       {"interrupted", task.interrupted}});
  }
  const double present = std::max(1e-9, Seconds(tally.present));
  return {{"second", second},
          {"tasks", std::move(list)},
          {"begun", tally.begun},
          {"late", tally.late},
          {"vus", vus},
          {"delay", stats::EncodeHistogram(tally.delay)},
          {"think", stats::EncodeHistogram(tally.think)},
          {"cpu", std::min(1.0, Seconds(tally.busy) / present)},
          {"start_failures", tally.start_failures},
          {"received_bytes", tally.received_bytes},
          {"busy_ns", tally.busy.count()},
          {"present_ns", tally.present.count()}};
}

base::Result<Tally> ReadInterval(const object& content, const std::vector<std::string>& names) {
  Tally tally(names.size());
  const auto* tasks = content.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array() || tasks->get_array().size() != names.size()) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("expected a list \"tasks\" of {}", names.size()));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const auto* task = tasks->get_array()[i].if_object();
    const auto* name = task == nullptr ? nullptr : task->if_contains("name");
    if (name == nullptr || !name->is_string() || name->get_string() != names[i]) {
      return base::Fail(base::ErrorCode::kCorrupt, fmt::format("expected the task {}", names[i]));
    }
    TRY(ReadTask(*task, tally.tasks[i]));
  }
  TRY(ReadHistogram(content, "delay", tally.delay));
  TRY(ReadHistogram(content, "think", tally.think));
  tally.begun = ReadCount(content, "begun");
  tally.late = ReadCount(content, "late");
  tally.start_failures = ReadCount(content, "start_failures");
  tally.received_bytes = ReadCount(content, "received_bytes");
  tally.busy = base::Duration(static_cast<int64_t>(ReadCount(content, "busy_ns")));
  tally.present = base::Duration(static_cast<int64_t>(ReadCount(content, "present_ns")));
  return tally;
}

std::set<int64_t> StatusesNamedIn(const std::vector<std::vector<std::string>>& references) {
  std::set<int64_t> named;
  for (const std::vector<std::string>& path : references) {
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      if (path[i] != "status" || path[i + 1].size() != 3) continue;
      const int status = std::atoi(path[i + 1].c_str());
      if (status >= 100 && status < 600) named.insert(status);
    }
  }
  return named;
}

}  // namespace assay::workload
