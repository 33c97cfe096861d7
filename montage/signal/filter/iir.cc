#include "montage/signal/filter/iir.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/filter/cascade.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

using Inputs = std::span<const std::span<const double>>;
using Outputs = std::span<const std::span<double>>;

/// The odd extension of both ends, frame by frame: 2 x[0] - x[k] before the samples and
/// 2 x[n-1] - x[n-1-k] after them. Lanes without a channel repeat the first.
struct Extension {
  Extension(Inputs channels, size_t padding, size_t width)
      : before(padding * width), after(padding * width) {
    for (size_t l = 0; l < width; ++l) {
      const auto x = channels[l < channels.size() ? l : 0];
      for (size_t i = 0; i < padding; ++i) {
        before[i * width + l] = 2.0 * x.front() - x[padding - i];
        after[i * width + l] = 2.0 * x.back() - x[x.size() - 2 - i];
      }
    }
  }

  std::vector<double> before;
  std::vector<double> after;
};

/// Forward and backward over the middle, which is Columns or Rows, and what extends it. False when
/// the forward pass met what is not a number; the backward pass is left out then.
template <typename Middle>
bool FilterBothWays(const Cascade& cascade, Extension& extension, size_t width,
                    const Middle& forward, const Middle& backward, size_t count) {
  const Columns before{extension.before.data(), width, width};
  const Columns after{extension.after.data(), width, width};
  const size_t padding = extension.before.size() / width;
  std::vector<double> state(cascade.StateSize(width));
  cascade.Settle(std::span(extension.before).first(width), state);
  cascade.Forward(before, padding, state.data());
  cascade.Forward(forward, count, state.data());
  cascade.Forward(after, padding, state.data());
  if (!std::ranges::all_of(state, [](double value) { return std::isfinite(value); })) return false;
  cascade.Settle(std::span(extension.after).last(width), state);
  cascade.Backward(after, padding, state.data());
  cascade.Backward(backward, count, state.data());
  return true;
}

/// One to eight channels, one lane each: the forward pass writes to the outputs and the backward
/// pass works there, so that no memory but the extension is needed. False as FilterBothWays.
bool FilterGroup(const Cascade& cascade, size_t padding, Inputs inputs, Outputs outputs) {
  const size_t width = inputs.size() == 1 ? 1 : inputs.size() <= kQuad ? kQuad : kOct;
  const size_t count = inputs.front().size();
  Extension extension(inputs, padding, width);
  if (width == 1) {
    double* samples = outputs.front().data();
    if (inputs.front().data() != samples) std::ranges::copy(inputs.front(), samples);
    const Columns column{samples, 1, 1};
    return FilterBothWays(cascade, extension, width, column, column, count);
  }
  Rows forward{.width = width, .turned = inputs.size() == width, .in = {}, .out = {}};
  Rows backward = forward;
  for (size_t l = 0; l < width; ++l) {
    const size_t channel = l < inputs.size() ? l : 0;
    forward.in[l] = inputs[channel].data();
    backward.in[l] = backward.out[l] = forward.out[l] = outputs[channel].data();
  }
  return FilterBothWays(cascade, extension, width, forward, backward, count);
}

/// Whether what is not a number stays in the state of these sections once it came in.
bool Remembers(std::span<const Biquad> sections) {
  return std::ranges::any_of(sections, [](const Biquad& s) { return s.a1 != 0.0 || s.a2 != 0.0; });
}

}  // namespace

/// Lanes in columns of eight as long as there are eight, then one by one.
struct SosFilter::Lanes {
  explicit Lanes(std::span<const Biquad> sections, size_t count) : cascade(sections) {
    for (size_t first = 0; first < count;) {
      const size_t width = count - first >= kOct ? kOct : 1;
      columns.push_back({first, width, std::vector<double>(cascade.StateSize(width), 0.0)});
      first += width;
    }
  }

  struct Column {
    size_t first;
    size_t width;
    std::vector<double> state;
  };
  Cascade cascade;
  std::vector<Column> columns;
};

SosFilter::SosFilter(std::span<const Biquad> sections, size_t lanes)
    : lane_count_(lanes), lanes_(std::make_unique<Lanes>(sections, lanes)) {
  assert(lanes > 0);
}
SosFilter::~SosFilter() = default;
SosFilter::SosFilter(SosFilter&&) noexcept = default;
SosFilter& SosFilter::operator=(SosFilter&&) noexcept = default;

base::Result<void> SosFilter::Process(std::span<double> samples) {
  assert(samples.size() % lane_count_ == 0);
  TRY(CheckFinite(samples));
  for (auto& column : lanes_->columns) {
    lanes_->cascade.Forward({samples.data() + column.first, lane_count_, column.width},
                            samples.size() / lane_count_, column.state.data());
  }
  return {};
}

void SosFilter::Reset() {
  for (auto& column : lanes_->columns) std::ranges::fill(column.state, 0.0);
}

void SosFilter::Settle(std::span<const double> level) {
  assert(level.size() == lane_count_);
  for (auto& column : lanes_->columns) {
    lanes_->cascade.Settle(level.subspan(column.first, column.width), column.state);
  }
}

size_t ZeroPhasePadding(std::span<const Biquad> sections) {
  const auto zeros = std::ranges::count(sections, 0.0, &Biquad::b2);
  const auto poles = std::ranges::count(sections, 0.0, &Biquad::a2);
  return 3 * (2 * sections.size() + 1 - static_cast<size_t>(std::min(zeros, poles)));
}

base::Result<void> FilterZeroPhase(std::span<const Biquad> sections, std::span<double> samples) {
  return FilterZeroPhase(sections, std::span<const std::span<double>>(&samples, 1));
}

base::Result<void> FilterZeroPhase(std::span<const Biquad> sections, Outputs channels) {
  const std::vector<std::span<const double>> inputs(channels.begin(), channels.end());
  return FilterZeroPhase(sections, inputs, channels);
}

base::Result<void> FilterZeroPhase(std::span<const Biquad> sections, Inputs inputs,
                                   Outputs outputs) {
  assert(inputs.size() == outputs.size());
  if (inputs.empty()) return {};
  const size_t padding = ZeroPhasePadding(sections);
  const size_t n = inputs.front().size();
  if (n <= padding) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for zero-phase filtering, expected more "
                                  "than {}",
                                  n, padding));
  }
  // Sections with feedback keep what is not a number in their state, which is looked at instead of
  // reading every sample once more; unless the samples will be overwritten by then.
  const bool remembers = Remembers(sections);
  for (size_t c = 0; c < inputs.size(); ++c) {
    assert(inputs[c].size() == n && outputs[c].size() == n);
    if (!remembers || inputs[c].data() == outputs[c].data()) TRY(CheckFinite(inputs[c]));
  }
  const Cascade cascade(sections);
  for (size_t first = 0; first < inputs.size(); first += kOct) {
    const size_t count = std::min(kOct, inputs.size() - first);
    if (FilterGroup(cascade, padding, inputs.subspan(first, count),
                    outputs.subspan(first, count))) {
      continue;
    }
    for (size_t c = first; c < first + count; ++c) {
      if (inputs[c].data() != outputs[c].data()) TRY(CheckFinite(inputs[c]));
    }
    return base::Fail(
        base::Error{.code = base::ErrorCode::kInvalid,
                    .message = "the filtered samples are beyond the range of numbers",
                    .hint = "the filter is unstable or the samples are too large: check both"});
  }
  return {};
}

}  // namespace montage::signal
