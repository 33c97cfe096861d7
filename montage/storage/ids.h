#pragma once
// Names of rows and objects.

#include <string>

namespace montage::storage {

/// A random UUID (RFC 9562, version 4) from the kernel's generator: not guessable.
std::string NewId();

}  // namespace montage::storage
