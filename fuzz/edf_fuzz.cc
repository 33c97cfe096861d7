// Any bytes: the EDF/BDF reader must refuse or read them in bounded memory, and what it reads must
// be writable again when it is inside US-ASCII.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/formats/edf/channel_names.h"
#include "lib/formats/edf/reader.h"

namespace {

void Exercise(const formats::edf::Reader& reader) {
  std::vector<int32_t> digital;
  std::vector<float> microvolts;
  const size_t signals = std::min<size_t>(reader.header().signals.size(), 16);
  for (size_t i = 0; i < signals; ++i) {
    const uint64_t count = std::min<uint64_t>(reader.sample_count(i), 4096);
    digital.resize(count);
    microvolts.resize(count);
    if (!reader.ReadDigital(i, reader.sample_count(i) - count, digital)) __builtin_trap();
    static_cast<void>(reader.ReadMicrovolts(i, 0, microvolts));
    static_cast<void>(formats::edf::ParseChannelName(reader.header().signals[i].label));
  }
  static_cast<void>(reader.Annotations());
  static_cast<void>(reader.Segments());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (const bool allow_truncated : {false, true}) {
    const auto reader = formats::edf::Reader::Open(
        std::make_unique<formats::edf::SpanSource>(std::span(bytes, size)),
        {.allow_truncated = allow_truncated});
    if (!reader) continue;
    Exercise(*reader);
    if (const auto encoded = formats::edf::EncodeHeader(reader->header())) {
      const auto again = formats::edf::ParseHeader(
          {reinterpret_cast<const uint8_t*>(encoded->data()), encoded->size()});
      if (!again) __builtin_trap();
    }
  }
  return 0;
}
