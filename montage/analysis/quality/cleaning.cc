#include "montage/analysis/quality/cleaning.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/quality/blink_removal.h"
#include "montage/analysis/quality/interpolation.h"
#include "montage/analysis/quality/local_rejection.h"
#include "montage/analysis/requirements.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {
namespace {

constexpr double kFadeSeconds = 0.1;

/// What is interpolated. Rows are EEG channels, as in the report.
struct Plan {
  std::vector<size_t> channels;       ///< in the recording, of each row
  std::vector<size_t> bad;            ///< rows
  std::vector<RepairedEpoch> epochs;  ///< by time
  uint64_t epoch_length = 0;          ///< samples
  uint64_t fade = 0;                  ///< samples
};

class InterpolatingSource final : public SampleSource {
 public:
  InterpolatingSource(SampleSource& original, Plan plan, ScalpInterpolator interpolator)
      : original_(original), plan_(std::move(plan)), interpolator_(std::move(interpolator)) {
    usual_ = interpolator_.Weights(plan_.bad);
  }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override {
    const auto row =
        static_cast<size_t>(std::ranges::find(plan_.channels, channel) - plan_.channels.begin());
    const auto bad = std::ranges::find(plan_.bad, row);
    if (bad == plan_.bad.end()) {
      TRY(original_.Read(channel, first, out, deadline));
    } else {
      const size_t index = static_cast<size_t>(bad - plan_.bad.begin());
      TRY(Interpolate(RowOf(usual_, index), first, out, deadline));
    }
    // The first epoch whose fade ends behind `first`.
    auto epoch = std::ranges::partition_point(plan_.epochs, [&](const RepairedEpoch& e) {
      return (e.epoch + 1) * plan_.epoch_length + plan_.fade <= first;
    });
    for (; epoch != plan_.epochs.end() &&
           epoch->epoch * plan_.epoch_length < first + out.size() + plan_.fade;
         ++epoch) {
      TRY(Repair(*epoch, row, first, out, deadline));
    }
    return {};
  }

 private:
  std::span<const double> RowOf(const std::vector<double>& weights, size_t index) const {
    return std::span(weights).subspan(index * interpolator_.rows(), interpolator_.rows());
  }

  base::Result<void> Interpolate(std::span<const double> weights, uint64_t first,
                                 std::span<double> out, base::Deadline deadline) {
    buffer_.resize(out.size());
    std::ranges::fill(out, 0.0);
    for (size_t row = 0; row < weights.size(); ++row) {
      if (weights[row] == 0.0) continue;
      TRY(original_.Read(plan_.channels[row], first, buffer_, deadline));
      for (size_t i = 0; i < out.size(); ++i) out[i] += weights[row] * buffer_[i];
    }
    return {};
  }

  /// Blends the row's stand-in into the part of `out` that the epoch and its fades cover.
  base::Result<void> Repair(const RepairedEpoch& epoch, size_t row, uint64_t first,
                            std::span<double> out, base::Deadline deadline) {
    std::vector<size_t> missing = epoch.interpolated;
    missing.insert(missing.end(), plan_.bad.begin(), plan_.bad.end());
    const auto at = std::ranges::find(missing, row);
    if (at == missing.end()) return {};
    const size_t index = static_cast<size_t>(at - missing.begin());
    std::ranges::copy_if(epoch.left, std::back_inserter(missing),
                         [&](size_t r) { return interpolator_.HasPosition(r); });
    const std::vector<double> weights = interpolator_.Weights(missing);
    if (weights.empty()) return {};
    const uint64_t start = epoch.epoch * plan_.epoch_length, end = start + plan_.epoch_length;
    const uint64_t from = std::max(first, start - std::min(start, plan_.fade));
    const uint64_t to = std::min(first + out.size(), end + plan_.fade);
    if (from >= to) return {};
    stand_in_.resize(to - from);
    TRY(Interpolate(RowOf(weights, index), from, stand_in_, deadline));
    for (uint64_t i = from; i < to; ++i) {
      const uint64_t outside = i < start ? start - i : i >= end ? i - end + 1 : 0;
      const double weight =
          1.0 - static_cast<double>(outside) / static_cast<double>(plan_.fade + 1);
      double& value = out[i - first];
      value += weight * (stand_in_[i - from] - value);
    }
    return {};
  }

