#pragma once
// Reading the checked attributes of a toxic.

#include <chrono>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value_to.hpp>

#include "lib/base/clock.h"

namespace assay::fault {

/// Requires: the attribute was checked to be an integer.
inline int64_t IntegerOf(const boost::json::object& attributes, std::string_view name) {
  return attributes.at(name).to_number<int64_t>();
}
inline double FractionOf(const boost::json::object& attributes, std::string_view name) {
  return attributes.at(name).to_number<double>();
}
inline std::string TextOf(const boost::json::object& attributes, std::string_view name) {
  return std::string(attributes.at(name).as_string());
}
inline base::Duration MillisecondsOf(const boost::json::object& attributes, std::string_view name) {
  return std::chrono::milliseconds(IntegerOf(attributes, name));
}

}  // namespace assay::fault
