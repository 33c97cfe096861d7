// Every linear step against SciPy's numbers on committed vectors.

#include <algorithm>
#include <array>
#include <complex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/scalp/spherical_spline.h"
#include "montage/signal/spectrogram.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/statistics.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

namespace json = boost::json;

Edges EdgesOf(const json::value& value) {
  const auto edges = Numbers(value);
  return {edges.front(), edges.size() > 1 ? edges[1] : 0.0};
}

std::vector<double> First(const std::vector<double>& samples, size_t count) {
  return {samples.begin(), samples.begin() + static_cast<ptrdiff_t>(count)};
}

TEST(ScipyVectors, RealTransformOfAnyLength) {
  for (const auto& entry : ReadVectors("fft").at("rfft").as_array()) {
    const auto x = Numbers(entry.at("x"));
    RealFft fft(x.size());
    std::vector<double> real(fft.bins()), imaginary(fft.bins());
    fft.Forward(x, real, imaginary);
    std::vector<double> both = real, expected = Numbers(entry.at("real"));
    both.insert(both.end(), imaginary.begin(), imaginary.end());
    for (const double value : Numbers(entry.at("imaginary"))) expected.push_back(value);
    EXPECT_LT(RelativeError(both, expected), kAgreement) << "length " << x.size();
    std::vector<double> back(x.size());
    fft.Inverse(real, imaginary, back);
    EXPECT_LT(RelativeError(back, x), kAgreement) << "length " << x.size();
  }
}

TEST(ScipyVectors, Envelope) {
  for (const auto& entry : ReadVectors("fft").at("hilbert").as_array()) {
    const auto envelope = Envelope(Numbers(entry.at("x")));
    ASSERT_TRUE(envelope.has_value());
    EXPECT_LT(RelativeError(*envelope, Numbers(entry.at("envelope"))), kAgreement);
  }
}

TEST(ScipyVectors, ButterworthCausalAndZeroPhase) {
  const auto file = ReadVectors("filter");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("butterworth").as_array()) {
    const std::string name = json::serialize(entry.at("kind")) + json::serialize(entry.at("order"));
    const double rate = Number(entry.at("rate"));
    const auto sections =
        Butterworth(entry.at("order").to_number<int>(), BandNamed(entry.at("kind").as_string()),
                    EdgesOf(entry.at("edges")), rate);
    ASSERT_TRUE(sections.has_value()) << name;
    std::vector<double> gains;
    for (const double hz : Numbers(entry.at("gain_hz"))) {
      gains.push_back(GainAt(*sections, hz, rate));
    }
    EXPECT_LT(RelativeError(gains, Numbers(entry.at("gain"))), kAgreement) << name;
    std::vector<double> causal = First(x, 150);
    ASSERT_TRUE(SosFilter(*sections).Process(causal).has_value());
    EXPECT_LT(RelativeError(causal, Numbers(entry.at("sosfilt"))), kAgreement) << name;
    EXPECT_EQ(ZeroPhasePadding(*sections), Size(entry.at("padding"))) << name;
    std::vector<double> zero_phase = First(x, 200);
    ASSERT_TRUE(FilterZeroPhase(*sections, zero_phase).has_value());
    EXPECT_LT(RelativeError(zero_phase, Numbers(entry.at("sosfiltfilt"))), 1e-8) << name;
  }
}

TEST(ScipyVectors, NotchAndSettledState) {
  const auto file = ReadVectors("filter");
  const auto x = First(Numbers(file.at("x")), 100);
  for (const auto& entry : file.at("notch").as_array()) {
    const auto sections =
        Notch(Number(entry.at("hz")), Number(entry.at("quality")), Number(entry.at("rate")));
    ASSERT_TRUE(sections.has_value());
    SosFilter filter(*sections);
    std::vector<double> y = x;
    ASSERT_TRUE(filter.Process(y).has_value());
    EXPECT_LT(RelativeError(y, Numbers(entry.at("sosfilt"))), kAgreement);
    filter.Settle(std::span(x).first(1));
    y = x;
    ASSERT_TRUE(filter.Process(y).has_value());
    EXPECT_LT(RelativeError(y, Numbers(entry.at("settled"))), kAgreement);
    y = x;
    ASSERT_TRUE(FilterZeroPhase(*sections, y).has_value());
    EXPECT_LT(RelativeError(y, Numbers(entry.at("sosfiltfilt"))), kAgreement);
  }
  const auto band = Butterworth(2, Band::kBandPass, {0.5, 45}, 256);
  ASSERT_TRUE(band.has_value());
  SosFilter filter(*band);
  filter.Settle(std::span(x).first(1));
  std::vector<double> y = x;
  ASSERT_TRUE(filter.Process(y).has_value());
  EXPECT_LT(RelativeError(y, Numbers(file.at("settled"))), kAgreement);
}

