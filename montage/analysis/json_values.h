#pragma once
// How numbers and texts of results are written as JSON.

#include <cmath>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace montage::analysis {

inline boost::json::string JsonText(std::string_view text) {
  return boost::json::string(text.data(), text.size());
}

/// To significant digits: more would be noise, and results are stored and sent in thousands. Null
/// when not finite.
inline boost::json::value Rounded(double value, int digits = 6) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0.0) return 0.0;
  const double scale = std::pow(10.0, digits - 1 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

/// To places behind the point, for times and shares. What is not finite stays so.
inline double Decimals(double value, int places) {
  const double scale = std::pow(10.0, places);
  return std::round(value * scale) / scale;
}

inline boost::json::array JsonNames(std::span<const std::string> names) {
  boost::json::array array;
  for (const std::string& name : names) array.push_back(JsonText(name));
  return array;
}

}  // namespace montage::analysis
