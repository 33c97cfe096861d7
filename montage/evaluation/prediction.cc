#include "montage/evaluation/prediction.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace montage::evaluation {
namespace {

namespace json = boost::json;
using base::Result;

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

std::unexpected<base::Error> Unexpected(std::string_view what) {
  return base::Fail(
      base::ErrorCode::kCorrupt,
      fmt::format("the result of the analysis has no {} where one is expected", what));
}

/// A field of an object; null when it is missing or null.
const json::value* Find(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<double> Number(const json::object& object, std::string_view name) {
  const json::value* const value = Find(object, name);
  if (value == nullptr || !value->is_number()) return Unexpected(name);
  return value->to_number<double>();
}

Result<void> ReadQuality(const json::object& part, Prediction& out) {
  const json::value* const names = Find(part, "bad_channels");
  if (names == nullptr || !names->is_array()) return Unexpected("quality_report.bad_channels");
  for (const json::value& name : names->get_array()) {
    if (!name.is_string()) return Unexpected("name in quality_report.bad_channels");
    out.bad_channels.emplace_back(View(name.get_string()));
  }
  return {};
}

Result<void> ReadAbnormality(const json::object& part, Prediction& out) {
  const json::value* const verdict = Find(part, "is_abnormal");
  if (verdict == nullptr || !verdict->is_bool())
    return Unexpected("abnormality_detection.is_abnormal");
  const json::value* const fallback = Find(part, "fallback");
  if (fallback != nullptr && fallback->is_bool() && fallback->get_bool()) return {};
  out.is_abnormal = verdict->get_bool();
  TRY(out.abnormality, Number(part, "abnormality_score"));
  return {};
}

Result<void> ReadEvents(const json::object& part, Prediction& out) {
  const json::value* const events = Find(part, "events");
  if (events == nullptr || !events->is_array()) return Unexpected("event_detection.events");
  for (const json::value& one : events->get_array()) {
    if (!one.is_object()) return Unexpected("object in event_detection.events");
    const json::object& event = one.get_object();
    const json::value* const kind = Find(event, "event_type");
    if (kind == nullptr || !kind->is_string()) return Unexpected("event_type of an event");
    TRY(const double onset, Number(event, "onset"));
    TRY(const double duration, Number(event, "duration"));
    const std::string_view meaning = MeaningOf(View(kind->get_string()));
    if (!meaning.empty()) out.events.push_back({std::string(meaning), onset, duration});
  }
  return {};
}

Result<void> ReadSleep(const json::object& part, Prediction& out) {
  const json::value* const hypnogram = Find(part, "hypnogram");
  if (hypnogram == nullptr || !hypnogram->is_array()) return Unexpected("sleep_analysis.hypnogram");
  for (const json::value& stage : hypnogram->get_array()) {
    out.stages.push_back(stage.is_string() ? ParseSleepStage(View(stage.get_string()))
                                           : std::nullopt);
  }
  return {};
}

void ReadStatus(const json::object& stages, Prediction& out) {
  for (const auto& [name, report] : stages) {
    const json::object* const object = report.if_object();
    const json::value* const status = object == nullptr ? nullptr : Find(*object, "status");
    if (status == nullptr || !status->is_string() || status->get_string() == "completed") continue;
    const json::value* const reason = Find(*object, "reason");
    const std::string_view why =
        reason != nullptr && reason->is_string() ? View(reason->get_string()) : "failed";
    out.incomplete.push_back(
        fmt::format("{}: {}", std::string_view(name.data(), name.size()), why));
  }
}

}  // namespace

bool Prediction::Completed(std::string_view stage) const {
  return std::ranges::none_of(incomplete, [&](const std::string& one) {
    return one.starts_with(stage) && one.substr(stage.size()).starts_with(':');
  });
}

Result<Prediction> ReadPrediction(const json::object& result) {
  struct Part {
    std::string_view name;
    Result<void> (*read)(const json::object&, Prediction&);
  };
  static constexpr auto kParts = std::to_array<Part>({{"quality_report", ReadQuality},
                                                      {"abnormality_detection", ReadAbnormality},
                                                      {"event_detection", ReadEvents},
                                                      {"sleep_analysis", ReadSleep}});
  Prediction out;
  for (const Part& part : kParts) {
    const json::value* const value = Find(result, part.name);
    if (value == nullptr) continue;
    if (!value->is_object()) return Unexpected(part.name);
    TRY(part.read(value->get_object(), out));
  }
  if (const json::value* const stages = Find(result, "stages");
      stages != nullptr && stages->is_object()) {
    ReadStatus(stages->get_object(), out);
  }
  return out;
}

}  // namespace montage::evaluation
