#include "montage/analysis/artifacts/fit_windows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

/// How unlike the others each epoch is: the largest robust z, over the rows, of its extent.
std::vector<double> Unusualness(const DecompositionInput& input, const EpochTable& table) {
  std::vector<double> unusual(table.epochs, 0.0);
  for (const size_t row : input.rows) {
    std::vector<double> logs;
    for (const Epoch& epoch : table.Row(row)) {
      logs.push_back(std::log(std::max(static_cast<double>(epoch.peak_to_peak), 1e-2)));
    }
    std::vector<double> scratch = logs;
    const double median = signal::Median(scratch);
    const double spread = std::max(signal::RobustDeviation(scratch), 0.1);
    for (size_t e = 0; e < logs.size(); ++e) {
      unusual[e] = std::max(unusual[e], (logs[e] - median) / spread);
    }
  }
  return unusual;
}

bool IsGross(const DecompositionInput& input, const EpochTable& table, size_t epoch,
             const FitLimits& limits) {
  return std::ranges::any_of(input.rows, [&](size_t row) {
    return static_cast<double>(table.At(row, epoch).peak_to_peak) > limits.gross_peak_to_peak;
  });
}

}  // namespace

DecompositionInput ChooseInput(const RecordingView& recording, const EpochTable& table,
                               const FitLimits& limits) {
  std::map<std::pair<double, uint64_t>, DecompositionInput> sets;
  for (size_t row = 0; row < table.channels.size(); ++row) {
    const size_t c = table.channels[row];
    const Channel& channel = recording.channels[c];
    if (channel.kind != ChannelKind::kEeg) continue;
    auto& set = sets[{channel.rate_hz, channel.samples}];
    set.rate_hz = channel.rate_hz;
    set.samples = channel.samples;
    set.channels.push_back(c);
    set.rows.push_back(row);
  }
  DecompositionInput chosen;
  for (auto& [key, set] : sets) {
    if (set.channels.size() > chosen.channels.size()) chosen = std::move(set);
  }
  if (chosen.channels.size() < limits.least_components) {
    chosen.shortcoming = fmt::format("{} good EEG channels of one rate, expected at least {}",
                                     chosen.channels.size(), limits.least_components);
    return chosen;
  }
  for (size_t c = 0; c < recording.channels.size(); ++c) {
    const Channel& channel = recording.channels[c];
    if (channel.rate_hz != chosen.rate_hz || channel.samples != chosen.samples) continue;
    if (channel.kind == ChannelKind::kEog) chosen.eog.push_back(c);
    if (channel.kind == ChannelKind::kEcg && !chosen.ecg) chosen.ecg = c;
  }
  return chosen;
}

FitWindows ChooseWindows(const DecompositionInput& input, const EpochTable& table,
                         const FitLimits& limits) {
  FitWindows windows;
  const auto wanted = static_cast<uint64_t>(limits.window_s * input.rate_hz);
  windows.length = static_cast<size_t>(std::min(wanted, input.samples));
  if (windows.length == 0) return windows;
  const auto most = static_cast<size_t>(limits.seconds / limits.window_s);
  const std::vector<double> unusual = Unusualness(input, table);
  std::vector<std::pair<double, uint64_t>> candidates;  // minus unusualness, first sample
  for (uint64_t first = 0; first + windows.length <= input.samples; first += windows.length) {
    const double from = static_cast<double>(first) / input.rate_hz;
    const double to = static_cast<double>(first + windows.length) / input.rate_hz;
    const auto last = std::min(static_cast<size_t>(std::ceil(to / table.epoch_s)), table.epochs);
    double most_unusual = 0;
    bool gross = false;
    for (auto e = static_cast<size_t>(from / table.epoch_s); e < last; ++e) {
      most_unusual = std::max(most_unusual, unusual[e]);
      gross = gross || IsGross(input, table, e, limits);
    }
    if (!gross) candidates.emplace_back(-most_unusual, first);
  }
  const size_t even = std::min(candidates.size(), (most + 1) / 2);
  std::vector<bool> taken(candidates.size(), false);
  for (size_t i = 0; i < even; ++i) taken[i * candidates.size() / even] = true;
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return candidates[i]; });
  size_t left = std::min(candidates.size(), most) - even;
  for (const size_t i : order) {
    if (left == 0) break;
    if (taken[i]) continue;
    taken[i] = true;
    --left;
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i]) windows.first.push_back(candidates[i].second);
  }
  return windows;
}

}  // namespace montage::analysis
