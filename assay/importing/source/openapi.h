#pragma once
// OpenAPI 3.0 and 3.1, as YAML or JSON.

#include <memory>

#include "assay/importing/importer.h"
#include "lib/base/span.h"

namespace assay::importing {

/// A scenario for each tag, or each operation. A step expects the first success that the operation
/// describes, and the schema of its JSON. Values of parameters and bodies are examples, defaults,
/// or made from schemas. Within a scenario things are created before they are read, and removed
/// last; the id of a created one fills the path parameters of the others.
base::Result<Draft> ImportOpenApi(const std::shared_ptr<const base::SourceText>& source,
                                  const ImportOptions& options);

}  // namespace assay::importing
