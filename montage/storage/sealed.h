#pragma once
// Encryption at rest: each payload has a data key of its own, which is sealed by a key of the key
// file (both AES-256-GCM).
//
//   "MSE1" | key id, 8 bytes | sealed data key, 60 bytes | sealed payload
//
// `context` (what the payload belongs to, such as `files/<file_id>`) is authenticated, so that one
// row's payload cannot be moved to another.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace montage::storage {

class DataKeyShelf;

/// Old keys open, the newest seals. Immutable once it is set up, hence thread-safe.
class KeyRing {
 public:
  /// Reads the file, or makes it (0600) with one new key. A file that others may read is refused.
  static base::Result<KeyRing> LoadOrCreate(const std::filesystem::path& file);
  /// Adds a key, which seals from now on; the file is replaced in one step.
  static base::Result<KeyRing> Rotate(const std::filesystem::path& file);
  /// Removes all keys but the newest from the file, in one step. What they sealed opens only if its
  /// data key was put on a shelf before.
  static base::Result<KeyRing> RetireOld(const std::filesystem::path& file);

  /// Where data keys are looked for whose master key is not in the file any more; outlives the
  /// ring.
  void UseShelf(const DataKeyShelf& shelf) { shelf_ = &shelf; }

  std::string Seal(std::string_view plaintext, std::string_view context) const;
  /// kCorrupt for any changed, cut or foreign payload or context; kNotFound for an unknown key id.
  base::Result<std::string> Open(std::string_view sealed, std::string_view context) const;
  /// A 32-byte secret for another purpose, by key id: HMAC-SHA256(key, purpose).
  std::map<std::string, std::string> Derive(std::string_view purpose) const;
  /// For payloads that are sealed piece by piece: the envelope's first bytes and the key in them.
  struct DataKey {
    std::string header;
    std::string key;
  };
  DataKey NewDataKey() const;
  /// The key in `header`, which must have kHeaderBytes bytes.
  base::Result<std::string> OpenDataKey(std::string_view header) const;
  /// The same data key in a header that the newest key seals.
  base::Result<std::string> Rewrap(std::string_view header) const;
  /// Of the key that sealed the data key in `header`; kCorrupt when it is no header.
  static base::Result<std::string> KeyIdOf(std::string_view header);
  static constexpr size_t kHeaderBytes = 4 + 8 + 60;

  const std::string& newest() const { return newest_; }
  bool Has(const std::string& key_id) const { return keys_.contains(key_id); }
  size_t size() const { return keys_.size(); }

 private:
  std::string HeaderFor(std::string_view data_key) const;

  std::map<std::string, std::string> keys_;  // 32 bytes by id
  std::string newest_;
  const DataKeyShelf* shelf_ = nullptr;
};

}  // namespace montage::storage
