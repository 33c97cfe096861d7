#include "montage/analysis/events/trains.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kShortestPeriodS = 0.22;
constexpr double kLongestPeriodS = 3.4;
constexpr double kEarly = 0.6;   ///< of a period: the next member comes not before
constexpr double kLate = 1.5;    ///< and not after
constexpr double kMissed = 2.6;  ///< with one member missed
constexpr size_t kLeastPeriodic = 6;
constexpr size_t kLeastSpikeWave = 4;
constexpr double kMostIrregular = 0.45;
/// Medians over a train; less than this the waves of a lively background reach by chance.
constexpr double kLeastTypicalUv = 45.0;
constexpr double kLeastTypicalZ = 5.0;
/// Above this rate a train with slow waves is spike-and-wave; above the next one in any case.
constexpr double kSpikeWaveHz = 1.5;
constexpr double kAlwaysSpikeWaveHz = 2.4;
constexpr double kSpikeWaveSlow = 0.35;  ///< least slow wave over spike
constexpr double kJoinS = 10.0;          ///< trains of one kind are joined over such a gap
constexpr double kJoinPeriods = 4.0;

bool Resembles(const Discharge& a, const Discharge& b) {
  // The sign may differ: of a discharge with several phases now one, now another is the largest.
  const double ratio = std::abs(static_cast<double>(a.amplitude_uv / b.amplitude_uv));
  return ratio > 0.4 && ratio < 2.5 && std::abs(a.Laterality() - b.Laterality()) < 0.6;
}

class TrainFinder {
 public:
  explicit TrainFinder(std::span<const Discharge> discharges)
      : discharges_(discharges), taken_(discharges.size(), false) {}

  std::vector<DischargeTrain> Find() {
    for (size_t seed = 0; seed < discharges_.size(); ++seed) {
      if (taken_[seed]) continue;
      if (auto train = From(seed)) {
        for (const size_t member : train->members) taken_[member] = true;
        trains_.push_back(std::move(*train));
      }
    }
    for (DischargeTrain& train : trains_) Absorb(train);
    std::ranges::sort(trains_, {}, &DischargeTrain::start_s);
    Join();
    std::erase_if(trains_, [](const DischargeTrain& train) {
      return train.amplitude_uv < kLeastTypicalUv || train.z < kLeastTypicalZ;
    });
    return std::move(trains_);
  }

 private:
  double Time(size_t i) const { return discharges_[i].time_s; }

  /// The best of the possible second members decides the period.
  std::optional<DischargeTrain> From(size_t seed) const {
    std::optional<DischargeTrain> best;
    for (size_t second = seed + 1, tried = 0; second < discharges_.size() && tried < 4; ++second) {
      const double period = Time(second) - Time(seed);
      if (period > kLongestPeriodS) break;
      if (taken_[second] || period < kShortestPeriodS ||
          !Resembles(discharges_[seed], discharges_[second])) {
        continue;
      }
      ++tried;
      auto train = Describe(Follow(seed, second));
      if (train && (!best || train->members.size() > best->members.size())) best = std::move(train);
    }
    return best;
  }

  std::vector<size_t> Follow(size_t first, size_t second) const {
    std::vector<size_t> members = {first, second};
    std::vector<double> periods = {Time(second) - Time(first)};
    bool missed = false;
    for (size_t next = second + 1; next < discharges_.size();) {
      std::vector<double> recent(periods.end() - static_cast<ptrdiff_t>(std::min<size_t>(5, periods.size())),
                                 periods.end());
      const double period = signal::Median(recent);
      const double last = Time(members.back());
      const double most = (missed || members.size() < 3 ? kLate : kMissed) * period;
      // Nearest to where it is expected, among those that look alike.
      std::optional<size_t> found;
      double off = 0;
      size_t i = next;
      for (; i < discharges_.size() && Time(i) - last <= most; ++i) {
        const double after = Time(i) - last;
        if (taken_[i] || after < kEarly * period ||
            !Resembles(discharges_[members.back()], discharges_[i])) {
          continue;
        }
        const double error = after <= kLate * period ? std::abs(after - period)
                                                     : period + std::abs(after - 2 * period);
        if (!found || error < off) {
          found = i;
          off = error;
        }
      }
      if (!found) break;
      const double after = Time(*found) - last;
      missed = after > kLate * period;
      periods.push_back(missed ? after / 2 : after);
      if (periods.back() > kLongestPeriodS) break;
      members.push_back(*found);
      next = *found + 1;
    }
    return members;
  }

