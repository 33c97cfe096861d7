#include "assay/environment/json_fields.h"

#include <boost/json.hpp>

namespace assay::environment {

const boost::json::object& ObjectField(const boost::json::object& json, std::string_view key) {
  static const boost::json::object none;
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const boost::json::array& ArrayField(const boost::json::object& json, std::string_view key) {
  static const boost::json::array none;
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string TextField(const boost::json::object& json, std::string_view key) {
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

int64_t NumberField(const boost::json::object& json, std::string_view key, int64_t absent) {
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : absent;
}

bool FlagField(const boost::json::object& json, std::string_view key) {
  const auto* value = json.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace assay::environment
