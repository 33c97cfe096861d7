#include "montage/signal/connectivity/pair_connectivity.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

/// Samples of all channels that are compared at a time: those of 64 channels stay in a second level
/// cache.
constexpr size_t kBlock = 512;

using QuadBits [[gnu::vector_size(32)]] = int64_t;

double Sum(const Quad& v) { return (v[0] + v[1]) + (v[2] + v[3]); }

/// Of an envelope that varies by less than this, relative to its mean, the variation is rounding.
constexpr double kConstant = 1e-10;

/// Sines below this are the rounding of equal or opposite phases, as those of scaled copies.
constexpr double kSamePhase = 1e-10;

double Ratio(double value, double over) { return over > 0.0 ? value / over : 0.0; }

}  // namespace

struct PairAverager::Views {
  const double* cosine;
  const double* sine;
  const double* envelope;
  const double* centred;
};

// With u the unit phasors, a the envelopes and s = Im(u conj(u')):
//   cosine, sine      sum u conj(u')
//   sign              sum sign s
//   cross             sum a a' s, the imaginary part of the cross-product, and of its magnitude
//   envelopes         sum (a - mean a) (a' - mean a')
//   first             sum a |s|: the first envelope without what is in phase with the second
//   second            sum a' |s|
MONTAGE_SIMD_CLONES void PairAverager::AddBlock(const Views& first, const Views& second,
                                                size_t quads, Sums& sums) {
  constexpr int64_t kMagnitude = INT64_MAX;
  Quad cosine{}, sine{}, cross{}, cross_magnitude{}, envelopes{};
  Quad first_sum{}, first_square{}, second_sum{}, second_square{};
  QuadBits sign{};
  for (size_t i = 0; i < quads * kQuad; i += kQuad) {
    const Quad x = In<Quad>(first.cosine + i).v, y = In<Quad>(first.sine + i).v;
    const Quad v = In<Quad>(second.cosine + i).v, w = In<Quad>(second.sine + i).v;
    const Quad difference = y * v - x * w;
    const Quad size = reinterpret_cast<Quad>(reinterpret_cast<QuadBits>(difference) & kMagnitude);
    const QuadBits lags = size > kSamePhase;  // -1 where true
    const Quad s = reinterpret_cast<Quad>(reinterpret_cast<QuadBits>(difference) & lags);
    const Quad magnitude = reinterpret_cast<Quad>(reinterpret_cast<QuadBits>(size) & lags);
    cosine += x * v + y * w;
    sine += difference;
    sign += (s < 0.0) - (s > 0.0);
    const Quad a = In<Quad>(first.envelope + i).v, b = In<Quad>(second.envelope + i).v;
    const Quad only_first = a * magnitude, only_second = b * magnitude;
    cross += a * b * s;
    cross_magnitude += a * only_second;
    first_sum += only_first;
    first_square += only_first * only_first;
    second_sum += only_second;
    second_square += only_second * only_second;
    envelopes += In<Quad>(first.centred + i).v * In<Quad>(second.centred + i).v;
  }
  sums.cosine += Sum(cosine);
  sums.sine += Sum(sine);
  sums.sign += static_cast<double>(sign[0] + sign[1] + sign[2] + sign[3]);
  sums.cross += Sum(cross);
  sums.cross_magnitude += Sum(cross_magnitude);
  sums.envelopes += Sum(envelopes);
  sums.first += Sum(first_sum);
  sums.first_square += Sum(first_square);
  sums.second += Sum(second_sum);
  sums.second_square += Sum(second_square);
}

size_t PairIndex(size_t a, size_t b, size_t channels) {
  assert(a < b && b < channels);
  return a * channels - a * (a + 1) / 2 + b - a - 1;
}

PairAverager::PairAverager(size_t channels) : channels_(channels), rows_(channels) {
  Finish();
  sums_.resize(totals_.pairs());
}

void PairAverager::Load(const AnalyticChannels& analytic, size_t channel) {
  const auto real = analytic.Real(channel), imaginary = analytic.Imaginary(channel);
  const size_t padded = (analytic.samples + kQuad - 1) / kQuad * kQuad;
  Row& row = rows_[channel];
  for (auto* values : {&row.cosine, &row.sine, &row.envelope, &row.centred}) {
    values->assign(padded, 0.0);
  }
  for (size_t i = 0; i < analytic.samples; ++i) {
    const double envelope = std::sqrt(real[i] * real[i] + imaginary[i] * imaginary[i]);
    row.envelope[i] = envelope;
    row.cosine[i] = Ratio(real[i], envelope);
    row.sine[i] = Ratio(imaginary[i], envelope);
  }
  const auto envelope = std::span(row.envelope).first(analytic.samples);
  row.mean = Mean(envelope);
  for (size_t i = 0; i < analytic.samples; ++i) row.centred[i] = envelope[i] - row.mean;
  const auto samples = static_cast<double>(analytic.samples);
  row.norm = RootMeanSquare(std::span(row.centred).first(analytic.samples)) * std::sqrt(samples);
  if (row.norm <= kConstant * row.mean * std::sqrt(samples)) row.norm = 0.0;
}