  std::optional<DischargeTrain> Describe(std::vector<size_t> members) const {
    if (members.size() < kLeastSpikeWave) return std::nullopt;
    DischargeTrain train;
    std::vector<double> intervals, slow, amplitude, z;
    for (size_t k = 0; k < members.size(); ++k) {
      const Discharge& d = discharges_[members[k]];
      if (k > 0) intervals.push_back(Time(members[k]) - Time(members[k - 1]));
      slow.push_back(static_cast<double>(d.slow_wave));
      amplitude.push_back(std::abs(static_cast<double>(d.amplitude_uv)));
      z.push_back(static_cast<double>(d.z));
      train.laterality += d.Laterality() / static_cast<double>(members.size());
    }
    double change = 0;
    const double typical = [&] {
      auto copy = intervals;
      return signal::Median(copy);
    }();
    // An interval over a missed member counts as two.
    for (double& interval : intervals) {
      if (interval > kLate * typical) interval /= 2;
    }
    for (size_t k = 1; k < intervals.size(); ++k) {
      change += std::abs(intervals[k] - intervals[k - 1]) / static_cast<double>(intervals.size() - 1);
    }
    train.rate_hz = 1 / signal::Mean(intervals);
    train.irregularity = change * train.rate_hz;
    train.slow_wave = signal::Median(slow);
    train.amplitude_uv = signal::Median(amplitude);
    train.z = signal::Median(z);
    train.start_s = discharges_[members.front()].start_s;
    // Up to where the last discharge has passed, not to where the next would be.
    train.end_s = Time(members.back()) + std::min(0.3, 0.9 / train.rate_hz);
    train.members = std::move(members);
    const bool waves = train.rate_hz >= kAlwaysSpikeWaveHz ||
                       (train.rate_hz >= kSpikeWaveHz && train.slow_wave >= kSpikeWaveSlow);
    train.form = waves ? DischargeTrain::Form::kSpikeWave : DischargeTrain::Form::kPeriodic;
    const size_t least = waves ? kLeastSpikeWave : kLeastPeriodic;
    if (train.members.size() < least || train.irregularity > kMostIrregular) return std::nullopt;
    return train;
  }

  /// What happens within a train and looks like it belongs to it, also when it did not fit the
  /// rhythm that was followed: that may have been half of the true one.
  void Absorb(DischargeTrain& train) {
    const Discharge& example = discharges_[train.members[train.members.size() / 2]];
    std::vector<size_t> members;
    for (size_t i = train.members.front(); i <= train.members.back(); ++i) {
      const bool member = std::ranges::binary_search(train.members, i);
      if (member || (!taken_[i] && Resembles(example, discharges_[i]))) members.push_back(i);
    }
    for (const size_t member : members) taken_[member] = true;
    if (auto again = Describe(members)) train = std::move(*again);
  }

  void Join() {
    std::vector<DischargeTrain> joined;
    for (DischargeTrain& train : trains_) {
      if (!joined.empty() && Belongs(joined.back(), train)) {
        auto members = joined.back().members;
        members.insert(members.end(), train.members.begin(), train.members.end());
        const double end = std::max(joined.back().end_s, train.end_s);
        const double share = static_cast<double>(train.members.size()) /
                             static_cast<double>(members.size());
        const auto mix = [&](double DischargeTrain::* field) {
          joined.back().*field += share * (train.*field - joined.back().*field);
        };
        for (const auto field : {&DischargeTrain::rate_hz, &DischargeTrain::irregularity,
                                 &DischargeTrain::laterality, &DischargeTrain::slow_wave,
                                 &DischargeTrain::amplitude_uv, &DischargeTrain::z}) {
          mix(field);
        }
        joined.back().members = std::move(members);
        joined.back().end_s = end;
        continue;
      }
      joined.push_back(std::move(train));
    }
    trains_ = std::move(joined);
  }

  static bool Belongs(const DischargeTrain& before, const DischargeTrain& after) {
    const double gap = after.start_s - before.end_s;
    const double allowed = before.form == DischargeTrain::Form::kPeriodic
                               ? std::max(kJoinS, kJoinPeriods / before.rate_hz)
                               : 1.0;
    const double ratio = before.rate_hz / after.rate_hz;
    return before.form == after.form && gap < allowed && ratio > 0.5 && ratio < 2 &&
           std::abs(before.laterality - after.laterality) < 0.5;
  }

  std::span<const Discharge> discharges_;
  std::vector<bool> taken_;
  std::vector<DischargeTrain> trains_;
};

}  // namespace

std::vector<DischargeTrain> FindTrains(std::span<const Discharge> discharges) {
  return TrainFinder(discharges).Find();
}

}  // namespace montage::analysis
