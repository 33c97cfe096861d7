#include "assay/importing/importer.h"

#include <cctype>

#include <fmt/format.h>

#include "assay/importing/source/curl.h"
#include "assay/importing/source/har.h"
#include "assay/importing/source/openapi.h"
#include "assay/importing/source/postman.h"

namespace assay::importing {

std::string_view ToString(Format format) {
  switch (format) {
    case Format::kOpenApi:
      return "openapi";
    case Format::kPostman:
      return "postman";
    case Format::kHar:
      return "har";
    case Format::kCurl:
      return "curl";
  }
  return "";
}

std::string ScenarioId(std::string_view suite, std::string_view name) {
  std::string id = fmt::format("{}-{}", ToSlug(suite), ToSlug(name));
  for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return id;
}

base::Result<Draft> Import(Format format, const std::shared_ptr<const base::SourceText>& source,
                           const ImportOptions& options) {
  switch (format) {
    case Format::kOpenApi:
      return ImportOpenApi(source, options);
    case Format::kPostman:
      return ImportPostman(source->text(), options);
    case Format::kHar:
      return ImportHar(source->text(), options);
    case Format::kCurl:
      return ImportCurl(source, options);
  }
  return base::Fail(base::ErrorCode::kUnsupported, "this format is not known");
}

}  // namespace assay::importing
