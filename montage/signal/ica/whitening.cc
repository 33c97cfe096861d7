#include "montage/signal/ica/whitening.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>
#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/ica/blocks.h"
#include "montage/signal/ica/dense.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

base::Result<void> CheckInput(ConstChannels channels, ComponentLimit limit) {
  if (channels.empty() || channels.front().empty()) {
    return base::Fail(base::ErrorCode::kInvalid, "no samples, expected at least one channel");
  }
  for (size_t c = 0; c < channels.size(); ++c) {
    if (channels[c].size() != channels.front().size()) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("channel {} has {} samples, expected {} as channel 0", c,
                                    channels[c].size(), channels.front().size()));
    }
    TRY(CheckFinite(channels[c]));
  }
  if (!(limit.variance_fraction > 0.0 && limit.variance_fraction <= 1.0)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("fraction of variance is {}, expected more than 0 and at most 1",
                                  limit.variance_fraction));
  }
  return {};
}

/// How many of the descending eigenvalues to keep.
size_t CountToKeep(const Whitening& whitening, double total, ComponentLimit limit) {
  size_t keep = 0;
  double explained = 0;
  // The sum of all parts may miss 1 by rounding; that must not cost a component.
  const double wanted = limit.variance_fraction * (1.0 - 1e-12) * total;
  while (keep < whitening.rank && (keep == 0 || explained < wanted)) {
    explained += whitening.eigenvalues[keep++];
  }
  return limit.count == 0 ? keep : std::min(keep, limit.count);
}

}  // namespace

base::Result<Whitening> Whiten(ConstChannels channels, ComponentLimit limit) {
  TRY(CheckInput(channels, limit));
  const size_t n = channels.size();
  Whitening whitening;
  for (const auto& channel : channels) whitening.means.push_back(Mean(channel));
  const Matrix covariance = CovarianceOf(channels, whitening.means);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(View(covariance));
  if (solver.info() != Eigen::Success) {
    return base::Fail(base::ErrorCode::kInvalid, "the covariance has no eigenvalues in range");
  }
  double total = 0;
  for (size_t i = 0; i < n; ++i) {  // Eigen's order is ascending
    const double value = solver.eigenvalues()[static_cast<Eigen::Index>(n - 1 - i)];
    whitening.eigenvalues.push_back(std::max(value, 0.0));
    total += whitening.eigenvalues.back();
  }
  const double largest = whitening.eigenvalues.front();
  if (!(largest > 0.0)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "every channel is constant, nothing can be separated");
  }
  whitening.rank = static_cast<size_t>(std::ranges::count_if(
      whitening.eigenvalues, [&](double value) { return value > kRankTolerance * largest; }));
  const size_t keep = CountToKeep(whitening, total, limit);
  whitening.sphere = Matrix::Zero(keep, n);
  whitening.desphere = Matrix::Zero(n, keep);
  for (size_t i = 0; i < keep; ++i) {
    whitening.explained += whitening.eigenvalues[i] / total;
    const double deviation = std::sqrt(whitening.eigenvalues[i]);
    Eigen::VectorXd vector = solver.eigenvectors().col(static_cast<Eigen::Index>(n - 1 - i));
    Eigen::Index top = 0;
    vector.cwiseAbs().maxCoeff(&top);
    if (vector[top] < 0.0) vector = -vector;
    for (size_t c = 0; c < n; ++c) {
      const double entry = vector[static_cast<Eigen::Index>(c)];
      whitening.sphere(i, c) = entry / deviation;
      whitening.desphere(c, i) = entry * deviation;
    }
  }
  return whitening;
}

}  // namespace montage::signal
