#include "lib/synth/truth.h"

#include <boost/json.hpp>

namespace synth {
namespace {

boost::json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string_view ToString(SleepStage stage) {
  switch (stage) {
    case SleepStage::kWake:
      return "W";
    case SleepStage::kN1:
      return "N1";
    case SleepStage::kN2:
      return "N2";
    case SleepStage::kN3:
      return "N3";
    case SleepStage::kRem:
      return "REM";
  }
  return "W";
}

boost::json::object ToJson(const Truth& truth) {
  boost::json::object out;
  out["seed"] = truth.seed;
  out["generator_version"] = truth.generator_version;
  out["format"] = truth.format;
  boost::json::array& channels = out["channels"].emplace_array();
  for (const std::string& channel : truth.channels) channels.emplace_back(View(channel));
  out["rate_hz"] = truth.rate_hz;
  out["duration_s"] = truth.duration_s;
  out["bytes"] = truth.bytes;
  out["background_alpha_hz"] = truth.background_alpha_hz;
  boost::json::object& subject = out["subject"].emplace_object();
  for (const TraitRange& range : TraitRanges())
    subject[View(range.name)] = truth.subject[range.trait];
  boost::json::array& open = out["eyes_open"].emplace_array();
  for (const Stretch& stretch : truth.eyes_open) {
    open.push_back({{"onset_s", stretch.onset_s}, {"duration_s", stretch.duration_s}});
  }
  boost::json::array& events = out["events"].emplace_array();
  for (const TruthEvent& event : truth.events) {
    boost::json::object& one = events.emplace_back(boost::json::object()).get_object();
    one["kind"] = View(event.kind);
    one["onset_s"] = event.onset_s;
    one["duration_s"] = event.duration_s;
    boost::json::array& where = one["channels"].emplace_array();
    for (const uint32_t channel : event.channels) where.emplace_back(View(truth.channels[channel]));
    one["amplitude_uv"] = event.amplitude_uv;
    if (event.hz) one["hz"] = *event.hz;
  }
  boost::json::array& bad = out["bad_channels"].emplace_array();
  for (const BadChannel& channel : truth.bad_channels) {
    bad.push_back({{"channel", View(channel.channel)},
                   {"kind", View(channel.kind)},
                   {"onset_s", channel.onset_s},
                   {"duration_s", channel.duration_s}});
  }
  boost::json::array& stages = out["hypnogram"].emplace_array();
  for (const SleepStage stage : truth.hypnogram) stages.emplace_back(View(ToString(stage)));
  return out;
}

}  // namespace synth
