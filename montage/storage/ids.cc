#include "montage/storage/ids.h"

#include <fmt/format.h>

#include "lib/crypto/secret.h"

namespace montage::storage {

std::string NewId() {
  const std::string bytes = crypto::RandomBytes(16);
  std::string id;
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto byte = static_cast<unsigned>(static_cast<unsigned char>(bytes[i]));
    if (i == 6) byte = (byte & 0x0F) | 0x40;
    if (i == 8) byte = (byte & 0x3F) | 0x80;
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += fmt::format("{:02x}", byte);
  }
  return id;
}

}  // namespace montage::storage