TEST(ScipyVectors, FirDesign) {
  for (const auto& entry : ReadVectors("filter").at("fir").as_array()) {
    const size_t taps = Size(entry.at("taps"));
    const auto name = entry.at("window").as_string();
    const auto window = name == "hann"      ? Hann(taps, Symmetry::kSymmetric)
                        : name == "hamming" ? Hamming(taps, Symmetry::kSymmetric)
                                            : Kaiser(taps, 5.0);
    const auto h =
        FirDesign(BandNamed(entry.at("kind").as_string()), EdgesOf(entry.at("edges")), 256, window);
    ASSERT_TRUE(h.has_value());
    EXPECT_LT(RelativeError(*h, Numbers(entry.at("h"))), kAgreement) << taps;
  }
}

TEST(ScipyVectors, PolyphaseResampling) {
  const auto file = ReadVectors("filter");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("resample").as_array()) {
    const auto y =
        Resample(First(x, Size(entry.at("n"))), Size(entry.at("up")), Size(entry.at("down")));
    ASSERT_TRUE(y.has_value());
    EXPECT_LT(RelativeError(*y, Numbers(entry.at("y"))), kAgreement) << json::serialize(entry);
  }
}

TEST(ScipyVectors, WelchIncludingShortAndOddInputs) {
  const auto file = ReadVectors("spectrum");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("welch").as_array()) {
    const auto samples = First(x, Size(entry.at("n")));
    const WelchOptions options{Size(entry.at("segment")), Size(entry.at("overlap"))};
    const auto spectrum = Welch(samples, Number(entry.at("rate")), options);
    ASSERT_TRUE(spectrum.has_value());
    EXPECT_DOUBLE_EQ(spectrum->step_hz, Number(entry.at("step")));
    EXPECT_LT(RelativeError(spectrum->density, Numbers(entry.at("density"))), kAgreement);
    const std::span<const double> twice[2] = {samples, samples};
    const auto all = WelchAll(twice, Number(entry.at("rate")), options);
    ASSERT_TRUE(all.has_value());
    EXPECT_EQ((*all)[0].density, spectrum->density);
    EXPECT_EQ((*all)[1].density, spectrum->density);
  }
}

TEST(ScipyVectors, SpectrogramIncludingInputsShorterThanASegment) {
  const auto file = ReadVectors("spectrogram");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("cases").as_array()) {
    const WelchOptions options{Size(entry.at("segment")), Size(entry.at("overlap"))};
    auto spectrogram = Spectrogram::Make(Number(entry.at("rate")), options);
    ASSERT_TRUE(spectrogram.has_value());
    std::vector<double> columns;
    ASSERT_TRUE(spectrogram->Push(First(x, Size(entry.at("n"))), columns).has_value());
    spectrogram->Finish(columns);
    EXPECT_LT(RelativeError(columns, Numbers(entry.at("density"))), 1e-10);
    const auto times = Numbers(entry.at("times"));
    ASSERT_EQ(columns.size(), times.size() * spectrogram->bins());
    for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(spectrogram->TimeOf(i), times[i], 1e-9);
  }
}

TEST(ScipyVectors, CrossSpectrumAndCoherence) {
  const auto file = ReadVectors("spectrum");
  const auto x = Numbers(file.at("x"));
  const auto y = Numbers(file.at("y"));
  for (const auto& entry : file.at("cross").as_array()) {
    const size_t n = Size(entry.at("n"));
    const auto cross = Cross(First(x, n), First(y, n), 256,
                             {Size(entry.at("segment")), Size(entry.at("overlap"))});
    ASSERT_TRUE(cross.has_value());
    std::vector<double> real, imaginary;
    for (const auto& value : cross->cross) {
      real.push_back(value.real());
      imaginary.push_back(value.imag());
    }
    EXPECT_LT(RelativeError(real, Numbers(entry.at("real"))), kAgreement);
    EXPECT_LT(RelativeError(imaginary, Numbers(entry.at("imaginary"))), kAgreement);
    EXPECT_LT(RelativeError(Coherence(*cross), Numbers(entry.at("coherence"))), kAgreement);
    const auto first = First(x, n), second = First(y, n);
    const std::array<std::span<const double>, 3> channels = {first, first, second};
    const auto pairs =
        CoherenceOfPairs(channels, 256, {Size(entry.at("segment")), Size(entry.at("overlap"))});
    ASSERT_TRUE(pairs.has_value());
    ASSERT_EQ(pairs->size(), 3U);
    EXPECT_NEAR((*pairs)[0][5], 1.0, 1e-12);
    EXPECT_LT(RelativeError((*pairs)[1], Numbers(entry.at("coherence"))), kAgreement);
    EXPECT_LT(RelativeError((*pairs)[2], Numbers(entry.at("coherence"))), kAgreement);
  }
}