  SampleSource& original_;
  Plan plan_;
  ScalpInterpolator interpolator_;
  std::vector<double> usual_;  ///< weights of the bad rows, in the order of plan_.bad
  std::vector<double> buffer_;
  std::vector<double> stand_in_;
};

}  // namespace

class Cleaner {
 public:
  explicit Cleaner(const RecordingView& recording)
      : recording_(recording), interpolator_(std::span<const std::optional<signal::Position>>()) {
    plan_.channels = CheckRecording(recording).eeg;
    if (plan_.channels.empty()) return;
    const auto positions = ComparablePositions(recording, plan_.channels);
    interpolator_ = ScalpInterpolator(positions);
  }

  base::Result<void> AddBad(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const size_t channel = recording_.IndexOf(name);
      if (channel == recording_.channels.size()) {
        return base::Fail(base::ErrorCode::kNotFound,
                          fmt::format("channel {} is not in the recording", name));
      }
      const auto at = std::ranges::find(plan_.channels, channel);
      const auto row = static_cast<size_t>(at - plan_.channels.begin());
      if (at == plan_.channels.end() || !interpolator_.HasPosition(row)) {
        cleaned_.left_bad_.push_back(name);
      } else if (0 == std::ranges::count(plan_.bad, row)) {
        plan_.bad.push_back(row);
        cleaned_.interpolated_.push_back(name);
      }
    }
    if (!plan_.bad.empty() && interpolator_.Weights(plan_.bad).empty()) {
      std::ranges::move(cleaned_.interpolated_, std::back_inserter(cleaned_.left_bad_));
      cleaned_.interpolated_.clear();
      plan_.bad.clear();
    }
    return {};
  }

  void AddEpochs(const QualityReport& report) {
    plan_.epochs = report.local.repaired;
    cleaned_.repaired_epochs_ = plan_.epochs.size();
    for (size_t row = 0; row < plan_.channels.size(); ++row) {
      if (!interpolator_.HasPosition(row)) continue;
      const double rate_hz = recording_.channels[plan_.channels[row]].rate_hz;
      plan_.epoch_length = static_cast<uint64_t>(std::llround(report.epoch_s * rate_hz));
      plan_.fade = static_cast<uint64_t>(std::llround(kFadeSeconds * rate_hz));
      break;
    }
  }

  base::Result<void> AddBlinks(const QualityReport& report, const Control& control) {
    TRY(auto model, FitBlinks(recording_, report, control));
    if (model.empty()) return {};
    cleaned_.removed_blinks_ = model.blinks.size();
    cleaned_.without_blinks_ = RemoveBlinks(*recording_.source, std::move(model));
    return {};
  }

  CleanedRecording Finish() {
    SampleSource& before =
        cleaned_.without_blinks_ ? *cleaned_.without_blinks_ : *recording_.source;
    cleaned_.source_ =
        std::make_unique<InterpolatingSource>(before, std::move(plan_), std::move(interpolator_));
    cleaned_.view_ = recording_;
    cleaned_.view_.source = cleaned_.source_.get();
    return std::move(cleaned_);
  }

 private:
  const RecordingView& recording_;
  ScalpInterpolator interpolator_;
  Plan plan_;
  CleanedRecording cleaned_;
};

base::Result<CleanedRecording> Clean(const RecordingView& recording, const QualityReport& report,
                                     const Control& control) {
  Cleaner cleaner(recording);
  TRY(cleaner.AddBad(report.bad_channels));
  cleaner.AddEpochs(report);
  TRY(cleaner.AddBlinks(report, control));
  return cleaner.Finish();
}

}  // namespace montage::analysis