void PairAverager::AddEpoch(size_t pair, const Row& first, const Row& second, const Sums& sums,
                            double samples) {
  totals_.phase_locking[pair] += std::hypot(sums.cosine, sums.sine) / samples;
  totals_.phase_lag[pair] += std::abs(sums.sign) / samples;
  totals_.weighted_phase_lag[pair] += Ratio(std::abs(sums.cross), sums.cross_magnitude);
  const double cross = sums.cross / samples;
  crosses_[pair].sum += cross;
  crosses_[pair].magnitude += std::abs(cross);
  crosses_[pair].square += cross * cross;
  totals_.envelope_correlation[pair] += Ratio(sums.envelopes, first.norm * second.norm);

  // Each envelope against what is left of the other.
  const auto correlation = [&](const Row& whole, double sum, double square) {
    const double spread = square - sum * sum / samples;
    if (spread <= kConstant * square) return 0.0;
    const double covariance = sums.cross_magnitude - whole.mean * sum;
    return std::min(1.0, std::abs(Ratio(covariance, whole.norm * std::sqrt(spread))));
  };
  totals_.orthogonal_envelope_correlation[pair] +=
      0.5 * (correlation(first, sums.second, sums.second_square) +
             correlation(second, sums.first, sums.first_square));
}

void PairAverager::Add(const AnalyticChannels& analytic) {
  assert(analytic.channels == channels_ && analytic.samples > 0);
  for (size_t c = 0; c < channels_; ++c) Load(analytic, c);
  std::ranges::fill(sums_, Sums{});
  const size_t padded = rows_.empty() ? 0 : rows_.front().cosine.size();
  const auto views = [&](const Row& row, size_t first) {
    const auto at = [first](const std::vector<double>& values) { return values.data() + first; };
    return Views{at(row.cosine), at(row.sine), at(row.envelope), at(row.centred)};
  };
  for (size_t first = 0; first < padded; first += kBlock) {
    const size_t quads = std::min(kBlock, padded - first) / kQuad;
    size_t pair = 0;
    for (size_t a = 0; a < channels_; ++a) {
      const Views one = views(rows_[a], first);
      for (size_t b = a + 1; b < channels_; ++b, ++pair) {
        AddBlock(one, views(rows_[b], first), quads, sums_[pair]);
      }
    }
  }
  size_t pair = 0;
  for (size_t a = 0; a < channels_; ++a) {
    for (size_t b = a + 1; b < channels_; ++b, ++pair) {
      AddEpoch(pair, rows_[a], rows_[b], sums_[pair], static_cast<double>(analytic.samples));
    }
  }
  ++totals_.epochs;
}

Connectivity PairAverager::Finish() {
  const size_t pairs = channels_ * (channels_ - 1) / 2;
  Connectivity fresh;
  fresh.channels = channels_;
  for (auto* values : {&fresh.phase_locking, &fresh.phase_lag, &fresh.weighted_phase_lag,
                       &fresh.debiased_phase_lag_squared, &fresh.envelope_correlation,
                       &fresh.orthogonal_envelope_correlation}) {
    values->assign(pairs, 0.0);
  }
  Connectivity averages = std::exchange(totals_, std::move(fresh));
  const auto crosses = std::exchange(crosses_, std::vector<Crosses>(pairs));
  if (averages.epochs == 0) return averages;
  const auto epochs = static_cast<double>(averages.epochs);
  for (auto* values : {&averages.phase_locking, &averages.phase_lag, &averages.weighted_phase_lag,
                       &averages.envelope_correlation, &averages.orthogonal_envelope_correlation}) {
    for (double& value : *values) value /= epochs;
  }
  for (size_t pair = 0; averages.epochs > 1 && pair < pairs; ++pair) {
    const Crosses& of = crosses[pair];
    averages.debiased_phase_lag_squared[pair] =
        Ratio(of.sum * of.sum - of.square, of.magnitude * of.magnitude - of.square);
  }
  return averages;
}

base::Result<Connectivity> ConnectivityInBand(std::span<const std::span<const double>> channels,
                                              double rate_hz, const ConnectivityOptions& options) {
  if (channels.size() < 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} channels, expected at least two", channels.size()));
  }
  const size_t length = std::ranges::min(channels, {}, &std::span<const double>::size).size();
  if (options.epoch < 2 || options.epoch > length) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("epochs of {} samples, expected 2 to {}, the length of the "
                                  "channels",
                                  options.epoch, length));
  }
  for (const auto& channel : channels) {
    if (channel.size() != length) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("channels of {} and {} samples, expected equal lengths", length,
                                    channel.size()));
    }
    TRY(CheckFinite(channel));
  }
  PairAverager averager(channels.size());
  for (size_t first = 0; first + options.epoch <= length; first += options.epoch) {
    const size_t before = std::min(options.margin, first);
    const size_t after = std::min(options.margin, length - first - options.epoch);
    std::vector<std::span<const double>> epoch;
    for (const auto& channel : channels) {
      epoch.push_back(channel.subspan(first - before, before + options.epoch + after));
    }
    TRY(const auto analytic,
        AnalyticInBand(
            epoch, rate_hz,
            {.band = options.band, .order = options.order, .before = before, .after = after}));
    averager.Add(analytic);
  }
  return averager.Finish();
}

}  // namespace montage::signal
