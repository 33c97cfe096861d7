#pragma once
// A multipart body that is there as a whole.

#include <string_view>
#include <vector>

#include "assay/importing/exchange.h"
#include "lib/base/result.h"

namespace assay::importing {

/// The parts of a multipart/form-data body, with their bytes as `text`.
base::Result<std::vector<Part>> ParseMultipart(std::string_view content_type,
                                               std::string_view body);

}  // namespace assay::importing
