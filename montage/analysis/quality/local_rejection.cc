#include "montage/analysis/quality/local_rejection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "montage/analysis/quality/artifacts.h"
#include "montage/analysis/quality/quality_limits.h"
#include "montage/analysis/quality/thresholds.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kFolds = 10;
constexpr double kSharedCorrelation = 0.8;
constexpr double kFloorDeviations = 3.0;
constexpr double kCeilingDeviations = 5.0;
constexpr double kUnseenRatio = 1.5;
constexpr size_t kConsensuses = std::size(kConsensusGrid);
constexpr size_t kInterpolates = std::size(kInterpolateGrid);
constexpr size_t kMostInterpolated = kInterpolateGrid[kInterpolates - 1];

/// exp(median + factor * robust deviation) of the logarithm.
double LogFence(std::span<const Epoch> epochs, double factor) {
  std::vector<double> logs;
  logs.reserve(epochs.size());
  for (const Epoch& epoch : epochs) {
    logs.push_back(std::log(std::max(static_cast<double>(epoch.swing), 1e-3)));
  }
  const double median = signal::Median(logs);
  return std::exp(median + factor * signal::RobustDeviation(logs));
}

float SwingOf(std::span<const float> points) {
  const auto [low, high] = std::ranges::minmax(points);
  return high - low;
}

/// The thresholds of the rows that are not bad.
class ThresholdFitting {
 public:
  ThresholdFitting(const EpochTable& table, std::span<const bool> bad,
                   const ScalpInterpolator& interpolator)
      : table_(table), bad_(bad), interpolator_(interpolator) {
    for (size_t row = 0; row < bad.size(); ++row) {
      if (bad[row] && interpolator.HasPosition(row)) missing_.push_back(row);
    }
  }

  double Fit(size_t row) {
    const auto measured = table_.thinned.Row(row);
    const size_t count = table_.thinned.epochs.size();
    samples_.assign(measured.begin(), measured.end());
    Augment(row);
    swings_.clear();
    for (size_t t = 0; t * kThinnedPoints < samples_.size(); ++t) {
      swings_.push_back(SwingOf(std::span(samples_).subspan(t * kThinnedPoints, kThinnedPoints)));
    }
    const double floor = LogFence(table_.Row(row), kFloorDeviations);
    const double threshold = CrossValidatedThreshold(
        {.samples = samples_, .swings = swings_, .points = kThinnedPoints, .measured = count},
        {.folds = kFolds, .floor_uv = floor});
    const double largest = static_cast<double>(std::ranges::max(std::span(swings_).first(count)));
    if (threshold < largest) return std::max(threshold, floor);
    // Nothing seen is too large; an epoch that was not seen has to be exceptional.
    const double fence = LogFence(table_.Row(row), kCeilingDeviations);
    return std::clamp(fence, largest, kUnseenRatio * largest);
  }

 private:
  /// What the other channels say of this one: trials that have its artifacts only when all have.
  void Augment(size_t row) {
    if (!interpolator_.HasPosition(row)) return;
    std::vector<size_t> missing = missing_;
    missing.push_back(row);
    const std::vector<double> weights = interpolator_.Weights(missing);
    if (weights.empty()) return;
    const size_t size = samples_.size();
    samples_.resize(2 * size, 0.0F);
    const auto out = std::span(samples_).subspan(size);
    const auto own = std::span(weights).last(interpolator_.rows());
    for (size_t other = 0; other < own.size(); ++other) {
      if (own[other] == 0.0) continue;
      const auto weight = static_cast<float>(own[other]);
      const auto source = table_.thinned.Row(other);
      for (size_t i = 0; i < size; ++i) out[i] += weight * source[i];
    }
  }

  const EpochTable& table_;
  std::span<const bool> bad_;
  const ScalpInterpolator& interpolator_;
  std::vector<size_t> missing_;
  std::vector<float> samples_;
  std::vector<float> swings_;
};

/// Spoiled cells of one epoch, the worst first.
struct Spoiled {
  std::vector<size_t> rows;
};

class Labelling {
 public:
  Labelling(const EpochTable& table, const ArtifactMask& mask, std::span<const bool> bad,
            std::span<const std::optional<signal::Position>> positions)
      : table_(table), mask_(mask), bad_(bad), interpolator_(positions) {
    for (size_t row = 0; row < bad.size(); ++row) {
      if (!bad[row]) good_.push_back(row);
      if (bad[row] && interpolator_.HasPosition(row)) bad_rows_.push_back(row);
    }
  }

