#include "assay/importing/multipart_text.h"

#include "lib/http/multipart.h"

namespace assay::importing {
namespace {

class Collector final : public http::PartSink {
 public:
  base::Result<void> OnPart(const http::PartHead& head) override {
    parts.push_back(
        {.name = head.name, .filename = head.filename, .content_type = head.content_type});
    return {};
  }
  base::Result<void> OnContent(std::string_view bytes) override {
    parts.back().text += bytes;
    return {};
  }
  base::Result<void> OnPartEnd() override { return {}; }

  std::vector<Part> parts;
};

}  // namespace

base::Result<std::vector<Part>> ParseMultipart(std::string_view content_type,
                                               std::string_view body) {
  TRY(std::string boundary, http::MultipartBoundary(content_type));
  Collector collector;
  http::MultipartParser parser(std::move(boundary), collector);
  TRY(parser.Feed(body));
  TRY(parser.Finish());
  return std::move(collector.parts);
}

}  // namespace assay::importing
