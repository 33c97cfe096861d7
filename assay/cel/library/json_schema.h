#pragma once
// Validation against a schema: the assertions of JSON Schema 2020-12 that need no other document.

#include <optional>
#include <string>

#include "assay/cel/cel.h"
#include "assay/cel/value.h"
#include "lib/base/result.h"

namespace assay::cel {

/// Why a value does not match.
struct SchemaMismatch {
  std::string path;    ///< JSON Pointer into the value; "" for the whole
  std::string reason;  ///< `expected a string, found 3`
};

/// nullopt when `value` matches. Understands type, enum, const, properties, patternProperties,
/// additionalProperties, propertyNames, required, dependentRequired, minProperties, maxProperties,
/// items, prefixItems, contains, minContains, maxContains, minItems, maxItems, uniqueItems,
/// minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength, pattern,
/// format (see schema_formats.h), allOf, anyOf, oneOf, not, if/then/else, $defs and $ref within the
/// document. An unknown assertion keyword, a malformed schema or a reference that leads nowhere is
/// an error, so that nothing counts as checked that was not.
base::Result<std::optional<SchemaMismatch>> MatchSchema(const Value& value, const Value& schema,
                                                        CallContext& context);

}  // namespace assay::cel
