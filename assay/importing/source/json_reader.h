#pragma once
// Looking into a JSON document that somebody else made: absent and wrongly typed members are empty.

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace assay::importing {

/// The member, or null; also null when `value` is no object.
const boost::json::value* Member(const boost::json::value* value, std::string_view key);
inline const boost::json::value* Member(const boost::json::value& value, std::string_view key) {
  return Member(&value, key);
}
/// Text without the characters of slots; numbers and booleans as text; "" for others.
std::string TextOf(const boost::json::value* value);
std::string TextOf(const boost::json::value& object, std::string_view key);
bool IsTrue(const boost::json::value& object, std::string_view key);
/// The elements of a member; empty when it is no list.
const boost::json::array& ListOf(const boost::json::value* value);
const boost::json::array& ListOf(const boost::json::value& object, std::string_view key);

}  // namespace assay::importing
