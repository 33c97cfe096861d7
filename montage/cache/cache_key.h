#pragma once
// The names of what the cache keeps of a recording.

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace montage::cache {

enum class EntryKind { kFeatures, kRaw, kResults };

/// 1 to 64 letters, digits, `-` or `_`: no id can be mistaken for the beginning of a key.
bool IsFileId(std::string_view text);

/// `features:{file_id}:{window}`, `raw:{file_id}` or `results:{file_id}`.
class CacheKey {
 public:
  /// Requires: IsFileId(file_id), like of the next two.
  static CacheKey Features(std::string_view file_id, size_t window);
  static CacheKey Raw(std::string_view file_id);
  static CacheKey Results(std::string_view file_id);
  /// The window may be any word of 1 to 64 letters, digits, `-` and `_`. kInvalid for other texts.
  static base::Result<CacheKey> Parse(std::string_view text);

  /// What the keys of all windows of a recording begin with.
  static std::string FeaturesPrefix(std::string_view file_id);

  EntryKind kind() const { return kind_; }
  const std::string& file_id() const { return file_id_; }
  const std::string& text() const { return text_; }

 private:
  CacheKey(EntryKind kind, std::string_view file_id, std::string text)
      : kind_(kind), file_id_(file_id), text_(std::move(text)) {}

  EntryKind kind_;
  std::string file_id_;
  std::string text_;
};

}  // namespace montage::cache
