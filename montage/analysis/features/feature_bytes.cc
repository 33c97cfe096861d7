#include "montage/analysis/features/feature_bytes.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "montage/analysis/features/feature_layout.h"
#include "montage/analysis/features/feature_stage.h"

namespace montage::analysis {
namespace {

static_assert(std::endian::native == std::endian::little);

std::string Heading() {
  return fmt::format("{}/{}\n", kFeatureMethod.name, kFeatureMethod.version);
}

}  // namespace

std::string FeatureBytes(std::span<const float> values) {
  std::string bytes = Heading();
  const size_t heading = bytes.size();
  bytes.resize(heading + values.size_bytes());
  std::memcpy(bytes.data() + heading, values.data(), values.size_bytes());
  return bytes;
}

std::optional<std::vector<float>> ParseFeatureBytes(std::string_view bytes) {
  const std::string heading = Heading();
  if (!bytes.starts_with(heading)) return std::nullopt;
  bytes.remove_prefix(heading.size());
  std::vector<float> values(kFeatureCount);
  if (bytes.size() != values.size() * sizeof(float)) return std::nullopt;
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace montage::analysis
