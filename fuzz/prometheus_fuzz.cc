// Any bytes as a page of metrics, in both syntaxes: read or refused; what was read without a
// problem has series that differ.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "lib/formats/prometheus/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace formats::prometheus;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Syntax syntax : {Syntax::kText, Syntax::kOpenMetrics}) {
    const auto page = Parse(text, syntax);
    if (!page) continue;
    std::set<std::string> series;
    for (const Family& family : page->families) {
      for (const Sample& sample : family.samples) {
        if (!sample.name.starts_with(family.name)) __builtin_trap();
        (void)family.IsCumulative(sample);
        if (!series.insert(sample.Series()).second) __builtin_trap();
      }
    }
  }
  return 0;
}
