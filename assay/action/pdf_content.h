#pragma once
// What a PDF document says, by the programs of Poppler: they have the document to themselves, so
// that a hostile one ends them and not the run.

#include <filesystem>

#include "assay/action/action.h"

namespace assay::action {

/// {version, page_count, pages (texts in reading order), title, author, subject, keywords, creator,
/// producer}. kInvalid: no PDF; kUnauthorized: it wants a password; kUnsupported: pdftotext or
/// pdfinfo is not installed.
net::Task<base::Result<cel::Value>> DescribePdf(std::filesystem::path path,
                                                const ActionContext& context);

}  // namespace assay::action
