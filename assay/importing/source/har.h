#pragma once
// HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as browsers write it.

#include <string_view>

#include "assay/importing/importer.h"

namespace assay::importing {

/// One scenario with the calls of the recording; pictures, scripts, styles, fonts and preflight
/// requests are left out.
base::Result<Draft> ImportHar(std::string_view text, const ImportOptions& options);

}  // namespace assay::importing
