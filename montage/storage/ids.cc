#include "montage/storage/ids.h"

#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"

namespace montage::storage {

namespace {

// 16 bytes as a UUID of this version.
std::string AsUuid(std::string_view bytes, unsigned version) {
  std::string id;
  for (size_t i = 0; i < 16; ++i) {
    auto byte = static_cast<unsigned>(static_cast<unsigned char>(bytes[i]));
    if (i == 6) byte = (byte & 0x0F) | (version << 4);
    if (i == 8) byte = (byte & 0x3F) | 0x80;
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += fmt::format("{:02x}", byte);
  }
  return id;
}

}  // namespace

std::string NewId() { return AsUuid(crypto::RandomBytes(16), 4); }

std::string NamedId(std::string_view text) {
  const crypto::Digest256 digest = crypto::Sha256Of(text);
  return AsUuid({reinterpret_cast<const char*>(digest.data()), digest.size()}, 8);
}

}  // namespace montage::storage
