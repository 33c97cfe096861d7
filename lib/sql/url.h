#pragma once
// What the URL of a database says without opening it.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sql {

/// Whether Open (open.h) knows the scheme.
bool IsDatabaseUrl(std::string_view url);

/// The path of an `sqlite:` URL as it is written; nullopt for others.
std::optional<std::filesystem::path> SqlitePath(std::string_view url);

/// The URL without its password, also when it is no proper URL: for messages.
std::string RedactedUrl(std::string_view url);

}  // namespace sql