  base::Result<LocalRejection> Run(const Control& control) {
    TRY(FitThresholds(control));
    spoiled_.resize(table_.epochs);
    for (size_t e = 0; e < table_.epochs; ++e) spoiled_[e] = FindSpoiled(e);
    if (table_.thinned.epochs.size() >= kLeastThinnedEpochs) {
      TRY(control.Check());
      ChooseConsensus();
    } else {
      result_.consensus = kConsensusGrid[kConsensuses - 1];
      result_.interpolate = LargestInterpolate(result_.consensus);
    }
    for (size_t e = 0; e < table_.epochs; ++e) Label(e);
    return std::move(result_);
  }

 private:
  base::Result<void> FitThresholds(const Control& control) {
    result_.thresholds_uv.assign(bad_.size(), std::numeric_limits<double>::quiet_NaN());
    if (table_.thinned.epochs.size() < kLeastThinnedEpochs) return {};
    ThresholdFitting fitting(table_, bad_, interpolator_);
    for (const size_t row : good_) {
      TRY(control.Check());
      result_.thresholds_uv[row] = fitting.Fit(row);
    }
    return {};
  }

  Spoiled FindSpoiled(size_t epoch) const {
    std::vector<std::pair<double, size_t>> found;
    const auto blink = static_cast<uint8_t>(1U << static_cast<unsigned>(Artifact::kBlink));
    for (const size_t row : good_) {
      const Epoch& cell = table_.At(row, epoch);
      const uint8_t bits = mask_.bits[row * mask_.epochs + epoch];
      const double ratio = static_cast<double>(cell.swing) / result_.thresholds_uv[row];
      const bool large = ratio > 1.0 && (bits & blink) == 0 &&
                         static_cast<double>(cell.correlation) < kSharedCorrelation;
      const bool limited = (bits & ~blink) != 0;
      if (!large && !limited) continue;
      // What the fixed limits found is worse than what is merely large: flat cells are small.
      found.emplace_back(limited ? -1e6 - static_cast<double>(cell.swing) : -ratio, row);
    }
    std::ranges::sort(found);
    Spoiled spoiled;
    for (const auto& [severity, row] : found) spoiled.rows.push_back(row);
    return spoiled;
  }

  bool IsRejected(size_t spoiled, double consensus) const {
    return spoiled > 0 &&
           static_cast<double>(spoiled) >= consensus * static_cast<double>(good_.size());
  }

  /// autoreject's condition: repairing fewer channels than would reject the epoch.
  bool IsPossible(size_t interpolate, double consensus) const {
    return static_cast<double>(interpolate) < consensus * static_cast<double>(good_.size());
  }
  size_t LargestInterpolate(double consensus) const {
    size_t largest = 0;
    for (const size_t interpolate : kInterpolateGrid) {
      if (IsPossible(interpolate, consensus)) largest = interpolate;
    }
    return largest;
  }

  /// Weights for the spoiled rows of an epoch that have a position, at most kMostInterpolated.
  struct Repair {
    std::vector<size_t> rows;
    std::vector<double> weights;  ///< [row][all rows]; empty: cannot be repaired
  };
  Repair RepairOf(size_t epoch) const {
    Repair repair;
    std::vector<size_t> missing;
    for (const size_t row : spoiled_[epoch].rows) {
      if (interpolator_.HasPosition(row)) missing.push_back(row);
    }
    const size_t count = std::min(missing.size(), kMostInterpolated);
    repair.rows.assign(missing.begin(), missing.begin() + static_cast<ptrdiff_t>(count));
    missing.insert(missing.end(), bad_rows_.begin(), bad_rows_.end());
    repair.weights = interpolator_.Weights(missing);
    return repair;
  }

  void ChooseConsensus();
  void Label(size_t epoch);

  const EpochTable& table_;
  const ArtifactMask& mask_;
  std::span<const bool> bad_;
  ScalpInterpolator interpolator_;
  std::vector<size_t> good_;
  std::vector<size_t> bad_rows_;  ///< with a position
  std::vector<Spoiled> spoiled_;  ///< by epoch
  LocalRejection result_;
};

/// Losses of every pair of kappa and rho on the thinned epochs, channel by channel.
class ConsensusSearch {
 public:
  ConsensusSearch(std::span<const float> counts, size_t good)
      : fold_(DealFolds(counts.size(), kFolds)), bucket_(counts.size()) {
    for (size_t k = 0; k < counts.size(); ++k) {
      while (bucket_[k] < kConsensuses &&
             !(static_cast<double>(counts[k]) <
               kConsensusGrid[bucket_[k]] * static_cast<double>(good)) &&
             counts[k] > 0) {
        ++bucket_[k];
      }
    }
    kept_.assign(kConsensuses * kFolds, 0.0);
    for (size_t k = 0; k < counts.size(); ++k) {
      for (size_t c = bucket_[k]; c < kConsensuses; ++c) {
        for (size_t f = 0; f < kFolds; ++f) kept_[c * kFolds + f] += fold_[k] != f ? 1.0 : 0.0;
      }
      validation_[fold_[k]].push_back(k);
    }
    squares_.assign(kInterpolates * kConsensuses * kFolds, 0.0);
  }

