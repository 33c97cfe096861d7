#include "montage/evaluation/truth/edf_truth.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace montage::evaluation {
namespace {

using formats::edf::Annotation;

constexpr std::string_view kStage = "Sleep stage ";

/// What the annotations say of one epoch.
struct Epoch {
  std::optional<SleepStage> stage;
  bool unscored = false;
};

/// The epochs whose middle lies within [onset, onset + duration).
std::pair<size_t, size_t> EpochsIn(double onset_s, double duration_s, size_t count) {
  const auto first_after = [&](double seconds) {
    const double index = std::ceil(seconds / kEpochS - 0.5 - 1e-9);
    return static_cast<size_t>(std::clamp(index, 0.0, static_cast<double>(count)));
  };
  return {first_after(onset_s), first_after(onset_s + duration_s)};
}

}  // namespace

base::Result<Truth> ReadEdfTruth(std::span<const Annotation> annotations, double duration_s,
                                 double offset_s) {
  Truth out;
  std::vector<Epoch> epochs(static_cast<size_t>(std::max(0.0, std::floor(duration_s / kEpochS))));
  bool staged = false;
  for (const Annotation& annotation : annotations) {
    const double onset = annotation.onset_s + offset_s;
    const std::string_view text = annotation.text;
    const bool movement = text == "Movement time";
    if (text.starts_with(kStage) || movement) {
      if (!annotation.duration_s) {
        return base::Fail(base::ErrorCode::kInvalid,
                          fmt::format("\"{}\" at {} s has no duration", text, annotation.onset_s));
      }
      const auto stage = movement ? std::nullopt : ParseSleepStage(text.substr(kStage.size()));
      const auto [first, last] = EpochsIn(onset, *annotation.duration_s, epochs.size());
      for (size_t i = first; i < last; ++i) {
        if (stage && epochs[i].stage && epochs[i].stage != stage) {
          return base::Fail(
              base::ErrorCode::kInvalid,
              fmt::format("the epoch at {} s is both {} and {}", kEpochS * static_cast<double>(i),
                          ToString(*epochs[i].stage), ToString(*stage)));
        }
        if (stage) epochs[i].stage = stage;
        if (!stage) epochs[i].unscored = true;
      }
      staged = true;
      continue;
    }
    std::string label(text);
    std::ranges::replace(label, ' ', '_');
    const std::string_view kind = MeaningOf(label);
    if (kind.empty() || kind == "background") continue;
    out.events.push_back({std::string(kind), onset, annotation.duration_s.value_or(0)});
  }
  out.events = JoinOverlapping(std::move(out.events));
  if (staged) {
    for (const Epoch& epoch : epochs)
      out.stages.push_back(epoch.unscored ? std::nullopt : epoch.stage);
  }
  return out;
}

}  // namespace montage::evaluation
