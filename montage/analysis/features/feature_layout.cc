#include "montage/analysis/features/feature_layout.h"

#include <vector>

#include <fmt/format.h>

#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {
namespace {

constexpr auto kElectrodeFeatures = std::to_array<FeatureDoc>({
    {"log_delta_low", "log10 uV^2", "power within 0.5 to 2 Hz"},
    {"log_delta_high", "log10 uV^2", "power within 2 to 4 Hz"},
    {"log_theta", "log10 uV^2", "power within 4 to 8 Hz"},
    {"log_alpha_low", "log10 uV^2", "power within 8 to 10 Hz"},
    {"log_alpha_high", "log10 uV^2", "power within 10 to 13 Hz"},
    {"log_beta_low", "log10 uV^2", "power within 13 to 20 Hz"},
    {"log_beta_high", "log10 uV^2", "power within 20 to 30 Hz"},
    {"log_gamma", "log10 uV^2", "power within 30 to 45 Hz"},
    {"rel_delta_low", "1", "share of the power within 0.5 to 45 Hz"},
    {"rel_delta_high", "1", "the same for 2 to 4 Hz"},
    {"rel_theta", "1", "the same for 4 to 8 Hz"},
    {"rel_alpha_low", "1", "the same for 8 to 10 Hz"},
    {"rel_alpha_high", "1", "the same for 10 to 13 Hz"},
    {"rel_beta_low", "1", "the same for 13 to 20 Hz"},
    {"rel_beta_high", "1", "the same for 20 to 30 Hz"},
    {"rel_gamma", "1", "the same for 30 to 45 Hz"},
    {"log_theta_alpha", "log10", "theta over alpha power"},
    {"log_delta_alpha", "log10", "delta over alpha power"},
    {"log_slow_fast", "log10", "delta and theta over alpha and beta power"},
    {"log_alpha_beta", "log10", "alpha over beta power"},
    {"spectral_entropy", "1", "normalised Shannon entropy of the spectrum (Inouye et al. 1991)"},
    {"edge_50", "Hz / 45", "frequency below which half of the power lies"},
    {"edge_95", "Hz / 45", "frequency below which 95 % of the power lies"},
    {"alpha_peak", "Hz / 13", "frequency of the largest bin within 7 to 13 Hz"},
    {"alpha_prominence", "log10", "that bin over the 1/f line through its neighbourhood"},
    {"slope", "1", "exponent of the 1/f line, 2 to 40 Hz without 7 to 14 (Donoghue et al. 2020)"},
    {"offset", "log10 uV^2/Hz", "that line at 1 Hz"},
    {"log_activity", "log10 uV^2", "variance (Hjorth 1970)"},
    {"mobility", "rad / sample", "Hjorth's mobility"},
    {"complexity", "1", "Hjorth's complexity"},
    {"skewness", "asinh", "third moment over the deviation cubed"},
    {"excess_kurtosis", "asinh", "fourth moment over the variance squared, less 3"},
    {"log_line_length", "log10 uV/s", "sum of steps (Esteller et al. 2001)"},
    {"zero_crossings", "10 / s", "changes of sign about the mean"},
    {"log_peak_to_peak", "log10 uV", "largest minus smallest sample"},
    {"permutation_entropy", "1", "order 3, delay 1, normalised (Bandt, Pompe 2002)"},
    {"petrosian", "1", "Petrosian's fractal dimension (1995)"},
    {"log_nonlinear_energy", "log10 uV^2", "mean size of the Teager energy (Kaiser 1990)"},
    {"log_sharpness", "log10", "largest step over the mean step"},
    {"mean_correlation", "1", "mean size of the correlation with the other electrodes"},
});
static_assert(kElectrodeFeatures.size() == kFeaturesPerElectrode);

constexpr auto kHeadFeatureDocs = std::to_array<FeatureDoc>({
    {"frontal_alpha_asymmetry", "log10", "alpha power of F4 over F3"},
    {"occipital_alpha_asymmetry", "log10", "alpha power of O2 over O1"},
    {"temporal_slow_asymmetry", "log10", "delta and theta power of T8 over T7"},
    {"total_asymmetry", "log10", "power of the right electrodes over the left ones"},
    {"alpha_gradient", "log10", "alpha power of O1, O2 over Fp1, Fp2"},
    {"log_field_power", "log10 uV", "mean global field power (Lehmann, Skrandies 1980)"},
    {"mean_correlation", "1", "mean size of the correlation of all pairs"},
    {"synchrony", "1", "largest eigenvalue of the correlation matrix over its trace"},
});
static_assert(kHeadFeatureDocs.size() == kHeadFeatures);

}  // namespace

std::span<const FeatureDoc> ElectrodeFeatures() { return kElectrodeFeatures; }

std::span<const FeatureDoc> HeadFeatures() { return kHeadFeatureDocs; }

std::span<const std::string> FeatureNames() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    names.reserve(kFeatureCount);
    for (const std::string_view electrode : signal::TenTwenty()) {
      for (const FeatureDoc& feature : kElectrodeFeatures) {
        names.push_back(fmt::format("{}.{}", electrode, feature.name));
      }
    }
    for (const FeatureDoc& feature : kHeadFeatureDocs) {
      names.push_back(fmt::format("head.{}", feature.name));
    }
    return names;
  }();
  return kNames;
}

}  // namespace montage::analysis
