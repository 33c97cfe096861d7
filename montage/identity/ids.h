#pragma once
// Identifiers that cannot be guessed.

#include <string>
#include <string_view>

namespace montage::identity {

/// `prefix_` and 24 hexadecimal digits (96 random bits).
std::string NewId(std::string_view prefix);

}  // namespace montage::identity
