#pragma once
// The tables in other forms: JSON Schema for editors, Markdown for the reference pages.

#include <string>

#include <boost/json/fwd.hpp>

#include "assay/scenario/schema.h"

namespace assay::scenario {

/// JSON Schema (draft 2020-12) of a file kind, with a definition for every table and action.
boost::json::object JsonSchema(FileKind kind, const SchemaRegistry& registry);

/// The reference page of a file kind: every table in it, every field with type, default, meaning.
std::string ReferenceOf(FileKind kind);
/// The reference page of all actions: parameters and outcome variables.
std::string ReferenceOfActions(const SchemaRegistry& registry);

}  // namespace assay::scenario
