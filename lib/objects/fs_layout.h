#pragma once
// Which file holds an object. A key's `/`-separated segments become folders, so that people find
// their way, and no key can name anything else than its own file:
//
//   results/j1/complete.json    ->  results/j1/complete.json@
//   ../../etc/passwd            ->  %2E./%2E./etc/passwd@
//   a//b                        ->  a/%_/b@
//   <300 bytes>                 ->  <200 bytes>+/<100 bytes>@
//
// Letters, digits, `-`, `_` and a `.` that is not in front stand for themselves, every other byte
// is %XX. Since `@`, `+` and `%_` are never made by that, the mapping can be read backwards and a
// file never stands where another key needs a folder.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace objects {

std::filesystem::path FileOfKey(std::string_view key);

/// The deepest folder that holds every key with this prefix.
std::filesystem::path FolderOfPrefix(std::string_view prefix);

/// Backwards, from a path relative to the bucket; nothing for a file that holds no object.
std::optional<std::string> KeyOfFile(const std::filesystem::path& relative);

}  // namespace objects
