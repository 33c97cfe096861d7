#pragma once
// From what others wrote, OpenAPI, Postman, HAR, curl, to the files of a suite.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assay/importing/draft.h"
#include "lib/base/result.h"
#include "lib/base/span.h"

namespace assay::importing {

enum class Format { kOpenApi, kPostman, kHar, kCurl };

std::string_view ToString(Format format);

enum class Grouping {
  kTag,        ///< OpenAPI: one scenario for the operations of a tag
  kOperation,  ///< one scenario for each
};

struct ImportOptions {
  std::string name;  ///< of the suite; "": from the file
  std::string url;   ///< of the default endpoint; "": from the file
  Grouping grouping = Grouping::kTag;
};

/// kInvalid with a place when the text is not what `format` says, or holds nothing to import;
/// kUnsupported for versions that are not known. What cannot be translated is in the notes.
base::Result<Draft> Import(Format format, const std::shared_ptr<const base::SourceText>& source,
                           const ImportOptions& options);

/// `PREFIX-NAME`: upper case letters, digits and `-`.
std::string ScenarioId(std::string_view suite, std::string_view name);

}  // namespace assay::importing
