#pragma once
// Postman collections v2.1 and v2.0 (https://schema.postman.com).

#include <string_view>

#include "assay/importing/importer.h"

namespace assay::importing {

/// One scenario for each folder that holds requests; one for the whole collection when a folder
/// uses what another one saves. Checks of the test scripts that are recognised become expectations
/// and saved values; other lines of scripts are notes, and comments beside their step.
base::Result<Draft> ImportPostman(std::string_view text, const ImportOptions& options);

}  // namespace assay::importing