  /// `repaired(k, rho)` is the interpolated trial, or null where the measured one stays.
  template <typename Repaired>
  void AddChannel(std::span<const float> samples, Repaired repaired) {
    std::vector<float> medians(kFolds * kThinnedPoints);
    for (size_t f = 0; f < kFolds; ++f) {
      MedianTrial(samples, validation_[f],
                  std::span(medians).subspan(f * kThinnedPoints, kThinnedPoints));
    }
    for (size_t r = 0; r < kInterpolates; ++r) {
      sums_.assign(kFolds * kConsensuses * kThinnedPoints, 0.0);
      bool any = false;
      for (size_t k = 0; k < bucket_.size(); ++k) {
        const float* stand_in = repaired(k, kInterpolateGrid[r]);
        any = any || stand_in != nullptr;
        if (bucket_[k] == kConsensuses) continue;
        const float* trial = stand_in ? stand_in : samples.data() + k * kThinnedPoints;
        double* sum = sums_.data() + (fold_[k] * kConsensuses + bucket_[k]) * kThinnedPoints;
        for (size_t p = 0; p < kThinnedPoints; ++p) sum[p] += static_cast<double>(trial[p]);
      }
      Compare(r, medians);
      if (any) continue;
      // Nothing of this channel is repaired, so that every rho gives the same.
      for (size_t rest = r + 1; rest < kInterpolates; ++rest) Compare(rest, medians);
      break;
    }
  }

  struct Choice {
    double consensus = 0;
    size_t interpolate = 0;
  };
  /// Of the pairs within one standard error of the least loss the one that rejects least, then the
  /// one that repairs most. `possible(rho, kappa)` says which pairs there are.
  template <typename Possible>
  Choice Choose(Possible possible, size_t channels) const {
    std::vector<std::pair<size_t, size_t>> pairs;  // by preference
    for (size_t c = kConsensuses; c-- > 0;) {
      for (size_t r = kInterpolates; r-- > 0;) {
        if (possible(kInterpolateGrid[r], kConsensusGrid[c])) pairs.emplace_back(r, c);
      }
    }
    if (pairs.empty()) return {kConsensusGrid[kConsensuses - 1], 0};
    std::vector<std::vector<double>> losses;
    for (const auto& [r, c] : pairs) losses.push_back(Losses(r, c, channels));
    const auto total = [](const std::vector<double>& loss) {
      return std::accumulate(loss.begin(), loss.end(), 0.0);
    };
    const auto best = std::ranges::min_element(losses, {}, total);
    size_t chosen = static_cast<size_t>(best - losses.begin());
    for (size_t i = 0; i < chosen; ++i) {
      const Excess excess = ExcessOver(losses[i], *best);
      if (excess.mean <= excess.error) chosen = i;
    }
    return {kConsensusGrid[pairs[chosen].second], kInterpolateGrid[pairs[chosen].first]};
  }

 private:
  void Compare(size_t r, std::span<const float> medians) {
    std::vector<double> all(kConsensuses * kThinnedPoints, 0.0);
    for (size_t f = 0; f < kFolds; ++f) {
      for (size_t i = 0; i < all.size(); ++i) all[i] += sums_[f * all.size() + i];
    }
    for (size_t f = 0; f < kFolds; ++f) {
      std::vector<double> sum(kThinnedPoints, 0.0);
      for (size_t c = 0; c < kConsensuses; ++c) {
        const double factor = 1.0 / std::max(kept_[c * kFolds + f], 1e-300);
        double squares = 0;
        for (size_t p = 0; p < kThinnedPoints; ++p) {
          const size_t i = c * kThinnedPoints + p;
          sum[p] += all[i] - sums_[f * all.size() + i];
          const double difference =
              sum[p] * factor - static_cast<double>(medians[f * kThinnedPoints + p]);
          squares += difference * difference;
        }
        squares_[(r * kConsensuses + c) * kFolds + f] += squares;
      }
    }
  }

  /// By fold; infinite where no training epoch is left.
  std::vector<double> Losses(size_t r, size_t c, size_t channels) const {
    const auto values = static_cast<double>(channels * kThinnedPoints);
    std::vector<double> losses;
    for (size_t f = 0; f < kFolds; ++f) {
      const double squares = squares_[(r * kConsensuses + c) * kFolds + f];
      losses.push_back(kept_[c * kFolds + f] > 0.0 ? std::sqrt(squares / values)
                                                   : std::numeric_limits<double>::max());
    }
    return losses;
  }

