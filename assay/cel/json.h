#pragma once
// Values from and to JSON: plain for people and peers, typed for records that must survive.

#include <string_view>

#include <boost/json/fwd.hpp>

#include "assay/cel/value.h"
#include "lib/base/result.h"

namespace assay::cel {

/// A JSON number without fraction and exponent becomes int (uint from 2^63 to 2^64 - 1), any other
/// number double. Objects keep their order.
Value FromJson(const boost::json::value& json);

/// JSON text read with json::Parse (correctly rounded doubles, bounded nesting), then FromJson.
base::Result<Value> ParseJson(std::string_view text);

/// For people and peers: bytes as base64, timestamps as RFC 3339, durations as `1.5s`, NaN and the
/// infinities as strings, keys of any kind as strings, none as null, an error as
/// `{"error": message}`. Loses kinds.
boost::json::value ToJson(const Value& value);

/// Lossless, also through a canonicalisation after RFC 8785, which writes every number as an IEEE
/// double: what JSON cannot carry is an object with one `$`-key.
///
///   int beyond 2^53 {"$int":"9007199254740993"}     uint      {"$uint":"7"}
///   some doubles    {"$double":"1"}                  bytes     {"$bytes":"<base64>"}
///   timestamp       {"$timestamp":"2026-..."}        duration  {"$duration":"1.5s"}
///   other maps      {"$map":[[key, value], ...]}     optional  {"$optional":[v]} or []
///   type            {"$type":"int"}                  error     {"$error":{"code","message"}}
///   ip, cidr        {"$ip":"10.0.0.1"}, {"$cidr":"10.0.0.0/8"}
///
/// Tagged doubles are the whole ones (JSON cannot tell 1.0 from 1), NaN and the infinities. Tagged
/// maps have keys that are not strings or that start with `$`.
boost::json::value ToTypedJson(const Value& value);
base::Result<Value> FromTypedJson(const boost::json::value& json);

}  // namespace assay::cel
