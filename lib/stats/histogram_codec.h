#pragma once
// Histograms as text that other HdrHistogram libraries read: the compressed V2 encoding, base64.
//
//   base64( cookie 1c849314 | length | zlib( cookie 1c849313 | payload length | 0 | digits |
//           lowest | highest | ratio 1.0 | counts as ZigZag LEB128, a run of n zeros as -n ) )
//   All numbers big endian; 4, 4, 4, 4, 4, 4, 8, 8, 8 bytes.

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/stats/histogram.h"

namespace stats {

std::string EncodeHistogram(const Histogram& histogram);

/// kCorrupt: not base64, not zlib, or cut off. kUnsupported: another encoding. kTooLarge: over
/// `most_counts` counts, which bounds the memory that a hostile text can take.
base::Result<Histogram> DecodeHistogram(std::string_view text, size_t most_counts = 1'000'000);

}  // namespace stats
