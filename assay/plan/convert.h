#pragma once
// Between the schema's types, the expression language's types, and YAML values.

#include <string>
#include <vector>

#include "assay/cel/type.h"
#include "assay/cel/value.h"
#include "assay/scenario/schema.h"
#include "assay/scenario/yaml/node.h"
#include "lib/base/result.h"

namespace assay::plan {

/// What a YAML scalar, list or map is as a value.
cel::Value ToValue(const scenario::yaml::Node& node);

/// Checks and converts: texts that are durations or sizes become such, scalars become text where
/// text is wanted. kInvalid names `what`, the expected form and what was found.
base::Result<cel::Value> Convert(cel::Value value, const scenario::Type& type,
                                 const std::string& what);

/// What is known about a value of a schema type. Numbers are dyn: they may be int or double.
cel::Type CelTypeOf(const scenario::Type& type);
/// The type of a value that is known.
cel::Type CelTypeOf(const cel::Value& value);
/// An object type with a table's fields.
cel::Type CelObjectOf(const std::vector<scenario::Field>& fields, bool open);

}  // namespace assay::plan
