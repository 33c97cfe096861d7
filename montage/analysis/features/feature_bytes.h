#pragma once
// A feature vector as bytes, for caches: the method's name and version, a line feed, and 768
// float32 in the byte order of the machine, which is little-endian.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace montage::analysis {

std::string FeatureBytes(std::span<const float> values);
/// Bit by bit what was given to FeatureBytes; nothing for the bytes of another version of the
/// method and for what are no such bytes.
std::optional<std::vector<float>> ParseFeatureBytes(std::string_view bytes);

}  // namespace montage::analysis
