#pragma once
// How strongly the phases and the amplitudes of a rhythm go together, for all pairs of channels.
//
// Phase measures: with z = a exp(i phi) the analytic signals and s = sin(phi_first - phi_second),
//   phase locking        | mean exp(i (phi_first - phi_second)) |           Lachaux et al. 1999
//   phase lag            | mean sign s |                                    Stam et al. 2007
//   weighted phase lag   | mean a a' s | / mean | a a' s |                  Vinck et al. 2011
// Only phase locking sees the same phase in both channels, and with it volume conduction: to the
// others |s| < 1e-10 is 0, so that rounding gives copies of one signal no lag.
// Amplitude measures: Pearson's correlation of the envelopes a (Bruns et al. 2000), and the same
// after the part of each signal that is in phase with the other was removed (Hipp et al. 2012).

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/connectivity/analytic_band.h"
#include "montage/signal/spectrum.h"

namespace montage::signal {

/// One value a pair, in the order (0, 1), (0, 2), ... (1, 2), ...; means over the epochs unless
/// stated. A pair with a channel that is 0 throughout has 0.
struct Connectivity {
  size_t channels = 0;
  size_t epochs = 0;
  std::vector<double> phase_locking;       ///< in [0, 1]
  std::vector<double> phase_lag;           ///< in [0, 1]
  std::vector<double> weighted_phase_lag;  ///< in [0, 1]
  /// Squared weighted phase lag of the epochs' mean cross-products, without the bias by their
  /// number (Vinck et al. 2011, equation 6): ((sum I)^2 - sum I^2) / ((sum |I|)^2 - sum I^2).
  /// 0 with fewer than two epochs. May be negative.
  std::vector<double> debiased_phase_lag_squared;
  /// In [-1, 1]; 0 where an envelope is constant.
  std::vector<double> envelope_correlation;
  /// In [0, 1]: the mean of the magnitudes of both directions, as in
  /// mne_connectivity.envelope_correlation(orthogonalize="pairwise", absolute=True).
  std::vector<double> orthogonal_envelope_correlation;

  size_t pairs() const { return phase_locking.size(); }
};

/// Index of the pair (a, b) in Connectivity. Requires: a < b < channels.
size_t PairIndex(size_t a, size_t b, size_t channels);

/// Averages the measures over epochs that it is fed one by one. Memory: one epoch, and some 150
/// bytes a pair.
class PairAverager {
 public:
  explicit PairAverager(size_t channels);

  /// Requires: finite, analytic.channels as constructed, at least one sample.
  void Add(const AnalyticChannels& analytic);
  /// The averages so far; zeros when no epoch was added. Starts afresh.
  Connectivity Finish();

 private:
  /// Sums over the samples of an epoch, see pair_connectivity.cc.
  struct Sums {
    double cosine = 0, sine = 0, sign = 0, cross = 0, cross_magnitude = 0, envelopes = 0;
    double first = 0, first_square = 0, second = 0, second_square = 0;
  };
  /// Sums over epochs of their mean cross-product.
  struct Crosses {
    double sum = 0, magnitude = 0, square = 0;
  };
  /// One channel's epoch: unit phasor, envelope, envelope without its mean; padded with zeros.
  struct Row {
    std::vector<double> cosine, sine, envelope, centred;
    double mean = 0, norm = 0;
  };
  struct Views;

  void Load(const AnalyticChannels& analytic, size_t channel);
  void AddEpoch(size_t pair, const Row& first, const Row& second, const Sums& sums, double samples);
  static void AddBlock(const Views& first, const Views& second, size_t quads, Sums& sums);

  size_t channels_;
  std::vector<Row> rows_;
  std::vector<Sums> sums_;
  std::vector<Crosses> crosses_;
  Connectivity totals_;
};

struct ConnectivityOptions {
  FrequencyRange band = {};  ///< Hz, inside (0, rate / 2)
  int order = 4;             ///< of the band-pass
  size_t epoch = 0;          ///< samples, at least 2; a rest shorter than an epoch is left out
  size_t margin = 0;         ///< samples before and after an epoch that are filtered with it, where
                             ///< the recording has them: about three periods of the slowest rhythm
};

/// All pairs of equally long channels: every epoch is filtered with its margins, made analytic
/// (AnalyticInBand) and averaged. Memory: that of one epoch.
/// Error kInvalid: as AnalyticInBand; fewer than two channels, or samples than an epoch.
base::Result<Connectivity> ConnectivityInBand(std::span<const std::span<const double>> channels,
                                              double rate_hz, const ConnectivityOptions& options);

}  // namespace montage::signal
