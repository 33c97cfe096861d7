#pragma once
// Reading of the committed vectors (tests/data/signal, made by tools/make_signal_vectors.py) and
// the measure of agreement with them.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "montage/signal/filter/iir.h"

namespace montage::signal {

inline boost::json::object ReadVectors(const std::string& name) {
  std::ifstream file(std::string(ASSAY_SOURCE_DIR "/tests/data/signal/") + name + ".json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return boost::json::parse(text).as_object();
}

inline double Number(const boost::json::value& value) { return value.to_number<double>(); }
inline size_t Size(const boost::json::value& value) { return value.to_number<size_t>(); }

inline std::vector<double> Numbers(const boost::json::value& value) {
  std::vector<double> numbers;
  for (const auto& element : value.as_array()) numbers.push_back(Number(element));
  return numbers;
}

/// As the vectors call them.
inline Band BandNamed(std::string_view name) {
  if (name == "low") return Band::kLowPass;
  if (name == "high") return Band::kHighPass;
  return name == "band" ? Band::kBandPass : Band::kBandStop;
}

/// Largest difference over the largest expected magnitude.
inline double RelativeError(std::span<const double> actual, std::span<const double> expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double difference = 0.0, magnitude = 0.0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(actual[i])) return INFINITY;
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
    magnitude = std::max(magnitude, std::abs(expected[i]));
  }
  return magnitude > 0.0 ? difference / magnitude : difference;
}

/// The bar is 1e-6; what is measured is about 1e-12, so this is what is held.
inline constexpr double kAgreement = 1e-9;

}  // namespace montage::signal
