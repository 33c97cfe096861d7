#pragma once
// Bytes that come piece by piece: an upload, an object, a text in memory.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace objects {

/// Read once, from front to end, by one thread.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills at most `into`; 0 means the end (for a non-empty `into`). After an error nothing more
  /// is read.
  virtual base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) = 0;
};

/// A text of its own.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;

 private:
  std::string text_;
  size_t at_ = 0;
};

/// kTooLarge when the source has more than `limit` bytes.
base::Result<std::string> ReadAll(ByteSource& source, size_t limit, base::Deadline deadline);

/// Reads until `into` is full or the source ends; returns how much it was.
base::Result<size_t> ReadFully(ByteSource& source, std::span<char> into, base::Deadline deadline);

}  // namespace objects
