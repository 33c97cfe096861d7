// Any bytes: the MLLP decoder gives the same messages whatever the pieces, and what the HL7 parser
// reads it writes again without changing a byte; values survive escaping.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/hl7/message.h"
#include "lib/formats/hl7/mllp.h"

namespace {

using formats::hl7::LineEnds;

void ReadValues(const formats::hl7::Message& message) {
  for (const auto& segment : message.segments) {
    const size_t fields = std::min<size_t>(segment.size(), 32);
    for (size_t field = 1; field <= fields; ++field) {
      for (size_t part = 1; part <= 3; ++part) {
        const auto value = segment.Get({.field = field, .component = part}, message.delimiters);
        if (!value) break;
        const std::string escaped = formats::hl7::Escape(*value, message.delimiters);
        if (formats::hl7::Unescape(escaped, message.delimiters) != *value) __builtin_trap();
      }
    }
  }
  static_cast<void>(formats::hl7::AcknowledgementOf(message));
  const auto acknowledgement = formats::hl7::MakeAcknowledgement(message, "AA", "1");
  if (!formats::hl7::Parse(formats::hl7::Encode(acknowledgement))) __builtin_trap();
}

void Parse(std::string_view text) {
  for (const LineEnds ends : {LineEnds::kCarriageReturn, LineEnds::kAny}) {
    const auto message = formats::hl7::Parse(text, {.line_ends = ends});
    if (!message) continue;
    ReadValues(*message);
    const std::string written = formats::hl7::Encode(*message);
    const std::string ended = text.ends_with('\r') ? std::string(text) : std::string(text) + '\r';
    if (ends == LineEnds::kCarriageReturn && written != ended) __builtin_trap();
    const auto again = formats::hl7::Parse(written);
    if (!again || *again != *message) __builtin_trap();
  }
}

std::vector<std::string> Deframe(std::string_view bytes, size_t piece) {
  formats::hl7::MllpDecoder decoder(1000);
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const bool good = decoder.Feed(bytes.substr(0, piece)).has_value();
    while (auto message = decoder.Next()) messages.push_back(*std::move(message));
    if (!good) break;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Parse(text);
  const std::vector<std::string> whole = Deframe(text, std::max<size_t>(size, 1));
  if (whole != Deframe(text, 1) || whole != Deframe(text, 7)) __builtin_trap();
  for (const std::string& message : whole) Parse(message);
  return 0;
}
