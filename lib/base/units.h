#pragma once
// Durations and sizes as people write them: `250ms`, `1m30s`, `2h`, `64KiB`, `10MB`.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace base {

/// Units ns, us, ms, s, m, h, d, concatenated from large to small; a fraction is allowed (`1.5s`).
/// A leading `-` is refused: every duration in our files is a length.
Result<Duration> ParseDuration(std::string_view text);

/// The shortest exact form of the same grammar: `1m30s`, `250ms`, `0s`.
std::string FormatDuration(Duration duration);

/// For people: three significant digits, `1.24 s`, `350 ms`, `2 min 05 s`.
std::string HumanDuration(Duration duration);

/// Bytes: plain number, or with B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024).
Result<uint64_t> ParseSize(std::string_view text);

/// For people: `1.5 KiB`, `12 MiB`.
std::string HumanSize(uint64_t bytes);

}  // namespace base
