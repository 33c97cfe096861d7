#include "montage/cache/entry.h"

#include <cassert>

#include "lib/crypto/hash.h"

namespace montage::cache {
namespace {

constexpr std::string_view kMagic = "MCE1";
constexpr size_t kDigestBytes = 32;
constexpr size_t kHeadBytes = kMagic.size() + kMarkBytes + kDigestBytes;

std::string DigestOf(std::string_view value) {
  const crypto::Digest256 digest = crypto::Sha256Of(value);
  return {digest.begin(), digest.end()};
}

}  // namespace

std::string SealEntry(const storage::KeyRing& ring, const CacheKey& key, const Entry& entry) {
  assert(entry.mark.size() == kMarkBytes);
  std::string plain;
  plain.reserve(kHeadBytes + entry.value.size());
  plain.append(kMagic).append(entry.mark).append(DigestOf(entry.value)).append(entry.value);
  return ring.Seal(plain, key.text());
}

base::Result<Entry> OpenEntry(const storage::KeyRing& ring, const CacheKey& key,
                              std::string_view sealed) {
  TRY(const std::string plain, ring.Open(sealed, key.text()));
  const std::string_view all = plain;
  if (all.size() < kHeadBytes || !all.starts_with(kMagic)) {
    return base::Fail(base::ErrorCode::kCorrupt, "the cache entry is of another version");
  }
  const std::string_view value = all.substr(kHeadBytes);
  if (all.substr(kMagic.size() + kMarkBytes, kDigestBytes) != DigestOf(value)) {
    return base::Fail(base::ErrorCode::kCorrupt, "the cache entry does not match its digest");
  }
  return Entry{.mark = std::string(all.substr(kMagic.size(), kMarkBytes)),
               .value = std::string(value)};
}

}  // namespace montage::cache
