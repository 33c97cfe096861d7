#pragma once
// The values of the JSON Schema keyword `format` that are checked.

#include <string_view>

namespace assay::cel {

using SchemaFormat = bool (*)(std::string_view text);

/// date-time, date, time, duration (RFC 3339), uuid, email, ipv4, ipv6, uri, hostname; nullptr for
/// others.
SchemaFormat FindSchemaFormat(std::string_view name);

}  // namespace assay::cel
