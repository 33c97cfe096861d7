#include "assay/workload/pacing/executor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cel/text.h"

namespace assay::workload {
namespace {

using base::ErrorCode;
using base::Result;

struct Row {
  ExecutorKind kind;
  std::string_view name;
  std::vector<std::string_view> needs;
  std::vector<std::string_view> takes;
};

const std::vector<Row>& Table() {
  static const std::vector<Row> table = {
      {ExecutorKind::kConstantArrivalRate,
       "constant-arrival-rate",
       {"rate", "duration", "pre_allocated_vus"},
       {"time_unit", "max_vus"}},
      {ExecutorKind::kRampingArrivalRate,
       "ramping-arrival-rate",
       {"stages", "pre_allocated_vus"},
       {"start_rate", "time_unit", "max_vus"}},
      {ExecutorKind::kConstantVus, "constant-vus", {"duration"}, {"vus"}},
      {ExecutorKind::kRampingVus, "ramping-vus", {"stages"}, {"start_vus", "graceful_ramp_down"}},
      {ExecutorKind::kSharedIterations,
       "shared-iterations",
       {},
       {"vus", "iterations", "max_duration"}},
      {ExecutorKind::kPerVuIterations,
       "per-vu-iterations",
       {},
       {"vus", "iterations", "max_duration"}}};
  return table;
}

// What belongs to some executors only.
constexpr std::array kOwned = {"rate",    "start_rate", "time_unit",    "duration",
                               "vus",     "start_vus",  "stages",       "pre_allocated_vus",
                               "max_vus", "iterations", "max_duration", "graceful_ramp_down"};

bool Contains(const std::vector<std::string_view>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::unexpected<base::Error> Refuse(std::string_view name, std::string_view expected,
                                    const cel::Value& found) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\": expected {}, found {}",
                                                     name, expected, cel::DebugString(found)));
}

Result<void> ReadWhole(const cel::Value& params, std::string_view name, int64_t low, int64_t high,
                       int64_t& into) {
  const cel::Value* value = params.Find(name);
  if (value == nullptr) return {};
  if (!value->is_int() || value->int_value() < low || value->int_value() > high) {
    return Refuse(name, fmt::format("a whole number from {} to {}", low, high), *value);
  }
  into = value->int_value();
  return {};
}

Result<double> NumberOf(std::string_view name, const cel::Value& value, double high) {
  const double number = value.is_int()      ? static_cast<double>(value.int_value())
                        : value.is_double() ? value.double_value()
                                            : -1;
  if (!(number >= 0 && number <= high)) {
    return Refuse(name, fmt::format("a number from 0 to {}", high), value);
  }
  return number;
}

Result<void> ReadNumber(const cel::Value& params, std::string_view name, double& into) {
  if (const cel::Value* value = params.Find(name)) {
    TRY(into, NumberOf(name, *value, kHighestRate));
  }
  return {};
}

Result<void> ReadSpan(const cel::Value& params, std::string_view name, bool may_be_zero,
                      base::Duration& into) {
  const cel::Value* value = params.Find(name);
  if (value == nullptr) return {};
  constexpr auto kLongest = std::chrono::hours(24 * 30);
  const base::Duration span = value->is_duration() ? value->duration() : base::Duration(-1);
  if (span < base::Duration::zero() || span > kLongest ||
      (span == base::Duration::zero() && !may_be_zero)) {
    return Refuse(name, may_be_zero ? "a duration" : "a duration over zero", *value);
  }
  into = span;
  return {};
}

Result<void> ReadStages(const cel::Value& params, bool users, std::vector<Stage>& into) {
  const cel::Value* list = params.Find("stages");
  if (list == nullptr) return {};
  if (!list->is_list() || list->list().empty()) {
    return Refuse("stages", "a list of {duration, target}", *list);
  }
  for (const cel::Value& item : list->list()) {
    Stage stage;
    TRY(ReadSpan(item, "duration", true, stage.duration));
    const cel::Value* target = item.Find("target");
    if (target == nullptr) return Refuse("stages", "a target in every stage", item);
    TRY(stage.target, NumberOf("target", *target, users ? kMostVus : kHighestRate));
    if (users && stage.target != std::floor(stage.target)) {
      return Refuse("target", "a whole number of users", *target);
    }
    into.push_back(stage);
  }
  return {};
}

