#include "montage/analysis/quality/artifacts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kLeastRailEpochs = 3;
constexpr double kBlinkElsewhere = 0.9;  ///< quantile of the swings behind the front

void Set(ArtifactMask& mask, size_t row, size_t epoch, Artifact kind) {
  auto& bits = mask.bits[row * mask.epochs + epoch];
  bits = static_cast<uint8_t>(bits | 1U << static_cast<unsigned>(kind));
}

double StepRatio(const Epoch& epoch, const EpochLimits& limits) {
  // A jump, not merely a rough signal.
  const bool jump = static_cast<double>(epoch.step) >
                    limits.step_over_roughness * static_cast<double>(epoch.roughness);
  return jump ? static_cast<double>(epoch.step) / limits.step : 0.0;
}

/// Does the epoch stand still at a value that the channel cannot pass?
double ClippingRatio(const Epoch& epoch, const Rails& rails, const EpochLimits& limits) {
  const bool at_rail = epoch.highest >= rails.high || epoch.lowest <= rails.low;
  const double limit = at_rail ? limits.rail_stuck_fraction : limits.stuck_fraction;
  return static_cast<double>(epoch.stuck) / limit;
}

/// Ratio to its limit of each measure, by Artifact.
std::array<double, kArtifactKinds> Ratios(const Epoch& epoch, const Rails& rails,
                                          const EpochLimits& limits) {
  const auto over = [](float value, double limit) { return static_cast<double>(value) / limit; };
  const double deviation = std::max(static_cast<double>(epoch.deviation), 1e-9);
  const double flat = limits.flat_deviation / deviation;
  std::array<double, kArtifactKinds> ratios{};
  ratios[static_cast<size_t>(Artifact::kFlat)] = flat;
  // A flat epoch repeats its extremes too, but that is not clipping.
  ratios[static_cast<size_t>(Artifact::kClipping)] =
      flat >= 0.1 ? 0.0 : ClippingRatio(epoch, rails, limits);
  ratios[static_cast<size_t>(Artifact::kPop)] = StepRatio(epoch, limits);
  ratios[static_cast<size_t>(Artifact::kMovement)] = std::max(
      over(epoch.slow, limits.slow_deviation), over(epoch.peak_to_peak, limits.peak_to_peak));
  ratios[static_cast<size_t>(Artifact::kMuscle)] = over(epoch.fast, limits.fast_deviation);
  ratios[static_cast<size_t>(Artifact::kLine)] = over(epoch.line, limits.line_deviation);
  return ratios;
}

struct Regions {
  std::vector<size_t> front;
  std::vector<size_t> rest;
};

/// Rows near the eyes, and the others, without the bad ones.
Regions FindRegions(const EpochTable& table, const RecordingView& recording,
                    std::span<const bool> bad) {
  Regions regions;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const auto position = signal::FindElectrode(recording.channels[table.channels[row]].name);
    if (bad[row] || !position) continue;
    (position->y > 0.75 ? regions.front : regions.rest).push_back(row);
  }
  return regions;
}

double MedianSwing(std::span<const Epoch> epochs) {
  std::vector<double> values;
  values.reserve(epochs.size());
  for (const Epoch& epoch : epochs) values.push_back(static_cast<double>(epoch.swing));
  return signal::Median(values);
}

}  // namespace

Rails FindRails(std::span<const Epoch> epochs, const EpochLimits& limits) {
  Rails rails;
  if (epochs.empty()) return rails;
  const float high = std::ranges::max(epochs, {}, &Epoch::highest).highest;
  const float low = std::ranges::min(epochs, {}, &Epoch::lowest).lowest;
  const auto reached = [&](float Epoch::* field, float value) {
    const auto count = std::ranges::count_if(
        epochs, [&](const Epoch& epoch) { return epoch.*field == value && epoch.stuck > 0.0F; });
    const auto least = limits.rail_epochs * static_cast<double>(epochs.size());
    return static_cast<double>(count) >= std::max(least, kLeastRailEpochs);
  };
  if (reached(&Epoch::highest, high)) rails.high = high;
  if (reached(&Epoch::lowest, low)) rails.low = low;
  return rails;
}

double Spoilage(const Epoch& epoch, const Rails& rails, const EpochLimits& limits) {
  return std::ranges::max(Ratios(epoch, rails, limits));
}

ArtifactMask FindArtifacts(const EpochTable& table, const EpochLimits& limits) {
  ArtifactMask mask{table.epoch_s, table.epochs, table.channels, {}};
  mask.bits.assign(table.cells.size(), 0);
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const Rails rails = FindRails(table.Row(row), limits);
    for (size_t e = 0; e < table.epochs; ++e) {
      const auto ratios = Ratios(table.At(row, e), rails, limits);
      for (size_t kind = 0; kind < ratios.size(); ++kind) {
        if (ratios[kind] >= 1.0) Set(mask, row, e, static_cast<Artifact>(kind));
      }
    }
  }
  return mask;
}

void FindBlinks(const EpochTable& table, const RecordingView& recording, std::span<const bool> bad,
                const EpochLimits& limits, ArtifactMask& mask) {
  const Regions regions = FindRegions(table, recording, bad);
  if (regions.rest.empty()) return;
  // Usual is what the rest of the head shows: at the front every epoch may hold a blink.
  std::vector<double> values;
  for (const size_t row : regions.rest) values.push_back(MedianSwing(table.Row(row)));
  const double usual = signal::Median(values);
  for (size_t e = 0; e < table.epochs; ++e) {
    // A field that is as large behind the front is not of the eyes.
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<double>(table.At(regions.rest[i], e).swing);
    }
    const double elsewhere = signal::Percentile(values, kBlinkElsewhere);
    for (const size_t row : regions.front) {
      const Epoch& epoch = table.At(row, e);
      const auto swing = static_cast<double>(epoch.swing);
      if (swing >= limits.blink_swing && swing >= limits.blink_over_median * usual &&
          swing >= limits.blink_over_rest * elsewhere &&
          swing >= limits.blink_over_fast * static_cast<double>(epoch.fast) &&
          !mask.Has(row, e, Artifact::kPop)) {
        Set(mask, row, e, Artifact::kBlink);
      }
    }
  }
}

std::vector<ArtifactInterval> JoinArtifacts(const ArtifactMask& mask,
                                            std::span<const std::string> names,
                                            std::span<const bool> bad) {
  std::vector<ArtifactInterval> intervals;
  for (size_t kind = 0; kind < kArtifactKinds; ++kind) {
    std::optional<ArtifactInterval> open;
    for (size_t e = 0; e < mask.epochs; ++e) {
      std::vector<std::string> here;
      for (size_t row = 0; row < names.size(); ++row) {
        if (!bad[row] && mask.Has(row, e, static_cast<Artifact>(kind))) here.push_back(names[row]);
      }
      if (open && open->channels != here) {
        intervals.push_back(std::move(*open));
        open.reset();
      }
      if (here.empty()) continue;
      const double start = mask.epoch_s * static_cast<double>(e);
      if (!open) open = {static_cast<Artifact>(kind), start, start, std::move(here)};
      open->end_s = start + mask.epoch_s;
    }
    if (open) intervals.push_back(std::move(*open));
  }
  std::ranges::sort(intervals, {}, [](const ArtifactInterval& interval) {
    return std::pair(interval.start_s, interval.kind);
  });
  return intervals;
}

}  // namespace montage::analysis