  std::vector<size_t> fold_;    ///< of each trial
  std::vector<size_t> bucket_;  ///< first kappa of the grid that keeps the trial
  std::vector<size_t> validation_[kFolds];
  std::vector<double> kept_;     ///< [kappa][fold] training trials
  std::vector<double> sums_;     ///< [fold][bucket][point]
  std::vector<double> squares_;  ///< [rho][kappa][fold]
};

void Labelling::ChooseConsensus() {
  const ThinnedEpochs& thinned = table_.thinned;
  std::vector<float> counts;
  // Interpolated trials by cell; rank is how many cells of the epoch are repaired before it.
  struct StandIn {
    size_t rank = 0;
    std::vector<float> samples;
  };
  std::map<std::pair<size_t, size_t>, StandIn> stand_ins;
  for (size_t k = 0; k < thinned.epochs.size(); ++k) {
    const size_t epoch = thinned.epochs[k];
    counts.push_back(static_cast<float>(spoiled_[epoch].rows.size()));
    if (spoiled_[epoch].rows.empty()) continue;
    const Repair repair = RepairOf(epoch);
    for (size_t m = 0; m < repair.rows.size() && !repair.weights.empty(); ++m) {
      StandIn& stand_in = stand_ins[{repair.rows[m], k}];
      stand_in.rank = m;
      stand_in.samples.assign(kThinnedPoints, 0.0F);
      for (size_t row = 0; row < bad_.size(); ++row) {
        const auto weight = static_cast<float>(repair.weights[m * bad_.size() + row]);
        if (weight == 0.0F) continue;
        const auto source = thinned.Row(row).subspan(k * kThinnedPoints, kThinnedPoints);
        for (size_t p = 0; p < kThinnedPoints; ++p) stand_in.samples[p] += weight * source[p];
      }
    }
  }
  ConsensusSearch search(counts, good_.size());
  for (const size_t row : good_) {
    search.AddChannel(thinned.Row(row), [&](size_t k, size_t interpolate) -> const float* {
      const auto found = stand_ins.find({row, k});
      if (found == stand_ins.end() || found->second.rank >= interpolate) return nullptr;
      return found->second.samples.data();
    });
  }
  const auto choice = search.Choose(
      [&](size_t interpolate, double consensus) { return IsPossible(interpolate, consensus); },
      good_.size());
  result_.consensus = choice.consensus;
  result_.interpolate = choice.interpolate;
}

void Labelling::Label(size_t epoch) {
  const auto& rows = spoiled_[epoch].rows;
  if (good_.empty() || IsRejected(rows.size(), result_.consensus)) {
    result_.labels.push_back(EpochLabel::kRejected);
    return;
  }
  if (rows.empty()) {
    result_.labels.push_back(EpochLabel::kGood);
    return;
  }
  RepairedEpoch repaired{.epoch = epoch};
  const size_t sources = [&] {
    size_t count = 0;
    for (const size_t row : good_) count += interpolator_.HasPosition(row) ? 1U : 0U;
    return count;
  }();
  for (const size_t row : rows) {
    if (interpolator_.HasPosition(row) && repaired.interpolated.size() < result_.interpolate) {
      repaired.interpolated.push_back(row);
    } else {
      repaired.left.push_back(row);
    }
  }
  if (repaired.interpolated.empty() || sources < rows.size() + kMinSources) {
    result_.labels.push_back(EpochLabel::kRejected);
    return;
  }
  result_.labels.push_back(EpochLabel::kRepaired);
  result_.repaired.push_back(std::move(repaired));
}

}  // namespace

std::vector<std::optional<signal::Position>> ComparablePositions(const RecordingView& recording,
                                                                 std::span<const size_t> channels) {
  std::map<std::pair<double, uint64_t>, size_t> counts;
  const auto sampling = [&](size_t channel) {
    return std::pair(recording.channels[channel].rate_hz, recording.channels[channel].samples);
  };
  for (const size_t channel : channels) ++counts[sampling(channel)];
  const auto most =
      std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  std::vector<std::optional<signal::Position>> positions;
  for (const size_t channel : channels) {
    positions.push_back(sampling(channel) == most->first
                            ? signal::FindElectrode(recording.channels[channel].name)
                            : std::nullopt);
  }
  return positions;
}

base::Result<LocalRejection> LabelEpochs(const EpochTable& table, const ArtifactMask& mask,
                                         std::span<const bool> bad,
                                         std::span<const std::optional<signal::Position>> positions,
                                         const Control& control) {
  return Labelling(table, mask, bad, positions).Run(control);
}

}  // namespace montage::analysis
