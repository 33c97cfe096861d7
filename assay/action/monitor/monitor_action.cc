#include "assay/action/monitor/monitor_action.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/action/monitor/monitor_schema.h"
#include "assay/action/monitor/sampler.h"
#include "assay/action/monitor/trend.h"
#include "assay/action/parameters.h"
#include "lib/net/timer.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

constexpr base::Duration kLeastInterval = std::chrono::milliseconds(10);

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

base::Result<base::Duration> DurationOr(const Value& params, std::string_view name,
                                        base::Duration otherwise) {
  const Value* value = params.Find(name);
  if (value == nullptr || value->is_null()) return otherwise;
  if (!value->is_duration() || value->duration() < base::Duration::zero()) {
    return Wrong(name, "a duration such as 1s");
  }
  return value->duration();
}

struct Times {
  base::Duration every{};
  base::Duration limit{};
  base::Duration warmup{};
  std::vector<Phase> phases;
};

base::Result<Times> TimesOf(const Value& params) {
  Times times;
  TRY(times.every, DurationOr(params, "every", std::chrono::seconds(1)));
  times.every = std::max(times.every, kLeastInterval);
  TRY(times.limit, DurationOr(params, "for", base::Duration::max()));
  TRY(times.warmup, DurationOr(params, "warmup", base::Duration::zero()));
  const Value* phases = params.Find("phases");
  if (phases == nullptr || !phases->is_map()) return times;
  base::Duration from = times.warmup;
  for (const auto& [name, length] : phases->map().entries()) {
    if (!length.is_duration()) return Wrong("phases", "a map from name to duration");
    times.phases.push_back({std::string(name.string()), from, from + length.duration()});
    from += length.duration();
  }
  return times;
}

void SetTrend(const Trend& trend, cel::MapBuilder& map) {
  map.Set("slope", Value::Double(trend.slope));
  map.Set("slope_low", Value::Double(trend.slope_low));
  map.Set("slope_high", Value::Double(trend.slope_high));
  map.Set("growth", Value::Double(trend.growth));
  map.Set("rising", Value::Bool(trend.rising()));
  map.Set("known", Value::Bool(trend.known));
}

Value SeriesValue(const Measured& measured, const Times& times) {
  const Series& series = measured.series;
  std::vector<Value> points;
  for (const Series::Point& point : series.points()) {
    points.push_back(Value::List({Value::Double(Seconds(point.at)), Value::Double(point.mean),
                                  Value::Double(point.min), Value::Double(point.max)}));
  }
  cel::MapBuilder phases;
  for (const Phase& phase : times.phases) {
    cel::MapBuilder trend;
    SetTrend(TrendOf(series, phase.from, phase.to), trend);
    phases.Set(phase.name, std::move(trend).Build());
  }
  cel::MapBuilder map;
  map.Set("unit", Value::String(measured.unit));
  map.Set("samples", Value::Int(static_cast<int64_t>(series.samples())));
  map.Set("min", Value::Double(series.min()));
  map.Set("max", Value::Double(series.max()));
  map.Set("mean", Value::Double(series.mean()));
  map.Set("first", Value::Double(series.first()));
  map.Set("last", Value::Double(series.last()));
  SetTrend(TrendOf(series, times.warmup, base::Duration::max()), map);
  map.Set("phases", std::move(phases).Build());
  map.Set("points", Value::List(std::move(points)));
  return std::move(map).Build();
}

struct Looks {
  int64_t samples = 0;
  int64_t late = 0;
  base::Duration duration{};
};

Value OutcomeValue(const Sampler& sampler, const Times& times, const Looks& looks) {
  cel::MapBuilder all;
  for (const auto& [name, quantities] : sampler.measured()) {
    cel::MapBuilder one;
    for (const auto& [quantity, measured] : quantities) {
      one.Set(quantity, SeriesValue(measured, times));
    }
    all.Set(name, std::move(one).Build());
  }
  std::vector<Value> problems;
  for (const std::string& problem : sampler.problems()) problems.push_back(Value::String(problem));
  return Value::Object({{"series", std::move(all).Build()},
                        {"samples", Value::Int(looks.samples)},
                        {"late", Value::Int(looks.late)},
                        {"duration", Value::Duration(looks.duration)},
                        {"problems", Value::List(std::move(problems))}});
}

Outcome Broken(base::Error error) {
  return {
      .disposition = Disposition::kError, .value = Value::Object({}), .error = std::move(error)};
}

}  // namespace

MonitorAction::MonitorAction() : schema_(MonitorSchema()) {}

std::string MonitorAction::Head(const Value& params) const {
  std::vector<std::string> names;
  for (const char* group : {"processes", "metrics", "sql"}) {
    const Value* value = params.Find(group);
    if (value == nullptr || !value->is_map()) continue;
    for (const auto& entry : value->map().entries()) names.emplace_back(entry.key.string());
  }
  return fmt::format("monitor {}", fmt::join(names, ", "));
}

net::Task<Outcome> MonitorAction::Run(Value params, const ActionContext& context) const {
  const auto times = TimesOf(params);
  if (!times) co_return Broken(times.error());
  auto sampler = Sampler::Make(params, context);
  if (!sampler) co_return Broken(sampler.error());
  const base::SteadyTime began = context.clock.Steady();
  Looks looks;
  base::Duration due{};
  for (;;) {
    const base::Duration now = context.clock.Steady() - began;
    co_await sampler->Look(now);
    ++looks.samples;
    looks.duration = context.clock.Steady() - began;
    // Due at multiples of the interval, so that slow looks do not shift the ones after them.
    for (due += times->every; due < looks.duration; due += times->every) ++looks.late;
    if (due > times->limit) break;
    const auto slept = co_await net::SleepUntil(
        base::Deadline::After(context.clock, due - looks.duration).Earlier(context.deadline));
    // Being joined is a cancellation: what was measured so far is the answer.
    if (!slept || context.deadline.Remaining(context.clock) <= base::Duration::zero()) break;
  }
  looks.duration = context.clock.Steady() - began;
  Outcome outcome{.value = OutcomeValue(*sampler, *times, looks), .duration = looks.duration};
  if (sampler->measured().empty()) {
    outcome.disposition = Disposition::kInconclusive;
    outcome.error = base::Error{
        base::ErrorCode::kUnavailable,
        fmt::format("nothing could be measured: {}", fmt::join(sampler->problems(), "; "))};
  }
  co_return outcome;
}

}  // namespace assay::action
