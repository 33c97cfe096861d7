#pragma once
// Names of rows and objects.

#include <string>
#include <string_view>

namespace montage::storage {

/// A random UUID (RFC 9562, version 4) from the kernel's generator: not guessable.
std::string NewId();

/// A UUID (RFC 9562, version 8) that is the same for the same text and for no other: the first 128
/// bits of its SHA-256.
std::string NamedId(std::string_view text);

}  // namespace montage::storage
