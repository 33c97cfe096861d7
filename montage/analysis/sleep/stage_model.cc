#include "montage/analysis/sleep/stage_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "montage/analysis/sleep/stage_table.h"

namespace montage::analysis {
namespace {

constexpr double kFreedom = 6.0;  ///< of the t distributions
/// Neighbouring epochs are not independent given their stages, as the smoothing assumes: what one
/// says counts only so much.
constexpr double kTrust = 0.6;
/// Recordings begin awake as a rule.
constexpr StageProbabilities kFirst = {0.8, 0.05, 0.07, 0.04, 0.04};

/// The inverse of the lower Cholesky factor of the scale of the known features.
struct Marginal {
  std::vector<size_t> known;
  std::vector<double> factor;  ///< lower triangle, row by row
};

Marginal MakeMarginal(uint32_t pattern, const StageTable& table) {
  Marginal out;
  for (size_t f = 0; f < kSleepFeatures; ++f) {
    if ((pattern >> f & 1U) != 0) out.known.push_back(f);
  }
  const size_t n = out.known.size();
  out.factor.assign(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = table.scale[out.known[i]][out.known[j]];
      for (size_t k = 0; k < j; ++k) sum -= out.factor[i * n + k] * out.factor[j * n + k];
      out.factor[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-9)) : sum / out.factor[j * n + j];
    }
  }
  return out;
}

/// Squared Mahalanobis distance by forward substitution.
double Distance(const Marginal& marginal, const EpochFeatures& x, const EpochFeatures& mean,
                std::vector<double>& scratch) {
  const size_t n = marginal.known.size();
  scratch.resize(n);
  double squares = 0;
  for (size_t i = 0; i < n; ++i) {
    double value = x[marginal.known[i]] - mean[marginal.known[i]];
    for (size_t k = 0; k < i; ++k) value -= marginal.factor[i * n + k] * scratch[k];
    scratch[i] = value / marginal.factor[i * n + i];
    squares += scratch[i] * scratch[i];
  }
  return squares;
}

double LogSum(std::span<const double> logs) {
  const double most = *std::ranges::max_element(logs);
  if (!std::isfinite(most)) return most;
  double sum = 0;
  for (const double value : logs) sum += std::exp(value - most);
  return most + std::log(sum);
}

void ToUnitSum(StageProbabilities& row) {
  const double sum = std::accumulate(row.begin(), row.end(), 0.0);
  for (double& value : row) value /= sum;
}

/// exp of the weighted log likelihoods, scaled to the largest.
StageProbabilities EvidenceOf(const StageProbabilities& likelihoods) {
  StageProbabilities out;
  const double most = *std::ranges::max_element(likelihoods);
  for (size_t s = 0; s < kSleepStages; ++s) out[s] = std::exp(kTrust * (likelihoods[s] - most));
  return out;
}

}  // namespace

const StageTable& StageTableFor(bool bipolar) {
  static const StageTable tables[] = {{kReferredComponents, kReferredScale},
                                      {kBipolarComponents, kBipolarScale}};
  return tables[bipolar ? 1 : 0];
}

std::vector<StageProbabilities> LikelihoodsOf(std::span<const EpochFeatures> epochs,
                                              const StageTable& table) {
  static_assert(kSleepFeatures <= 32);
  std::map<uint32_t, Marginal> marginals;
  std::vector<double> scratch;
  std::vector<StageProbabilities> out;
  out.reserve(epochs.size());
  for (const EpochFeatures& epoch : epochs) {
    uint32_t pattern = 0;
    for (size_t f = 0; f < kSleepFeatures; ++f) {
      if (std::isfinite(epoch[f])) pattern |= 1U << f;
    }
    StageProbabilities& row = out.emplace_back();
    if (pattern == 0) {
      row.fill(0.0);
      continue;
    }
    row.fill(-1e300);
    auto [place, is_new] = marginals.try_emplace(pattern);
    if (is_new) place->second = MakeMarginal(pattern, table);
    const auto n = static_cast<double>(place->second.known.size());
    for (const StageComponent& component : table.components) {
      const double distance = Distance(place->second, epoch, component.mean, scratch);
      const double likelihood =
          std::log(component.weight) - 0.5 * (kFreedom + n) * std::log1p(distance / kFreedom);
      double& stage = row[static_cast<size_t>(component.stage)];
      const double both[] = {stage, likelihood};
      stage = LogSum(both);
    }
  }
  return out;
}

std::vector<StageProbabilities> SmoothStages(std::span<const StageProbabilities> likelihoods) {
  const size_t epochs = likelihoods.size();
  std::vector<StageProbabilities> forward(epochs);
  for (size_t e = 0; e < epochs; ++e) {
    const StageProbabilities evidence = EvidenceOf(likelihoods[e]);
    for (size_t s = 0; s < kSleepStages; ++s) {
      double before = 0;
      if (e == 0) {
        before = kFirst[s];
      } else {
        for (size_t r = 0; r < kSleepStages; ++r) {
          before += forward[e - 1][r] * kStageTransitions[r][s];
        }
      }
      forward[e][s] = before * evidence[s];
    }
    ToUnitSum(forward[e]);
  }
  StageProbabilities after;
  after.fill(1.0);
  for (size_t e = epochs; e-- > 0;) {
    for (size_t s = 0; s < kSleepStages; ++s) forward[e][s] *= after[s];
    ToUnitSum(forward[e]);
    const StageProbabilities evidence = EvidenceOf(likelihoods[e]);
    StageProbabilities before{};
    for (size_t r = 0; r < kSleepStages; ++r) {
      for (size_t s = 0; s < kSleepStages; ++s) {
        before[r] += kStageTransitions[r][s] * evidence[s] * after[s];
      }
    }
    ToUnitSum(before);
    after = before;
  }
  return forward;
}

}  // namespace montage::analysis
