#include "montage/analysis/quality/blink_removal.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/scalp/electrodes.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kBeforePeak = 0.25, kAfterPeak = 0.35;  // s
constexpr double kTaper = 0.08;                          // s, at both ends
constexpr double kSmoothing = 0.04;                      // s, half a moving average, twice
constexpr double kLeastPeak = 40.0;                      // uV
constexpr double kPeakOverLargest = 0.4;                 // of the largest of its epochs
constexpr double kMostMerged = 10.0;                     // s
constexpr size_t kMostFitted = 300;                      // blinks
constexpr double kLeastShare = 0.1;
constexpr double kLeastCoupling = 0.05;

uint64_t SamplesOf(double seconds, double rate_hz) {
  return static_cast<uint64_t>(std::llround(seconds * rate_hz));
}

/// Moving average over 2 half + 1 samples, fewer at the ends.
void Smooth(std::vector<double>& x, size_t half) {
  std::vector<double> sums(x.size() + 1, 0.0);
  for (size_t i = 0; i < x.size(); ++i) sums[i + 1] = sums[i] + x[i];
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t from = i - std::min(i, half);
    const size_t to = std::min(x.size(), i + half + 1);
    x[i] = (sums[to] - sums[from]) / static_cast<double>(to - from);
  }
}

/// Subtracts the line through both ends and fades them to 0.
void Settle(std::span<double> x, double rate_hz) {
  if (x.size() < 2) return;
  const double first = x.front(), slope = (x.back() - first) / static_cast<double>(x.size() - 1);
  const size_t taper = std::min(x.size() / 2, static_cast<size_t>(kTaper * rate_hz));
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] -= first + slope * static_cast<double>(i);
    const size_t from_end = std::min(i, x.size() - 1 - i);
    if (from_end >= taper) continue;
    const double turn = static_cast<double>(from_end) / static_cast<double>(taper);
    x[i] *= 0.5 - 0.5 * std::cos(std::numbers::pi * turn);
  }
}

bool IsFinite(std::span<const double> x) {
  return std::ranges::all_of(x, [](double value) { return std::isfinite(value); });
}

/// Reads the mean of the front channels.
class Front {
 public:
  Front(SampleSource& source, const BlinkModel& model) : source_(source), model_(model) {}

  base::Result<std::vector<double>> Read(uint64_t first, size_t count, base::Deadline deadline) {
    std::vector<double> mean(count, 0.0);
    buffer_.resize(count);
    for (const size_t channel : model_.front) {
      TRY(source_.Read(channel, first, buffer_, deadline));
      for (size_t i = 0; i < count; ++i) {
        mean[i] += buffer_[i] / static_cast<double>(model_.front.size());
      }
    }
    const size_t half = SamplesOf(kSmoothing, model_.rate_hz);
    Smooth(mean, half);
    Smooth(mean, half);
    return mean;
  }

  /// 0 at both ends; all 0 when samples are missing.
  base::Result<std::vector<double>> CourseOf(const BlinkModel::Blink& blink,
                                             base::Deadline deadline) {
    TRY(auto course, Read(blink.first, blink.length, deadline));
    if (!IsFinite(course)) {
      std::ranges::fill(course, 0.0);
    } else {
      Settle(course, model_.rate_hz);
    }
    return course;
  }

 private:
  SampleSource& source_;
  const BlinkModel& model_;
  std::vector<double> buffer_;
};

class Fitting {
 public:
  Fitting(const RecordingView& recording, const QualityReport& report, const Control& control)
      : recording_(recording), report_(report), control_(control) {}

  base::Result<BlinkModel> Run() {
    model_.coupling.assign(recording_.channels.size(), 0.0);
    ChooseFront();
    if (model_.front.empty()) return std::move(model_);
    TRY(FindBlinks());
    TRY(FitCoupling());
    return std::move(model_);
  }

 private:
  /// Good channels near the eyes, sampled like the first of them.
  void ChooseFront() {
    const ArtifactMask& mask = report_.mask;
    for (size_t row = 0; row < mask.channels.size(); ++row) {
      bool blinks = false;
      for (size_t e = 0; e < mask.epochs; ++e) blinks |= mask.Has(row, e, Artifact::kBlink);
      if (!blinks || report_.channels[row].bad) continue;
      const Channel& channel = recording_.channels[mask.channels[row]];
      if (model_.front.empty()) {
        model_.rate_hz = channel.rate_hz;
        samples_ = channel.samples;
      }
      if (IsSampledAlike(channel)) {
        model_.front.push_back(mask.channels[row]);
        front_rows_.push_back(row);
      }
    }
  }

  bool IsSampledAlike(const Channel& channel) const {
    return channel.rate_hz == model_.rate_hz && channel.samples == samples_;
  }

  bool HasBlink(size_t epoch) const {
    return report_.local.labels[epoch] == EpochLabel::kGood &&
           std::ranges::any_of(front_rows_, [&](size_t row) {
             return report_.mask.Has(row, epoch, Artifact::kBlink);
           });
  }

  base::Result<void> FindBlinks() {
    const uint64_t epoch_length = SamplesOf(report_.epoch_s, model_.rate_hz);
    const uint64_t margin = SamplesOf(kBeforePeak + kAfterPeak, model_.rate_hz);
    Front front(*recording_.source, model_);
    std::vector<uint64_t> peaks;
    for (size_t e = 0; e < report_.epochs; ++e) {
      if (!HasBlink(e)) continue;
      TRY(control_.Check());
      const uint64_t start = e * epoch_length;
      const uint64_t first = start - std::min(start, margin);
      const uint64_t end = std::min(samples_, start + epoch_length + margin);
      TRY(const auto course, front.Read(first, end - first, control_.deadline));
      if (!IsFinite(course)) continue;
      for (const size_t peak : PeaksOf(course)) {
        const uint64_t at = first + peak;
        if (at >= start && at < start + epoch_length) peaks.push_back(at);
      }
    }
    Merge(peaks);
    return {};
  }

