#include "montage/cache/cache_key.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

namespace montage::cache {
namespace {

constexpr size_t kLongestWord = 64;
constexpr std::string_view kFeatures = "features:";
constexpr std::string_view kRaw = "raw:";
constexpr std::string_view kResults = "results:";

bool IsWordLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

bool IsFileId(std::string_view text) {
  return !text.empty() && text.size() <= kLongestWord && std::ranges::all_of(text, IsWordLetter);
}

std::string CacheKey::FeaturesPrefix(std::string_view file_id) {
  return fmt::format("{}{}:", kFeatures, file_id);
}

CacheKey CacheKey::Features(std::string_view file_id, size_t window) {
  assert(IsFileId(file_id));
  return {EntryKind::kFeatures, file_id, fmt::format("{}{}", FeaturesPrefix(file_id), window)};
}

CacheKey CacheKey::Raw(std::string_view file_id) {
  assert(IsFileId(file_id));
  return {EntryKind::kRaw, file_id, fmt::format("{}{}", kRaw, file_id)};
}

CacheKey CacheKey::Results(std::string_view file_id) {
  assert(IsFileId(file_id));
  return {EntryKind::kResults, file_id, fmt::format("{}{}", kResults, file_id)};
}

base::Result<CacheKey> CacheKey::Parse(std::string_view text) {
  const auto rest_of = [text](std::string_view kind) { return text.substr(kind.size()); };
  if (text.starts_with(kRaw) && IsFileId(rest_of(kRaw))) return Raw(rest_of(kRaw));
  if (text.starts_with(kResults) && IsFileId(rest_of(kResults))) return Results(rest_of(kResults));
  if (text.starts_with(kFeatures)) {
    const std::string_view rest = rest_of(kFeatures);
    const size_t colon = rest.find(':');
    if (colon != std::string_view::npos && IsFileId(rest.substr(0, colon)) &&
        IsFileId(rest.substr(colon + 1))) {
      return CacheKey(EntryKind::kFeatures, rest.substr(0, colon), std::string(text));
    }
  }
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no key of the cache; expected features:FILE:WINDOW, "
                                "raw:FILE or results:FILE",
                                text));
}

}  // namespace montage::cache
