#include "montage/analysis/events/seizures.h"

#include <algorithm>
#include <cmath>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kUsualQuantile = 0.25;
/// At least so many times the channel's usual level to take part, and somewhere in the run.
constexpr double kOverUsual = 1.5;
constexpr double kPeakOverUsual = 2.5;
constexpr double kLeastUv = 10.0;
constexpr double kLeastPeakUv = 20.0;
/// A loud recording all of which is ictal has no usual level; this is loud in any.
constexpr double kAlwaysLoudUv = 45.0;
constexpr double kLeastPurity = 0.45;
constexpr double kMeanPurity = 0.55;
constexpr double kMostStepHz = 1.2;
/// The same of the seconds that precede a run.
constexpr double kFaintOverUsual = 1.15;
constexpr double kFaintPurity = 0.36;
constexpr size_t kMostBack = 4;
constexpr size_t kGapSeconds = 2;
constexpr size_t kLeastSeconds = 9;  ///< of starts of 2 s segments: 10 s
constexpr double kEvolvesHz = 0.7;
constexpr double kEvolvesShare = 0.12;
constexpr double kEvolvesGrowth = 1.7;
constexpr size_t kEvolvesRows = 3;
constexpr double kHighestHz = 22.0;
constexpr double kJoinS = 5.0;

struct Run {
  size_t row = 0;
  size_t first = 0;  ///< second
  size_t last = 0;
  double level = 0;  ///< median
  double purity = 0;
  double from_hz = 0, to_hz = 0;
  double growth = 1;
  double over_usual = 1;

  size_t Seconds() const { return last - first + 1; }
  bool Evolves() const {
    return std::abs(to_hz - from_hz) >= std::max(kEvolvesHz, kEvolvesShare * from_hz) ||
           growth >= kEvolvesGrowth;
  }
};

class SeizureFinder {
 public:
  explicit SeizureFinder(const Survey& survey) : survey_(survey) {}

  std::vector<Seizure> Find() {
    for (size_t row = 0; row < survey_.layout.rows.size(); ++row) FindRuns(row);
    return Gather();
  }

 private:
  const RhythmCell& Cell(size_t row, size_t second) const {
    return survey_.rhythm[second * survey_.layout.rows.size() + row];
  }

  double UsualLevel(size_t row) const {
    std::vector<double> levels;
    levels.reserve(survey_.seconds);
    for (size_t s = 0; s < survey_.seconds; ++s) levels.push_back(Cell(row, s).level_uv());
    return signal::Percentile(levels, kUsualQuantile);
  }

  void FindRuns(size_t row) {
    const double usual = UsualLevel(row);
    const double least = std::min(std::max(kOverUsual * usual, kLeastUv), kAlwaysLoudUv);
    const auto is_ictal = [&](size_t s) {
      const RhythmCell& cell = Cell(row, s);
      return cell.level_uv() >= least && cell.purity() >= kLeastPurity && cell.hz() <= kHighestHz;
    };
    for (size_t s = 0; s < survey_.seconds; ++s) {
      if (!is_ictal(s)) continue;
      size_t last = s;
      for (size_t next = s + 1; next < survey_.seconds && next - last <= kGapSeconds + 1; ++next) {
        if (!is_ictal(next)) continue;
        const double step = std::abs(Cell(row, next).hz() - Cell(row, last).hz());
        const double allowed = kMostStepHz * static_cast<double>(next - last);
        if (step > allowed && !IsHarmonic(Cell(row, next).hz(), Cell(row, last).hz())) break;
        last = next;
      }
      if (last - s + 1 >= kLeastSeconds) Judge(row, Onset(row, s, usual), last, usual);
      s = last;
    }
  }

  /// Backwards over seconds in which the rhythm is there already, though not yet loud.
  size_t Onset(size_t row, size_t second, double usual) const {
    for (size_t back = 0; second > 0 && back < kMostBack; ++back) {
      const RhythmCell& before = Cell(row, second - 1);
      const double step = std::abs(before.hz() - Cell(row, second).hz());
      if (before.level_uv() < kFaintOverUsual * usual || before.purity() < kFaintPurity ||
          step > kMostStepHz) {
        break;
      }
      --second;
    }
    return second;
  }