  /// Largest deflections of either sign, at least a blink's width apart.
  std::vector<size_t> PeaksOf(const std::vector<double>& course) const {
    std::vector<double> copy = course;
    const double level = signal::Median(copy);
    const auto size = [&](size_t i) { return std::abs(course[i] - level); };
    double largest = 0;
    for (size_t i = 0; i < course.size(); ++i) largest = std::max(largest, size(i));
    const double least = std::max(kLeastPeak, kPeakOverLargest * largest);
    const size_t apart = SamplesOf(kBeforePeak, model_.rate_hz);
    std::vector<size_t> peaks;
    for (size_t i = 0; i < course.size(); ++i) {
      if (size(i) < least) continue;
      if (!peaks.empty() && i - peaks.back() < apart) {
        if (size(i) > size(peaks.back())) peaks.back() = i;
        continue;
      }
      peaks.push_back(i);
    }
    return peaks;
  }

  void Merge(const std::vector<uint64_t>& peaks) {
    const uint64_t before = SamplesOf(kBeforePeak, model_.rate_hz);
    const uint64_t after = SamplesOf(kAfterPeak, model_.rate_hz);
    const uint64_t most = SamplesOf(kMostMerged, model_.rate_hz);
    for (const uint64_t peak : peaks) {
      uint64_t first = peak - std::min(peak, before);
      const uint64_t end = std::min(samples_, peak + after);
      if (!model_.blinks.empty()) {
        BlinkModel::Blink& last = model_.blinks.back();
        if (first <= last.first + last.length) {
          if (end - last.first <= most) {
            last.length = static_cast<uint32_t>(end - last.first);
            continue;
          }
          first = last.first + last.length;
        }
      }
      if (end > first) model_.blinks.push_back({first, static_cast<uint32_t>(end - first)});
    }
  }

  /// Least squares over evenly spaced blinks.
  base::Result<void> FitCoupling() {
    Front front(*recording_.source, model_);
    const size_t count = std::min(model_.blinks.size(), kMostFitted);
    double course_power = 0;
    std::vector<double> products(model_.coupling.size(), 0.0), powers(model_.coupling.size(), 0.0);
    std::vector<double> samples;
    for (size_t k = 0; k < count; ++k) {
      TRY(control_.Check());
      const BlinkModel::Blink& blink = model_.blinks[k * model_.blinks.size() / count];
      TRY(const auto course, front.CourseOf(blink, control_.deadline));
      for (const double value : course) course_power += value * value;
      samples.resize(blink.length);
      for (const size_t channel : report_.mask.channels) {
        if (!IsSampledAlike(recording_.channels[channel])) continue;
        TRY(recording_.source->Read(channel, blink.first, samples, control_.deadline));
        if (!IsFinite(samples)) continue;
        Settle(samples, model_.rate_hz);
        for (size_t i = 0; i < samples.size(); ++i) {
          products[channel] += samples[i] * course[i];
          powers[channel] += samples[i] * samples[i];
        }
      }
    }
    for (size_t c = 0; c < products.size(); ++c) {
      if (course_power <= 0.0 || powers[c] <= 0.0) continue;
      const double coupling = products[c] / course_power;
      const double share = products[c] * coupling / powers[c];
      if (share >= kLeastShare && std::abs(coupling) >= kLeastCoupling) {
        model_.coupling[c] = coupling;
      }
    }
    return {};
  }

  const RecordingView& recording_;
  const QualityReport& report_;
  const Control& control_;
  BlinkModel model_;
  std::vector<size_t> front_rows_;
  uint64_t samples_ = 0;
};

class BlinkRemovingSource final : public SampleSource {
 public:
  BlinkRemovingSource(SampleSource& original, BlinkModel model)
      : original_(original), model_(std::move(model)), front_(original_, model_) {}

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override {
    TRY(original_.Read(channel, first, out, deadline));
    const double coupling = model_.coupling[channel];
    if (coupling == 0.0) return {};
    const uint64_t end = first + out.size();
    auto blink = std::ranges::partition_point(
        model_.blinks, [&](const BlinkModel::Blink& b) { return b.first + b.length <= first; });
    for (; blink != model_.blinks.end() && blink->first < end; ++blink) {
      TRY(const auto course, front_.CourseOf(*blink, deadline));
      const uint64_t from = std::max(first, blink->first);
      const uint64_t to = std::min(end, blink->first + blink->length);
      for (uint64_t i = from; i < to; ++i) out[i - first] -= coupling * course[i - blink->first];
    }
    return {};
  }

 private:
  SampleSource& original_;
  BlinkModel model_;
  Front front_;
};

}  // namespace

base::Result<BlinkModel> FitBlinks(const RecordingView& recording, const QualityReport& report,
                                   const Control& control) {
  return Fitting(recording, report, control).Run();
}

std::unique_ptr<SampleSource> RemoveBlinks(SampleSource& original, BlinkModel model) {
  return std::make_unique<BlinkRemovingSource>(original, std::move(model));
}

}  // namespace montage::analysis
