// Any bytes: the multipart parser must give the same parts, or the same refusal, however the input
// is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/http/multipart.h"

namespace {

class Transcript final : public http::PartSink {
 public:
  base::Result<void> OnPart(const http::PartHead& head) override {
    text += "<" + head.name + "|" + head.filename + "|" + head.content_type + ">";
    return {};
  }
  base::Result<void> OnContent(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  base::Result<void> OnPartEnd() override {
    text += "</>";
    return {};
  }
  std::string text;
};

struct Outcome {
  bool accepted = false;
  std::string text;
};

Outcome Parse(std::string_view input, size_t piece) {
  Transcript transcript;
  http::MultipartLimits limits;
  limits.max_parts = 20;
  limits.max_part_header = 200;
  limits.max_part = 1000;
  http::MultipartParser parser("b", transcript, limits);
  for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) {
    if (!parser.Feed(input.substr(0, piece)).has_value()) return {};
  }
  return {.accepted = parser.Finish().has_value(), .text = std::move(transcript.text)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const Outcome whole = Parse(input, size + 1);
  for (const size_t piece : {size_t{1}, size_t{5}, size_t{64}}) {
    const Outcome cut = Parse(input, piece);
    if (cut.accepted != whole.accepted || (cut.accepted && cut.text != whole.text)) {
      __builtin_trap();
    }
  }
  return 0;
}
