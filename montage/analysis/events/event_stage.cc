#include "montage/analysis/events/event_stage.h"

#include <algorithm>

#include <boost/json/array.hpp>

#include "montage/analysis/events/find_events.h"
#include "montage/analysis/json_values.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

/// Milliseconds, thousandths: more would be noise.
double Thousandths(double value) { return Decimals(value, 3); }

json::object Describe(const Event& event) {
  json::object object;
  object["event_type"] = JsonText(ToString(event.type));
  object["form"] = JsonText(event.form);
  object["onset"] = Thousandths(event.onset_s);
  object["duration"] = Thousandths(event.duration_s);
  object["channels"] = JsonNames(event.channels);
  object["confidence"] = Thousandths(event.confidence);
  json::object features;
  for (const EventFeature& feature : event.features) {
    features[feature.name] = Thousandths(feature.value);
  }
  object["features"] = std::move(features);
  return object;
}

/// Indices of the events to list, by onset.
std::vector<size_t> Listed(const std::vector<Event>& events) {
  std::vector<size_t> order(events.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (order.size() <= kMostListedEvents) return order;
  std::ranges::sort(order, [&](size_t a, size_t b) {
    const auto rank = [&](size_t i) {
      return std::tuple(events[i].type == EventType::kArtifact, -events[i].confidence, i);
    };
    return rank(a) < rank(b);
  });
  order.resize(kMostListedEvents);
  std::ranges::sort(order);
  return order;
}

class EventDetection final : public Analysis {
 public:
  Stage stage() const override { return Stage::kEventDetection; }
  Method method() const override { return kEventMethod; }
  std::vector<Stage> needs() const override {
    return {Stage::kQualityControl, Stage::kAbnormalityDetection};
  }

  base::Result<json::object> Run(const RecordingView& recording, Findings& findings,
                                 const Control& control) const override {
    if (findings.events == nullptr) {
      TRY(findings.events, SurveyEvents(recording, *findings.quality, control));
    }
    control.Report(1.0);
    return ToJson(*findings.events);
  }
};

}  // namespace

base::Result<std::shared_ptr<const SurveyedEvents>> SurveyEvents(const RecordingView& recording,
                                                                 const QualityReport& quality,
                                                                 const Control& control) {
  auto found = std::make_shared<SurveyedEvents>();
  TRY(found->survey, TakeSurvey(recording, quality, control));
  found->events = FindEvents(found->survey, quality);
  return found;
}

json::object ToJson(const SurveyedEvents& found) {
  json::object object, counts, per_minute;
  const auto by_type = CountByType(found.events);
  const double minutes = found.survey.layout.duration_s() / 60;
  for (const EventType type : kEventTypes) {
    const size_t count = by_type[static_cast<size_t>(type)];
    counts[ToString(type)] = count;
    per_minute[ToString(type)] =
        minutes > 0 ? Thousandths(static_cast<double>(count) / minutes) : 0.0;
  }
  json::array events;
  for (const size_t i : Listed(found.events)) events.push_back(Describe(found.events[i]));
  object["total"] = found.events.size();
  object["listed"] = events.size();
  object["events"] = std::move(events);
  object["counts"] = std::move(counts);
  object["per_minute"] = std::move(per_minute);
  return object;
}

std::unique_ptr<Analysis> MakeEventDetection() { return std::make_unique<EventDetection>(); }

}  // namespace montage::analysis
