#pragma once
// The tables of this folder, as statements for sql::RenderSchema; montage/app puts them into a
// numbered migration.

#include <span>
#include <string_view>

namespace montage::identity {

std::span<const std::string_view> SchemaUp();
std::span<const std::string_view> SchemaDown();

}  // namespace montage::identity
