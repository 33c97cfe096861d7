#pragma once
// Confidence intervals of shares and rates that are counted.

#include <cstdint>

namespace montage::evaluation {

struct Interval {
  double low = 0;
  double high = 1;
};

/// k of n.
struct Count {
  uint64_t hits = 0;
  uint64_t trials = 0;

  /// NaN without trials.
  double share() const;
  void Add(bool hit) {
    hits += hit ? 1 : 0;
    trials += 1;
  }
  Count& operator+=(const Count& other) {
    hits += other.hits;
    trials += other.trials;
    return *this;
  }
};

/// Score interval (Wilson 1927), two-sided. [0, 1] without trials. `confidence` in (0, 1).
Interval WilsonInterval(Count count, double confidence = 0.95);

/// Exact interval (Clopper and Pearson 1934): never covers less than `confidence`, so wider than
/// Wilson's. [0, 1] without trials.
Interval ClopperPearsonInterval(Count count, double confidence = 0.95);

/// Exact interval of a rate (Garwood 1936) when `events` were counted in `exposure` (hours, say);
/// events an exposure unit. Requires: exposure > 0.
Interval PoissonInterval(uint64_t events, double exposure, double confidence = 0.95);

/// P(X <= x) of the beta distribution: the regularised incomplete beta function, by the continued
/// fraction of Abramowitz and Stegun 26.5.8. a, b > 0, x in [0, 1]; relative error about 1e-12.
double BetaCdf(double a, double b, double x);

/// Quantile of the standard normal distribution, p in (0, 1); error under 1e-9 (Acklam's start and
/// one step of Halley's method).
double NormalQuantile(double p);

}  // namespace montage::evaluation
