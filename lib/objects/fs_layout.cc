#include "lib/objects/fs_layout.h"

#include <cstdint>

namespace objects {
namespace {

/// Room for the mark below the 255 bytes a file name may have.
constexpr size_t kLongestName = 200;
constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kEmptySegment = "%_";

bool StandsForItself(char c, bool first) {
  const bool alphanumeric =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || c == '-' || c == '_' || (c == '.' && !first);
}

std::string Encode(std::string_view segment) {
  if (segment.empty()) return std::string(kEmptySegment);
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (StandsForItself(segment[i], i == 0)) {
      out += segment[i];
    } else {
      const auto byte = static_cast<uint8_t>(segment[i]);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> Decode(std::string_view name) {
  if (name == kEmptySegment) return std::string();
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      out += name[i];
      continue;
    }
    if (i + 2 >= name.size()) return std::nullopt;
    const size_t high = kHex.find(name[i + 1]);
    const size_t low = kHex.find(name[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.empty() || Encode(out) != name) return std::nullopt;
  return out;
}

/// Appends the segment's path with `mark` behind its last name.
void Append(std::filesystem::path& path, std::string_view segment, std::string_view mark) {
  const std::string encoded = Encode(segment);
  std::string_view rest = encoded;
  while (rest.size() > kLongestName) {
    path /= std::string(rest.substr(0, kLongestName)) + "+";
    rest.remove_prefix(kLongestName);
  }
  path /= std::string(rest) + std::string(mark);
}

}  // namespace

std::filesystem::path FileOfKey(std::string_view key) {
  std::filesystem::path path;
  size_t from = 0;
  for (size_t slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/', from)) {
    Append(path, key.substr(from, slash - from), "");
    from = slash + 1;
  }
  Append(path, key.substr(from), "@");
  return path;
}

std::filesystem::path FolderOfPrefix(std::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  if (slash == std::string_view::npos) return {};
  std::filesystem::path path = FileOfKey(std::string(prefix.substr(0, slash + 1)));
  return path.parent_path();
}

std::optional<std::string> KeyOfFile(const std::filesystem::path& relative) {
  std::string key;
  std::string segment;
  bool complete = false;
  for (const auto& part : relative) {
    if (complete) return std::nullopt;
    std::string name = part.string();
    if (name.ends_with('+')) {
      segment += name.substr(0, name.size() - 1);
      continue;
    }
    complete = name.ends_with('@');
    if (complete) name.pop_back();
    const auto decoded = Decode(segment + name);
    if (!decoded) return std::nullopt;
    key += *decoded;
    if (!complete) key += '/';
    segment.clear();
  }
  return complete ? std::optional(key) : std::nullopt;
}

}  // namespace objects
