#include "assay/importing/source/json_reader.h"

#include <boost/json.hpp>

#include "assay/importing/slot.h"

namespace assay::importing {

const boost::json::value* Member(const boost::json::value* value, std::string_view key) {
  return value != nullptr && value->is_object() ? value->get_object().if_contains(key) : nullptr;
}

std::string TextOf(const boost::json::value* value) {
  if (value == nullptr || value->is_null() || value->is_structured()) return {};
  if (value->is_string()) return CleanText(std::string(value->get_string()));
  return boost::json::serialize(*value);
}

std::string TextOf(const boost::json::value& object, std::string_view key) {
  return TextOf(Member(object, key));
}

bool IsTrue(const boost::json::value& object, std::string_view key) {
  const auto* member = Member(object, key);
  return member != nullptr && member->is_bool() && member->get_bool();
}

const boost::json::array& ListOf(const boost::json::value* value) {
  static const boost::json::array kEmpty;
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}

const boost::json::array& ListOf(const boost::json::value& object, std::string_view key) {
  return ListOf(Member(object, key));
}

}  // namespace assay::importing
