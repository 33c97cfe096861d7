#pragma once
// Analogue low-pass filters with their edge at 1 radian a second, which every recursive design
// begins with. Internal to this folder.

#include <complex>
#include <optional>
#include <vector>

#include "montage/signal/filter/iir.h"

namespace montage::signal {

/// A pole in the upper half plane and its conjugate, or a real one, with the zero (and conjugate)
/// on the imaginary axis that lies nearest; without one the zeros are at infinity.
struct AnalogueFactor {
  std::complex<double> pole;
  std::optional<double> zero;  ///< radians a second
};

struct AnalogueLowPass {
  std::vector<AnalogueFactor> factors;
  double gain_at_zero = 1.0;
};

/// Requires: 1 <= order <= 16, parameters of the shape in their range.
AnalogueLowPass PrototypeOf(const IirShape& shape, int order);

}  // namespace montage::signal
