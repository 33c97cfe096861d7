#include "montage/signal/filter/window.h"

#include <cmath>
#include <numbers>

namespace montage::signal {
namespace {

std::vector<double> RaisedCosine(size_t length, Symmetry symmetry, double offset) {
  if (length <= 1) return std::vector<double>(length, 1.0);
  const double period = static_cast<double>(symmetry == Symmetry::kPeriodic ? length : length - 1);
  std::vector<double> window(length);
  for (size_t i = 0; i < length; ++i) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(i) / period;
    window[i] = offset - (1.0 - offset) * std::cos(angle);
  }
  return window;
}

}  // namespace

std::vector<double> Hann(size_t length, Symmetry symmetry) {
  return RaisedCosine(length, symmetry, 0.5);
}

std::vector<double> Hamming(size_t length, Symmetry symmetry) {
  return RaisedCosine(length, symmetry, 0.54);
}

std::vector<double> Kaiser(size_t length, double beta) {
  if (length <= 1) return std::vector<double>(length, 1.0);
  const double middle = 0.5 * static_cast<double>(length - 1);
  const double scale = std::cyl_bessel_i(0.0, beta);
  std::vector<double> window(length);
  for (size_t i = 0; i < length; ++i) {
    const double r = (static_cast<double>(i) - middle) / middle;
    window[i] = std::cyl_bessel_i(0.0, beta * std::sqrt(std::fmax(0.0, 1.0 - r * r))) / scale;
  }
  return window;
}

}  // namespace montage::signal
