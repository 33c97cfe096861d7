#include "montage/analysis/artifacts/component_activity.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/signal/filter/iir.h"

namespace montage::analysis {
namespace {

using Channels = std::vector<std::vector<double>>;

constexpr size_t kChunkBins = 64;  // 16 s
constexpr double kMuscleFromHz = 20, kLineHalfBandHz = 2;
/// Channels where a component's field is at least this part of its strongest are named.
constexpr double kNamedField = 0.3;

/// How a label's activity is measured and from where on it counts.
struct ActivityRule {
  bool by_peak;  ///< largest deflection of a bin; else root mean square
  double limit_uv;
  double gap_s = kActivityGapS;
};

/// What is looked at besides the high-pass that all sources pass: a component holds some of the
/// brain below it, which must not count as muscle or mains.
base::Result<signal::Sections> BandOf(ComponentLabel label, double line_hz, double rate_hz) {
  if (label == ComponentLabel::kMuscle && kMuscleFromHz < 0.5 * rate_hz) {
    return signal::Butterworth(4, signal::Band::kHighPass, {.low = kMuscleFromHz}, rate_hz);
  }
  if (label == ComponentLabel::kLine && line_hz + kLineHalfBandHz < 0.5 * rate_hz) {
    return signal::Butterworth(2, signal::Band::kBandPass,
                               {line_hz - kLineHalfBandHz, line_hz + kLineHalfBandHz}, rate_hz);
  }
  return signal::Sections();
}

ActivityRule RuleOf(ComponentLabel label) {
  switch (label) {
    case ComponentLabel::kEye:
      return {true, kEyeDeflection};
    case ComponentLabel::kMuscle:
      return {false, kMuscleRms};
    case ComponentLabel::kCardiac:
      return {true, kCardiacDeflection, kCardiacGapS};
    case ComponentLabel::kLine:
      return {false, kLineRms};
    default:
      return {true, kChannelDeflection};
  }
}

double LargestMagnitude(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

double MeanSquare(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

/// The rows of the model that are artifacts, alone.
signal::IcaModel Part(const signal::IcaModel& model, std::span<const size_t> components) {
  signal::IcaModel part{.means = model.means};
  part.unmixing = signal::Matrix::Zero(components.size(), model.channels());
  for (size_t k = 0; k < components.size(); ++k) {
    std::ranges::copy(model.unmixing.Row(components[k]),
                      part.unmixing.values.begin() + static_cast<ptrdiff_t>(k * model.channels()));
  }
  return part;
}

/// Runs over the recording once and keeps a number a bin of each component.
class Follower {
 public:
  Follower(const RecordingView& recording, const DecompositionInput& input,
           const signal::IcaModel& part, const signal::Sections& high_pass,
           std::span<const signal::Sections> bands, const Control& control)
      : recording_(recording), input_(input), part_(part), control_(control) {
    bin_ = std::max<size_t>(static_cast<size_t>(kActivityBinS * input.rate_hz), 1);
    const auto bins = static_cast<size_t>(input.samples / bin_);
    peaks_.assign(part.components(), std::vector<float>(bins, 0.0F));
    deviations_ = peaks_;
    products_ = signal::Matrix::Zero(part.components(), part.components());
    for (const signal::Sections& band : bands) {
      filters_.emplace_back(high_pass);
      bands_.emplace_back(band);
    }
  }

  base::Result<void> Run() {
    const size_t bins = peaks_.front().size();
    for (size_t first = 0; first < bins; first += kChunkBins) {
      TRY(control_.Check());
      const size_t count = std::min(kChunkBins, bins - first);
      TRY(ReadSources(first * bin_, count * bin_));
      for (size_t k = 0; k < sources_.size(); ++k) TRY(filters_[k].Process(sources_[k]));
      AddProducts();
      for (size_t k = 0; k < sources_.size(); ++k) {
        TRY(bands_[k].Process(sources_[k]));
        for (size_t b = 0; b < count; ++b) {
          const auto bin = std::span<const double>(sources_[k]).subspan(b * bin_, bin_);
          peaks_[k][first + b] = static_cast<float>(LargestMagnitude(bin));
          deviations_[k][first + b] = static_cast<float>(std::sqrt(MeanSquare(bin)));
        }
      }
      control_.Report(static_cast<double>(first + count) / static_cast<double>(bins));
    }
    return {};
  }

  double bin_s() const { return static_cast<double>(bin_) / input_.rate_hz; }
  std::span<const float> Values(size_t k, bool by_peak) const {
    return by_peak ? peaks_[k] : deviations_[k];
  }
  /// E[s s'] over the recording.
  const signal::Matrix& products() const { return products_; }
  double samples() const { return static_cast<double>(peaks_.front().size() * bin_); }

 private:
  base::Result<void> ReadSources(uint64_t first, size_t length) {
    channels_.resize(input_.channels.size());
    for (size_t c = 0; c < channels_.size(); ++c) {
      channels_[c].resize(length);
      TRY(recording_.source->Read(input_.channels[c], first, channels_[c], control_.deadline));
      for (double& value : channels_[c]) value = std::isfinite(value) ? value : part_.means[c];
    }
    sources_.resize(part_.components());
    for (auto& source : sources_) source.resize(length);
    const std::vector<std::span<const double>> inputs(channels_.begin(), channels_.end());
    const std::vector<std::span<double>> outputs(sources_.begin(), sources_.end());
    signal::Sources(part_, inputs, outputs);
    if (first == 0) {
      for (size_t k = 0; k < sources_.size(); ++k) {
        filters_[k].Settle(std::span<const double>(sources_[k]).first(1));
      }
    }
    return {};
  }

  void AddProducts() {
    for (size_t i = 0; i < sources_.size(); ++i) {
      for (size_t j = 0; j <= i; ++j) {
        double sums[4] = {};
        for (size_t t = 0; t < sources_[i].size(); ++t) {
          sums[t % 4] += sources_[i][t] * sources_[j][t];
        }
        products_(i, j) += (sums[0] + sums[1]) + (sums[2] + sums[3]);
        products_(j, i) = products_(i, j);
      }
    }
  }

  const RecordingView& recording_;
  const DecompositionInput& input_;
  const signal::IcaModel& part_;
  const Control& control_;
  size_t bin_ = 1;
  std::vector<signal::SosFilter> filters_, bands_;
  std::vector<std::vector<float>> peaks_, deviations_;
  signal::Matrix products_;
  Channels channels_, sources_;
};

/// Bins at the limit and above, pauses up to the gap bridged.
std::vector<ArtifactFinding> JoinBins(std::span<const float> values, double scale, double bin_s,
                                      double gap_s) {
  const auto gap = static_cast<size_t>(gap_s / bin_s);
  std::vector<ArtifactFinding> findings;
  size_t last = 0;
  for (size_t b = 0; b < values.size(); ++b) {
    const double ratio = scale * static_cast<double>(values[b]);
    if (ratio < 1.0) continue;
    if (findings.empty() || b - last > gap) {
      findings.push_back({.start_s = bin_s * static_cast<double>(b)});
    }
    findings.back().end_s = bin_s * static_cast<double>(b + 1);
    findings.back().score = std::max(findings.back().score, ratio);
    last = b;
  }
  return findings;
}

std::vector<std::string> ChannelsOf(const RecordingView& recording, const DecompositionInput& input,
                                    std::span<const double> field) {
  const double largest = LargestMagnitude(field);
  std::vector<std::string> names;
  for (size_t c = 0; c < field.size(); ++c) {
    if (std::abs(field[c]) >= kNamedField * largest) {
      names.push_back(recording.channels[input.channels[c]].name);
    }
  }
  return names;
}

}  // namespace

base::Result<ComponentActivity> FollowArtifacts(const RecordingView& recording,
                                                const DecompositionInput& input,
                                                Decomposition& decomposition, double line_hz,
                                                const FitLimits& limits, const Control& control) {
  ComponentActivity activity;
  std::vector<size_t> artifacts;
  for (size_t k = 0; k < decomposition.components.size(); ++k) {
    if (decomposition.components[k].label != ComponentLabel::kOther) artifacts.push_back(k);
  }
  const auto bin = std::max(static_cast<uint64_t>(kActivityBinS * input.rate_hz), uint64_t{1});
  activity.bins = static_cast<size_t>(input.samples / bin);
  if (artifacts.empty() || activity.bins == 0) return activity;
  const signal::IcaModel part = Part(decomposition.model, artifacts);
  TRY(const auto high_pass,
      signal::Butterworth(2, signal::Band::kHighPass, {.low = limits.high_pass_hz}, input.rate_hz));
  std::vector<signal::Sections> bands;
  for (const size_t k : artifacts) {
    TRY(auto band, BandOf(decomposition.components[k].label, line_hz, input.rate_hz));
    bands.push_back(std::move(band));
  }
  Follower follower(recording, input, part, high_pass, bands, control);
  TRY(follower.Run());
  for (size_t i = 0; i < artifacts.size(); ++i) {
    ComponentReport& component = decomposition.components[artifacts[i]];
    const ActivityRule rule = RuleOf(component.label);
    const double scale = LargestMagnitude(component.topography) / rule.limit_uv;
    auto findings = JoinBins(follower.Values(i, rule.by_peak), scale, follower.bin_s(), rule.gap_s);
    const auto names = ChannelsOf(recording, input, component.topography);
    for (ArtifactFinding& finding : findings) {
      finding.kind = ToString(component.label);
      finding.channels = names;
      component.active_fraction += (finding.end_s - finding.start_s) /
                                   (follower.bin_s() * static_cast<double>(activity.bins));
      activity.findings.push_back(std::move(finding));
    }
    for (size_t j = 0; j < artifacts.size(); ++j) {
      double together = 0;
      for (size_t c = 0; c < component.topography.size(); ++c) {
        together += component.topography[c] * decomposition.components[artifacts[j]].topography[c];
      }
      activity.removed_uv2 += together * follower.products()(i, j) / follower.samples();
    }
  }
  return activity;
}

}  // namespace montage::analysis