// A parameter of another executor would be passed over silently.
Result<void> CheckFit(const cel::Value& params, const Row& row) {
  for (const std::string_view name : row.needs) {
    if (params.Find(name) == nullptr) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("the executor {} needs the parameter \"{}\"", row.name, name));
    }
  }
  for (const std::string_view name : kOwned) {
    if (params.Find(name) == nullptr || Contains(row.needs, name) || Contains(row.takes, name)) {
      continue;
    }
    std::vector<std::string_view> known = row.needs;
    known.insert(known.end(), row.takes.begin(), row.takes.end());
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("the executor {} has no parameter \"{}\", only {}", row.name,
                                  name, fmt::join(known, ", ")));
  }
  return {};
}

Result<void> CheckSense(const Executor& executor) {
  const auto refuse = [](std::string what) {
    return base::Fail(ErrorCode::kInvalid, std::move(what));
  };
  const double unit = std::chrono::duration<double>(executor.time_unit).count();
  double highest = std::max(executor.rate, executor.start_rate);
  if (executor.is_open()) {
    for (const Stage& stage : executor.stages) highest = std::max(highest, stage.target);
    if (highest == 0) return refuse("parameter \"rate\": expected a rate over zero");
    if (highest / unit > kHighestRate) {
      return refuse(fmt::format("the rate is over {} iterations a second", kHighestRate));
    }
    if (executor.max_vus < executor.pre_allocated_vus) {
      return refuse(fmt::format("max_vus ({}) is less than pre_allocated_vus ({})",
                                executor.max_vus, executor.pre_allocated_vus));
    }
    if (executor.max_vus == 0) return refuse("parameter \"max_vus\": expected at least one user");
  }
  if (executor.span() == base::Duration::zero()) return refuse("the stages last no time");
  if (executor.most_vus() == 0) return refuse("there is never a user");
  return {};
}

}  // namespace

std::string_view ToString(ExecutorKind kind) {
  for (const Row& row : Table()) {
    if (row.kind == kind) return row.name;
  }
  return "";
}

base::Duration Executor::span() const {
  switch (kind) {
    case ExecutorKind::kConstantArrivalRate:
    case ExecutorKind::kConstantVus:
      return duration;
    case ExecutorKind::kSharedIterations:
    case ExecutorKind::kPerVuIterations:
      return max_duration;
    case ExecutorKind::kRampingArrivalRate:
    case ExecutorKind::kRampingVus:
      break;
  }
  base::Duration sum{};
  for (const Stage& stage : stages) sum += stage.duration;
  return sum;
}

int64_t Executor::most_vus() const {
  if (is_open()) return max_vus;
  if (kind != ExecutorKind::kRampingVus) return vus;
  double most = static_cast<double>(start_vus);
  for (const Stage& stage : stages) most = std::max(most, stage.target);
  return static_cast<int64_t>(most);
}

Result<Executor> ReadExecutor(const cel::Value& params) {
  const cel::Value* name = params.Find("executor");
  const std::string text = name == nullptr ? "" : cel::ToText(*name);
  const auto row = std::ranges::find(Table(), text, &Row::name);
  if (row == Table().end()) {
    std::vector<std::string_view> names;
    for (const Row& one : Table()) names.push_back(one.name);
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("parameter \"executor\": expected one of {}, "
                                  "found \"{}\"",
                                  fmt::join(names, ", "), text));
  }
  TRY(CheckFit(params, *row));
  Executor executor;
  executor.kind = row->kind;
  TRY(ReadNumber(params, "rate", executor.rate));
  TRY(ReadNumber(params, "start_rate", executor.start_rate));
  TRY(ReadSpan(params, "time_unit", false, executor.time_unit));
  TRY(ReadSpan(params, "duration", false, executor.duration));
  TRY(ReadSpan(params, "max_duration", false, executor.max_duration));
  TRY(ReadSpan(params, "graceful_stop", true, executor.graceful_stop));
  TRY(ReadSpan(params, "graceful_ramp_down", true, executor.graceful_ramp_down));
  TRY(ReadWhole(params, "pre_allocated_vus", 0, kMostVus, executor.pre_allocated_vus));
  executor.max_vus = executor.pre_allocated_vus;
  TRY(ReadWhole(params, "max_vus", 1, kMostVus, executor.max_vus));
  TRY(ReadWhole(params, "vus", 1, kMostVus, executor.vus));
  TRY(ReadWhole(params, "start_vus", 0, kMostVus, executor.start_vus));
  TRY(ReadWhole(params, "iterations", 1, int64_t{1} << 53, executor.iterations));
  TRY(ReadStages(params, executor.kind == ExecutorKind::kRampingVus, executor.stages));
  TRY(CheckSense(executor));
  return executor;
}

}  // namespace assay::workload