TEST(ScipyVectors, IntegralsAndSpectralMeasures) {
  const auto file = ReadVectors("spectrum");
  for (const auto& entry : file.at("simpson").as_array()) {
    const double integral = Simpson(Numbers(entry.at("y")), Number(entry.at("step")));
    EXPECT_NEAR(integral, Number(entry.at("integral")), 1e-9 * std::abs(integral));
  }
  const auto spectrum = Welch(Numbers(file.at("x")), 256, {512, 256});
  ASSERT_TRUE(spectrum.has_value());
  for (const auto& entry : file.at("bands").as_array()) {
    const double expected = Number(entry.at("power"));
    EXPECT_NEAR(BandPower(*spectrum, {Number(entry.at("low")), Number(entry.at("high"))}), expected,
                1e-9 * expected);
  }
  const auto& measures = file.at("measures");
  const FrequencyRange range{0.5, 45};
  EXPECT_NEAR(SpectralEntropy(*spectrum, range), Number(measures.at("entropy")), 1e-9);
  EXPECT_NEAR(SpectralEdge(*spectrum, range, 0.95), Number(measures.at("edge95")), 1e-8);
  EXPECT_NEAR(Centroid(*spectrum, range), Number(measures.at("centroid")), 1e-8);
}

TEST(ScipyVectors, TimeDomainStatistics) {
  const auto file = ReadVectors("statistics");
  for (const auto& entry : file.at("cases").as_array()) {
    const auto x = Numbers(entry.at("x"));
    const auto near = [&](double actual, const char* key) {
      const double expected = Number(entry.at(key));
      EXPECT_NEAR(actual, expected, 1e-9 * std::max(1.0, std::abs(expected))) << key;
    };
    const Moments moments = MomentsOf(x);
    near(moments.mean, "mean");
    near(moments.variance, "variance");
    near(moments.skewness, "skewness");
    near(moments.excess_kurtosis, "kurtosis");
    near(RootMeanSquare(x), "rms");
    near(PeakToPeak(x), "peak_to_peak");
    auto scratch = x;
    near(Median(scratch), "median");
    near(RobustDeviation(scratch), "robust");
    scratch = x;
    near(Percentile(scratch, 0.95), "percentile95");
    near(LineLength(x), "line_length");
    near(static_cast<double>(ZeroCrossings(x)), "zero_crossings");
    near(HjorthOf(x).mobility, "mobility");
    near(HjorthOf(x).complexity, "complexity");
    scratch = x;
    RemoveMean(scratch);
    EXPECT_LT(RelativeError(scratch, Numbers(entry.at("detrend_constant"))), kAgreement);
    scratch = x;
    RemoveTrend(scratch);
    EXPECT_LT(RelativeError(scratch, Numbers(entry.at("detrend_linear"))), kAgreement);
  }
  const auto& correlation = file.at("correlation");
  EXPECT_NEAR(Correlation(Numbers(correlation.at("a")), Numbers(correlation.at("b"))),
              Number(correlation.at("r")), 1e-12);
}

std::vector<Position> Positions(const json::value& value) {
  const auto flat = Numbers(value);
  std::vector<Position> positions;
  for (size_t i = 0; i < flat.size(); i += 3) {
    positions.push_back({flat[i], flat[i + 1], flat[i + 2]});
  }
  return positions;
}

TEST(ScipyVectors, SphericalSplineWeights) {
  const auto file = ReadVectors("spline");
  std::vector<double> kernel;
  for (const double cosine : Numbers(file.at("cosines"))) kernel.push_back(SplineKernel(cosine));
  EXPECT_LT(RelativeError(kernel, Numbers(file.at("kernel"))), kAgreement);
  const auto weights = SplineWeights(Positions(file.at("sources")), Positions(file.at("targets")));
  ASSERT_TRUE(weights.has_value());
  EXPECT_LT(RelativeError(*weights, Numbers(file.at("weights"))), 1e-8);
}

}  // namespace
}  // namespace montage::signal
