#include "montage/signal/ica/ica.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <Eigen/LU>
#include <fmt/format.h>

#include "montage/signal/ica/blocks.h"
#include "montage/signal/ica/dense.h"
#include "montage/signal/ica/solver.h"

namespace montage::signal {
namespace {

/// Samples that a thinned level must have: enough that its optimum is near that of all samples
/// (20 for each entry of the unmixing: Onton, Makeig 2006).
constexpr size_t kLeastSamples = 4096;
constexpr size_t kSamplesPerWeight = 20;
constexpr size_t kStrides[] = {16, 4};
/// A thinned level need not be exact: its own optimum is off by more.
constexpr double kCoarseTolerance = 1e-4;

Found Search(IcaMethod method, const SampleBlocks& z, const Matrix& start, SearchLimit limit,
             StepMemory& memory) {
  return method == IcaMethod::kFastIca ? SearchFastIca(z, start, limit, memory)
                                       : SearchInfomax(z, start, limit, memory);
}

/// The unmixing of white samples, level by level.
Matrix SearchLevels(const SampleBlocks& z, const IcaOptions& options, IcaConvergence& convergence) {
  Matrix unmixing = options.start.value_or(Matrix::Identity(z.rows()));
  StepMemory memory;
  const size_t least = std::max(kLeastSamples, kSamplesPerWeight * z.rows() * z.rows());
  for (const size_t stride : kStrides) {
    if (!options.coarse_to_fine || z.samples() / stride < least) continue;
    const Found found = Search(options.method, z.Thinned(stride), unmixing,
                               {kCoarseTolerance, options.iterations}, memory);
    convergence.iterations += found.iterations;
    convergence.passes += static_cast<double>(found.passes) / static_cast<double>(stride);
    unmixing = found.unmixing;
  }
  Found found =
      Search(options.method, z, unmixing, {options.tolerance, options.iterations}, memory);
  convergence.iterations += found.iterations;
  convergence.passes += static_cast<double>(found.passes);
  convergence.converged = found.converged;
  convergence.residual = found.residual;
  return std::move(found.unmixing);
}

/// Components in the order of the variance that they explain, turned and scaled as promised.
IcaModel Arrange(const Whitening& whitening, const Matrix& white_unmixing) {
  const Dense w = View(white_unmixing);
  // White samples have the identity as covariance, so a row's norm is its source's deviation.
  const Dense scaled = w.rowwise().norm().cwiseInverse().asDiagonal() * w;
  const Dense unmixing = scaled * View(whitening.sphere);
  const Dense mixing = View(whitening.desphere) * Dense(scaled.inverse());
  const double total =
      std::accumulate(whitening.eigenvalues.begin(), whitening.eigenvalues.end(), 0.0);
  const auto count = static_cast<size_t>(unmixing.rows());
  std::vector<double> explained(count);
  std::vector<size_t> order(count);
  for (size_t k = 0; k < count; ++k) {
    order[k] = k;
    explained[k] = mixing.col(static_cast<Eigen::Index>(k)).squaredNorm() / total;
  }
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return std::pair(-explained[a], a) < std::pair(-explained[b], b);
  });
  IcaModel model{.means = whitening.means, .rank = whitening.rank};
  model.unmixing = Matrix::Zero(count, model.means.size());
  model.mixing = Matrix::Zero(model.means.size(), count);
  for (size_t k = 0; k < count; ++k) {
    const auto from = static_cast<Eigen::Index>(order[k]);
    Eigen::Index top = 0;
    mixing.col(from).cwiseAbs().maxCoeff(&top);
    const double sign = mixing(top, from) < 0.0 ? -1.0 : 1.0;
    for (size_t c = 0; c < model.means.size(); ++c) {
      model.unmixing(k, c) = sign * unmixing(from, static_cast<Eigen::Index>(c));
      model.mixing(c, k) = sign * mixing(static_cast<Eigen::Index>(c), from);
    }
    model.explained.push_back(explained[order[k]]);
  }
  return model;
}

}  // namespace

std::string_view ToString(IcaMethod method) {
  return method == IcaMethod::kFastIca ? "fast_ica" : "extended_infomax";
}

base::Result<IcaModel> FitIca(ConstChannels channels, const IcaOptions& options) {
  TRY(const Whitening whitening, Whiten(channels, options.limit));
  const size_t components = whitening.sphere.rows;
  const size_t samples = channels.front().size();
  if (samples < 2 * components) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples for {} components, expected at least {}", samples,
                                  components, 2 * components));
  }
  if (options.start &&
      (options.start->rows != components || options.start->columns != components)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("the start is {} x {}, expected {} x {}", options.start->rows,
                                  options.start->columns, components, components));
  }
  const SampleBlocks z = SampleBlocks::Project(channels, whitening.means, whitening.sphere);
  IcaConvergence convergence;
  const Matrix unmixing = SearchLevels(z, options, convergence);
  IcaModel model = Arrange(whitening, unmixing);
  model.convergence = convergence;
  return model;
}

void Sources(const IcaModel& model, ConstChannels channels,
             std::span<const std::span<double>> sources) {
  ApplyMap(model.unmixing, channels, model.means, sources);
}

base::Result<void> RemoveComponents(const IcaModel& model, std::span<const size_t> components,
                                    std::span<const std::span<double>> channels) {
  for (const size_t component : components) {
    if (component >= model.components()) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("component {} is not one of the {} of the model", component,
                                    model.components()));
    }
  }
  std::vector<size_t> distinct(components.begin(), components.end());
  std::ranges::sort(distinct);
  distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
  if (distinct.empty() || channels.empty()) return {};
  // means + (I - mixing unmixing) (x - means): one map, with the means put back.
  Dense kept = Dense::Identity(View(model.mixing).rows(), View(model.mixing).rows());
  for (const size_t k : distinct) {
    const auto at = static_cast<Eigen::Index>(k);
    kept -= View(model.mixing).col(at) * View(model.unmixing).row(at);
  }
  const std::vector<std::span<const double>> input(channels.begin(), channels.end());
  ApplyMap(Copy(kept), input, model.means, channels);
  for (size_t c = 0; c < channels.size(); ++c) {
    for (double& value : channels[c]) value += model.means[c];
  }
  return {};
}

}  // namespace montage::signal
