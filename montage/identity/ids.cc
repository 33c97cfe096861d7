#include "montage/identity/ids.h"

#include <cstdint>
#include <span>

#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"

namespace montage::identity {

std::string NewId(std::string_view prefix) {
  const std::string bytes = crypto::RandomBytes(12);
  const std::span digits(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return std::string(prefix) + "_" + crypto::ToHex(digits);
}

}  // namespace montage::identity
