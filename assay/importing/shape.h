#pragma once
// What of an answer will be the same next time: the shape of its JSON, never the values that the
// system makes.

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace assay::importing {

/// A JSON Schema that `value` fits: types, members (all required), elements. Numbers are integers
/// only where the member's name says identifier. A null says nothing about its type. Members whose
/// names look made (ids as keys) become one schema for all members.
boost::json::object InferSchema(const boost::json::value& value);

/// The schema that fits what either fits: types are united, members of only one side are not
/// required.
boost::json::object MergeSchemas(const boost::json::object& a, const boost::json::object& b);

}  // namespace assay::importing