  static bool IsHarmonic(double a, double b) {
    const double ratio = std::max(a, b) / std::max(0.1, std::min(a, b));
    return std::abs(ratio - 2) < 0.3;
  }

  void Judge(size_t row, size_t first, size_t last, double usual) {
    Run run{.row = row, .first = first, .last = last};
    std::vector<double> levels, purities;
    double loudest = 0;
    for (size_t s = first; s <= last; ++s) {
      levels.push_back(Cell(row, s).level_uv());
      purities.push_back(Cell(row, s).purity());
      loudest = std::max(loudest, levels.back());
    }
    const size_t end = std::max<size_t>(3, run.Seconds() / 6);
    const auto median_hz = [&](size_t from) {
      std::vector<double> hz;
      for (size_t s = from; s < from + end; ++s) hz.push_back(Cell(row, s).hz());
      return signal::Median(hz);
    };
    run.from_hz = median_hz(first);
    run.to_hz = median_hz(last + 1 - end);
    run.purity = signal::Mean(purities);
    std::vector<double> early(levels.begin(), levels.begin() + static_cast<ptrdiff_t>(end));
    run.growth = signal::Percentile(levels, 0.9) / std::max(1e-3, signal::Median(early));
    run.level = signal::Median(levels);
    run.over_usual = run.level / std::max(usual, 1e-3);
    const double peak = std::min(std::max(kPeakOverUsual * usual, kLeastPeakUv), 1.3 * kAlwaysLoudUv);
    if (run.purity < kMeanPurity || loudest < peak) return;
    runs_.push_back(run);
  }

  std::vector<Seizure> Gather() {
    std::ranges::sort(runs_, {}, [](const Run& run) { return run.first; });
    std::vector<std::vector<Run>> groups;
    std::vector<size_t> ends;
    for (const Run& run : runs_) {
      if (!groups.empty() && run.first <= ends.back() + static_cast<size_t>(kJoinS)) {
        groups.back().push_back(run);
        ends.back() = std::max(ends.back(), run.last);
      } else {
        groups.push_back({run});
        ends.push_back(run.last);
      }
    }
    std::vector<Seizure> seizures;
    for (std::vector<Run>& group : groups) {
      if (const Seizure seizure = Describe(group); seizure.end_s > 0) seizures.push_back(seizure);
    }
    return seizures;
  }

  /// Without an end when the group does not evolve.
  static Seizure Describe(std::vector<Run>& group) {
    Seizure seizure;
    size_t first = group.front().first, last = 0;
    for (const Run& run : group) last = std::max(last, run.last);
    const size_t later = first + (last - first) / 5;
    size_t spread = 0;
    for (const Run& run : group) spread += run.first > later ? 1U : 0U;
    std::ranges::sort(group, std::ranges::greater(), [](const Run& run) {
      return run.level * static_cast<double>(run.Seconds());
    });
    const Run& main = group.front();
    if (!main.Evolves() && spread < kEvolvesRows) return seizure;
    for (const Run& run : group) {
      if (std::ranges::count(seizure.rows, run.row) == 0) seizure.rows.push_back(run.row);
    }
    // A segment of 2 s that is ictal begins at most half a second before what fills most of it.
    seizure.start_s = static_cast<double>(first) + 0.5;
    seizure.end_s = static_cast<double>(last) + 1.5;
    seizure.from_hz = main.from_hz;
    seizure.to_hz = main.to_hz;
    seizure.growth = main.growth;
    seizure.purity = main.purity;
    seizure.over_usual = main.over_usual;
    seizure.spread_rows = spread;
    return seizure;
  }

  const Survey& survey_;
  std::vector<Run> runs_;
};

}  // namespace

std::vector<Seizure> FindSeizures(const Survey& survey) { return SeizureFinder(survey).Find(); }

}  // namespace montage::analysis
