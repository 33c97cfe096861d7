#include "montage/signal/filter/zero_phase_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/finite.h"

namespace montage::signal {
namespace {

constexpr size_t kShortestChunk = 4096;

/// Least m with 2 sum over k >= m of |h[k]| <= tolerance: the impulse response is run until its
/// state could not add to the sum any more.
base::Result<size_t> OverlapFor(const Cascade& cascade, double tolerance) {
  std::vector<double> state(cascade.StateSize(1), 0.0);
  std::vector<double> response;
  constexpr size_t kStep = 1024;
  double largest = 0.0;
  while (response.size() < 2 * ZeroPhaseStream::kLongestOverlap) {
    const size_t from = response.size();
    response.resize(from + kStep, 0.0);
    if (from == 0) response.front() = 1.0;
    cascade.Forward({response.data() + from, 1, 1}, kStep, state.data());
    double recent = 0.0;
    for (size_t k = from; k < response.size(); ++k)
      recent = std::max(recent, std::abs(response[k]));
    if (!std::isfinite(recent)) break;
    largest = std::max(largest, recent);
    // A decaying response: what follows is far below the tolerance.
    if (recent > 1e-9 * tolerance * std::max(largest, 1e-300)) continue;
    double sum = 0.0;
    size_t m = response.size();
    while (m > 0 && 2.0 * (sum + std::abs(response[m - 1])) <= tolerance) {
      sum += std::abs(response[--m]);
    }
    if (m <= ZeroPhaseStream::kLongestOverlap) return m;
    break;
  }
  return base::Fail(base::Error{
      .code = base::ErrorCode::kInvalid,
      .message = fmt::format("the filter remembers more than {} samples at a tolerance of {}",
                             ZeroPhaseStream::kLongestOverlap, tolerance),
      .hint = "raise the lowest edge, lower the order, or resample to a lower rate first"});
}

}  // namespace

ZeroPhaseStream::ZeroPhaseStream(std::span<const Biquad> sections, size_t overlap)
    : cascade_(sections),
      padding_(ZeroPhasePadding(sections)),
      overlap_(overlap),
      chunk_(std::max(4 * overlap, kShortestChunk)),
      state_(cascade_.StateSize(1)) {}

base::Result<ZeroPhaseStream> ZeroPhaseStream::Make(std::span<const Biquad> sections,
                                                    double tolerance) {
  if (!(tolerance > 0.0)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("tolerance {} is not positive", tolerance));
  }
  TRY(const size_t overlap, OverlapFor(Cascade(sections), tolerance));
  return ZeroPhaseStream(sections, overlap);
}

base::Result<void> ZeroPhaseStream::Push(std::span<const double> samples,
                                         std::vector<double>& out) {
  TRY(CheckFinite(samples));
  if (!begun_) {
    const size_t count = std::min(samples.size(), padding_ + 1 - head_.size());
    head_.insert(head_.end(), samples.begin(), samples.begin() + static_cast<ptrdiff_t>(count));
    samples = samples.subspan(count);
    if (head_.size() <= padding_) return {};
    Begin();
  }
  Advance(samples);
  EmitChunks(out);
  return {};
}

/// The forward pass over the odd extension of the beginning, then over the samples held back.
void ZeroPhaseStream::Begin() {
  begun_ = true;
  work_.resize(padding_);
  for (size_t i = 0; i < padding_; ++i) work_[i] = 2.0 * head_.front() - head_[padding_ - i];
  cascade_.Settle(std::span(work_).first(1), state_);
  cascade_.Forward({work_.data(), 1, 1}, padding_, state_.data());
  Advance(std::exchange(head_, {}));
}

void ZeroPhaseStream::Advance(std::span<const double> samples) {
  const size_t from = forward_.size();
  forward_.insert(forward_.end(), samples.begin(), samples.end());
  cascade_.Forward({forward_.data() + from, 1, 1}, samples.size(), state_.data());
  const size_t kept = std::min(samples.size(), padding_ + 1);
  tail_.insert(tail_.end(), samples.end() - static_cast<ptrdiff_t>(kept), samples.end());
  if (tail_.size() > padding_ + 1) {
    tail_.erase(tail_.begin(), tail_.end() - static_cast<ptrdiff_t>(padding_ + 1));
  }
}

void ZeroPhaseStream::EmitChunks(std::vector<double>& out) {
  size_t done = 0;
  std::vector<double> state(state_.size());
  while (forward_.size() - done >= chunk_ + overlap_) {
    const auto begin = forward_.begin() + static_cast<ptrdiff_t>(done);
    work_.assign(begin, begin + static_cast<ptrdiff_t>(chunk_ + overlap_));
    cascade_.Settle(std::span(work_).last(1), state);
    cascade_.Backward({work_.data(), 1, 1}, work_.size(), state.data());
    out.insert(out.end(), work_.begin(), work_.begin() + static_cast<ptrdiff_t>(chunk_));
    done += chunk_;
  }
  forward_.erase(forward_.begin(), forward_.begin() + static_cast<ptrdiff_t>(done));
}

base::Result<void> ZeroPhaseStream::Finish(std::vector<double>& out) {
  const size_t received = head_.size();
  const bool begun = std::exchange(begun_, false);
  head_.clear();
  if (!begun) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for zero-phase filtering, expected more "
                                  "than {}",
                                  received, padding_));
  }
  work_.resize(padding_);
  for (size_t i = 0; i < padding_; ++i) work_[i] = 2.0 * tail_.back() - tail_[padding_ - 1 - i];
  cascade_.Forward({work_.data(), 1, 1}, padding_, state_.data());
  cascade_.Settle(std::span(work_).last(1), state_);
  cascade_.Backward({work_.data(), 1, 1}, padding_, state_.data());
  cascade_.Backward({forward_.data(), 1, 1}, forward_.size(), state_.data());
  out.insert(out.end(), forward_.begin(), forward_.end());
  forward_.clear();
  tail_.clear();
  return {};
}

}  // namespace montage::signal
