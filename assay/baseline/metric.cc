#include "assay/baseline/metric.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/units.h"

namespace assay::baseline {
namespace {

using base::ErrorCode;
using boost::json::object;

base::Result<std::string> TextOf(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (found != nullptr && found->is_string()) return std::string(found->get_string());
  return base::Fail(ErrorCode::kCorrupt, fmt::format("expected a text \"{}\"", key));
}

std::optional<double> NumberOf(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

base::Result<Metric> ReadMetric(std::string name, const boost::json::value& value) {
  const auto* from = value.if_object();
  if (from == nullptr) {
    return base::Fail(ErrorCode::kCorrupt, fmt::format("metric \"{}\": expected an object", name));
  }
  Metric metric;
  metric.name = std::move(name);
  const auto number = NumberOf(*from, "value");
  if (!number) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("metric \"{}\": expected a number \"value\"", metric.name));
  }
  metric.value = *number;
  TRY(metric.unit, TextOf(*from, "unit"));
  TRY(const std::string better, TextOf(*from, "better"));
  const auto read = ParseBetter(better);
  if (!read) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("metric \"{}\": \"better\" is \"{}\", expected lower, higher or "
                                  "neither",
                                  metric.name, better));
  }
  metric.better = *read;
  metric.error = NumberOf(*from, "error");
  metric.floor = NumberOf(*from, "floor").value_or(0);
  return metric;
}

base::Result<base::WallTime> ReadTime(const std::string& text) {
  // FormatRfc3339 writes seconds, a dot, nine digits and a Z.
  std::istringstream in(text.substr(0, 19));
  std::tm broken{};
  const auto tail = text.size() == 30 ? text.substr(20, 9) : std::string();
  const bool digits =
      !tail.empty() && std::ranges::all_of(tail, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || strptime(text.substr(0, 19).c_str(), "%Y-%m-%dT%H:%M:%S", &broken) == nullptr) {
    return base::Fail(ErrorCode::kCorrupt, fmt::format("\"{}\" is no instant", text));
  }
  const auto seconds = std::chrono::sys_seconds(std::chrono::seconds(::timegm(&broken)));
  return base::WallTime(seconds) + std::chrono::nanoseconds(std::stoll(tail));
}

}  // namespace

std::string_view ToString(Better better) {
  switch (better) {
    case Better::kLower:
      return "lower";
    case Better::kHigher:
      return "higher";
    case Better::kNeither:
      break;
  }
  return "neither";
}

std::optional<Better> ParseBetter(std::string_view text) {
  for (const Better one : {Better::kLower, Better::kHigher, Better::kNeither}) {
    if (ToString(one) == text) return one;
  }
  return std::nullopt;
}

std::string_view Metric::path() const { return std::string_view(name).substr(0, name.rfind(':')); }

std::string_view Metric::quantity() const {
  const size_t colon = name.rfind(':');
  return colon == std::string::npos ? std::string_view() : std::string_view(name).substr(colon + 1);
}

const Metric* MeasuredRun::Find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(metrics, name, {}, &Metric::name);
  return at != metrics.end() && at->name == name ? &*at : nullptr;
}

object ToJson(const MeasuredRun& run) {
  object metrics;
  for (const Metric& metric : run.metrics) {
    object one = {{"value", metric.value},
                  {"unit", metric.unit},
                  {"better", ToString(metric.better)},
                  {"floor", metric.floor}};
    if (metric.error) one["error"] = *metric.error;
    metrics[metric.name] = std::move(one);
  }
  object not_passed;
  for (const auto& [instance, verdict] : run.not_passed) not_passed[instance] = verdict;
  return {{"run", run.id},
          {"head", run.head},
          {"started", base::FormatRfc3339(run.started)},
          {"verdict", history::ToString(run.verdict)},
          {"complete", run.complete},
          {"not_passed", std::move(not_passed)},
          {"metrics", std::move(metrics)}};
}

base::Result<MeasuredRun> ReadMeasuredRun(const object& from) {
  MeasuredRun run;
  TRY(run.id, TextOf(from, "run"));
  TRY(run.head, TextOf(from, "head"));
  TRY(const std::string started, TextOf(from, "started"));
  TRY(run.started, ReadTime(started));
  TRY(const std::string verdict, TextOf(from, "verdict"));
  const auto read = history::ParseVerdict(verdict);
  if (!read) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("run {}: \"{}\" is no verdict", run.id, verdict));
  }
  run.verdict = *read;
  const auto* complete = from.if_contains("complete");
  run.complete = complete != nullptr && complete->is_bool() && complete->get_bool();
  if (const auto* list = from.if_contains("not_passed"); list != nullptr && list->is_object()) {
    for (const auto& [instance, value] : list->get_object()) {
      if (value.is_string()) run.not_passed.emplace_back(instance, value.get_string());
    }
  }
  const auto* metrics = from.if_contains("metrics");
  if (metrics == nullptr || !metrics->is_object()) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("run {}: expected an object \"metrics\"", run.id));
  }
  for (const auto& [name, value] : metrics->get_object()) {
    TRY(Metric metric, ReadMetric(std::string(name), value));
    run.metrics.push_back(std::move(metric));
  }
  std::ranges::sort(run.metrics, {}, &Metric::name);
  return run;
}

object ToJson(const Configuration& configuration) {
  object out;
  for (const auto& [name, value] : configuration) out[name] = value;
  return out;
}

base::Result<Configuration> ReadConfiguration(const object& from) {
  Configuration out;
  for (const auto& [name, value] : from) {
    if (!value.is_string()) {
      return base::Fail(ErrorCode::kCorrupt,
                        fmt::format("configuration: expected a text \"{}\"",
                                    std::string_view(name.data(), name.size())));
    }
    out.emplace_back(name, value.get_string());
  }
  std::ranges::sort(out);
  return out;
}

std::string Shown(double value, std::string_view unit) {
  const std::string sign = value < 0 ? "-" : "";
  const double size = std::abs(value);
  if (unit == "s") {
    return sign + base::HumanDuration(std::chrono::nanoseconds(std::llround(size * 1e9)));
  }
  if (unit == "share") return fmt::format("{:.3g} %", value * 100);
  if (unit.starts_with("bytes")) {
    return sign + base::HumanSize(static_cast<uint64_t>(std::llround(size))) +
           std::string(unit.substr(5));
  }
  if (unit == "1/s") return fmt::format("{:.4g}/s", value);
  if (unit == "/s") return fmt::format("{:.3g}/s", value);
  return fmt::format("{:.4g}{}{}", value, unit.empty() ? "" : " ", unit);
}

}  // namespace assay::baseline
