#pragma once
// The table of this folder, as statements for sql::RenderSchema.

#include <span>
#include <string_view>

namespace montage::audit {

std::span<const std::string_view> SchemaUp();
std::span<const std::string_view> SchemaDown();

}  // namespace montage::audit
