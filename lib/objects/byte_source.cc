#include "lib/objects/byte_source.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace objects {

base::Result<size_t> TextSource::Read(std::span<char> into, base::Deadline) {
  const size_t count = std::min(into.size(), text_.size() - at_);
  std::copy_n(text_.data() + at_, count, into.data());
  at_ += count;
  return count;
}

base::Result<std::string> ReadAll(ByteSource& source, size_t limit, base::Deadline deadline) {
  std::string all;
  std::array<char, size_t{16} * 1024> piece;
  while (true) {
    TRY(const size_t count, source.Read(piece, deadline));
    if (count == 0) return all;
    if (count > limit - all.size()) {
      return base::Fail(base::ErrorCode::kTooLarge, fmt::format("more than {} bytes", limit));
    }
    all.append(piece.data(), count);
  }
}

base::Result<size_t> ReadFully(ByteSource& source, std::span<char> into, base::Deadline deadline) {
  size_t filled = 0;
  while (filled < into.size()) {
    TRY(const size_t count, source.Read(into.subspan(filled), deadline));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

}  // namespace objects
