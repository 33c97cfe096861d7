// The published form of a sleep report.

#include <functional>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "montage/analysis/json_values.h"
#include "montage/analysis/sleep/sleep.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

double FourPlaces(double value) { return Decimals(value, 4); }

json::value Maybe(const std::optional<double>& value) {
  return value ? json::value(FourPlaces(*value)) : json::value(nullptr);
}

json::value TextOrNull(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(JsonText(text));
}

constexpr SleepStage kAllStages[] = {SleepStage::kWake, SleepStage::kN1, SleepStage::kN2,
                                     SleepStage::kN3, SleepStage::kRem};

json::object ByStage(const std::array<double, kSleepStages>& values, size_t from = 0) {
  json::object object;
  for (size_t s = from; s < kSleepStages; ++s) {
    object[ToString(kAllStages[s])] = FourPlaces(values[s]);
  }
  return object;
}

json::object Describe(const Spindle& spindle) {
  return {{"onset_s", Decimals(spindle.onset_s, 2)},
          {"duration_s", Decimals(spindle.duration_s, 2)},
          {"hz", Decimals(spindle.hz, 2)},
          {"amplitude_uv", Decimals(spindle.amplitude_uv, 1)}};
}

json::object Describe(const SlowWave& wave) {
  return {{"onset_s", Decimals(wave.onset_s, 2)},
          {"duration_s", Decimals(wave.duration_s, 2)},
          {"amplitude_uv", Decimals(wave.amplitude_uv, 1)},
          {"negative_uv", Decimals(wave.negative_uv, 1)},
          {"slope_uv_per_s", Decimals(wave.slope_uv_per_s, 0)}};
}

json::object Describe(const EyeMovement& movement) {
  return {{"onset_s", Decimals(movement.onset_s, 2)},
          {"duration_s", Decimals(movement.duration_s, 2)},
          {"amplitude_uv", Decimals(movement.amplitude_uv, 1)}};
}

json::object Describe(const Arousal& arousal) {
  return {{"onset_s", Decimals(arousal.onset_s, 2)},
          {"duration_s", Decimals(arousal.duration_s, 2)}};
}

/// Mean of a member over the listed events; null without any.
template <typename Figure>
json::value MeanOf(const Figures<Figure>& figures, double Figure::* member) {
  if (figures.events.empty()) return nullptr;
  double sum = 0;
  for (const Figure& figure : figures.events) sum += figure.*member;
  return FourPlaces(sum / static_cast<double>(figures.events.size()));
}

template <typename Figure>
json::object Describe(const Figures<Figure>& figures) {
  json::object object, by_stage;
  for (size_t s = 1; s < kSleepStages; ++s) {
    by_stage[ToString(kAllStages[s])] = figures.by_stage[s];
  }
  object["count"] = figures.count;
  object["by_stage"] = std::move(by_stage);
  object["per_minute"] = ByStage(figures.per_minute, 1);
  object["mean_duration_s"] = MeanOf(figures, &Figure::duration_s);
  json::array events;
  for (const Figure& figure : figures.events) events.push_back(Describe(figure));
  object["events"] = std::move(events);
  return object;
}

json::object Describe(const HypnogramMetrics& metrics) {
  return {{"time_in_bed_min", FourPlaces(metrics.time_in_bed)},
          {"total_sleep_time_min", FourPlaces(metrics.total_sleep)},
          {"sleep_period_time_min", FourPlaces(metrics.sleep_period)},
          {"wake_after_sleep_onset_min", FourPlaces(metrics.wake_after_onset)},
          {"sleep_onset_latency_min", Maybe(metrics.sleep_latency)},
          {"rem_latency_min", Maybe(metrics.rem_latency)},
          {"stage_minutes", ByStage(metrics.stage_minutes)},
          {"awakenings", metrics.awakenings},
          {"stage_transitions", metrics.transitions},
          {"fragmentation_index", FourPlaces(metrics.fragmentation)},
          {"cycles", metrics.cycles}};
}

json::object Describe(const SleepChannels& channels) {
  return {{"central", TextOrNull(channels.central)},
          {"central_stand_in", TextOrNull(channels.central_stand_in)},
          {"frontal", TextOrNull(channels.frontal)},
          {"occipital", TextOrNull(channels.occipital)},
          {"spindles", TextOrNull(channels.spindles)},
          {"eyes", TextOrNull(channels.eyes)},
          {"chin", TextOrNull(channels.chin)}};
}

json::object Probabilities(const SleepReport& report) {
  json::object object;
  for (size_t s = 0; s < kSleepStages; ++s) {
    json::array column;
    for (const auto& row : report.probabilities) column.push_back(Decimals(row[s], 3));
    object[ToString(kAllStages[s])] = std::move(column);
  }
  return object;
}

}  // namespace

json::object ToJson(const SleepReport& report) {
  json::object object;
  json::array hypnogram, confidence;
  for (size_t e = 0; e < report.hypnogram.size(); ++e) {
    hypnogram.push_back(JsonText(ToString(report.hypnogram[e])));
    const auto stage = static_cast<size_t>(report.hypnogram[e]);
    confidence.push_back(Decimals(report.probabilities[e][stage], 3));
  }
  object["epoch_s"] = kSleepEpochS;
  object["epochs"] = report.hypnogram.size();
  object["hypnogram"] = std::move(hypnogram);
  object["sleep_efficiency"] = FourPlaces(report.metrics.sleep_efficiency);
  object["sleep_stages"] = ByStage(report.metrics.stage_percent, 1);
  object["confidence"] = FourPlaces(report.confidence);
  object["epoch_confidence"] = std::move(confidence);
  object["probabilities"] = Probabilities(report);
  object["guessed_epochs"] = report.guessed_epochs;
  object["metrics"] = Describe(report.metrics);
  object["flags"] = JsonNames(report.flags);
  object["quality"] = nullptr;
  if (report.quality) {
    object["quality"] = json::object{{"score", Decimals(report.quality->score, 1)},
                                     {"grade", JsonText({&report.quality->grade, 1})}};
  }
  json::object spindles = Describe(report.spindles), waves = Describe(report.slow_waves);
  spindles["mean_hz"] = MeanOf(report.spindles, &Spindle::hz);
  spindles["mean_amplitude_uv"] = MeanOf(report.spindles, &Spindle::amplitude_uv);
  waves["mean_amplitude_uv"] = MeanOf(report.slow_waves, &SlowWave::amplitude_uv);
  object["spindles"] = std::move(spindles);
  object["slow_waves"] = std::move(waves);
  object["rapid_eye_movements"] = nullptr;
  if (report.rapid_eye_movements) {
    object["rapid_eye_movements"] = Describe(*report.rapid_eye_movements);
  }
  json::object arousals = Describe(report.arousals);
  arousals["per_hour"] = FourPlaces(report.arousals_per_hour);
  object["arousals"] = std::move(arousals);
  object["channels"] = Describe(report.channels);
  object["notes"] = JsonNames(report.notes);
  return object;
}

}  // namespace montage::analysis
