#pragma once
// Reading what engines and clusters say of their things: fields that may be absent, or of another
// type than expected, count as empty.

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace assay::environment {

const boost::json::object& ObjectField(const boost::json::object& json, std::string_view key);
const boost::json::array& ArrayField(const boost::json::object& json, std::string_view key);
std::string TextField(const boost::json::object& json, std::string_view key);
int64_t NumberField(const boost::json::object& json, std::string_view key, int64_t absent = 0);
bool FlagField(const boost::json::object& json, std::string_view key);

}  // namespace assay::environment
