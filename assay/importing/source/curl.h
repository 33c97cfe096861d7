#pragma once
// Command lines of curl, as people and browsers ("Copy as cURL") write them.

#include <memory>

#include "assay/importing/importer.h"
#include "lib/base/span.h"

namespace assay::importing {

/// One scenario with a step for each command. Options that only change what curl prints are left
/// out; others that have no meaning here are noted; unknown ones are errors.
base::Result<Draft> ImportCurl(const std::shared_ptr<const base::SourceText>& source,
                               const ImportOptions& options);

}  // namespace assay::importing
