#include "assay/scenario/file_source.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay::scenario {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFiles = 100'000;

// An editor's byte order mark is no part of the text.
std::string WithoutMark(std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

std::unexpected<base::Error> NoFile(std::string_view path) {
  return base::Fail(base::ErrorCode::kNotFound, fmt::format("no file \"{}\"", path));
}

std::unexpected<base::Error> TooLarge(std::string_view path, size_t max_bytes) {
  return base::Fail(base::ErrorCode::kTooLarge,
                    fmt::format("the file \"{}\" has more than {} bytes", path, max_bytes));
}

bool MatchesSegments(std::string_view path, std::string_view pattern) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**")) {
    std::string_view rest = pattern.substr(2);
    // "**/" also stands for no folder at all.
    if (rest.starts_with('/') && MatchesSegments(path, rest.substr(1))) return true;
    for (size_t i = 0; i <= path.size(); ++i) {
      if (MatchesSegments(path.substr(i), rest)) return true;
    }
    return false;
  }
  if (pattern[0] == '*') {
    for (size_t i = 0;; ++i) {
      if (MatchesSegments(path.substr(i), pattern.substr(1))) return true;
      if (i == path.size() || path[i] == '/') return false;
    }
  }
  if (path.empty()) return false;
  if (pattern[0] != path[0] && (pattern[0] != '?' || path[0] == '/')) return false;
  return MatchesSegments(path.substr(1), pattern.substr(1));
}

}  // namespace

base::Result<std::string> DiskFiles::Read(const std::string& path, size_t max_bytes) const {
  TRY(const std::string relative, NormalizePath(path));
  std::error_code failed;
  const fs::path full = fs::canonical(root_ / relative, failed);
  if (failed || !fs::is_regular_file(full, failed)) return NoFile(path);
  const fs::path root = fs::canonical(root_, failed);
  const auto [end, unused] = std::ranges::mismatch(root, full);
  if (failed || end != root.end()) {
    return base::Fail(base::ErrorCode::kForbidden,
                      fmt::format("the file \"{}\" is a link out of the project", path));
  }
  const uintmax_t size = fs::file_size(full, failed);
  if (!failed && size > max_bytes) return TooLarge(path, max_bytes);
  std::ifstream stream(full, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream || (size > 0 && !text)) {
    return base::Fail(base::ErrorCode::kIo, fmt::format("cannot read the file \"{}\"", path));
  }
  return WithoutMark(std::move(text).str());
}

base::Result<std::vector<std::string>> DiskFiles::List(const std::string& folder) const {
  TRY(const std::string relative, NormalizePath(folder));
  std::error_code failed;
  const fs::path start = root_ / relative;
  std::vector<std::string> found;
  fs::recursive_directory_iterator it(start, fs::directory_options::skip_permission_denied, failed);
  if (failed) {
    return base::Fail(base::ErrorCode::kNotFound, fmt::format("no folder \"{}\"", folder));
  }
  for (; it != fs::recursive_directory_iterator(); it.increment(failed)) {
    if (failed) break;
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory(failed)) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(failed)) continue;
    if (found.size() >= kMostFiles) {
      return base::Fail(base::ErrorCode::kTooLarge,
                        fmt::format("more than {} files below \"{}\"", kMostFiles, folder));
    }
    found.push_back(it->path().lexically_relative(root_).generic_string());
  }
  std::ranges::sort(found);
  return found;
}

base::Result<std::string> MemoryFiles::Read(const std::string& path, size_t max_bytes) const {
  TRY(const std::string relative, NormalizePath(path));
  const auto found = files_.find(relative);
  if (found == files_.end()) return NoFile(path);
  if (found->second.size() > max_bytes) return TooLarge(path, max_bytes);
  return WithoutMark(found->second);
}

base::Result<std::vector<std::string>> MemoryFiles::List(const std::string& folder) const {
  TRY(const std::string relative, NormalizePath(folder));
  std::vector<std::string> found;
  const std::string prefix = relative.empty() ? "" : relative + "/";
  for (const auto& [path, text] : files_) {
    if (path.starts_with(prefix)) found.push_back(path);
  }
  if (found.empty() && !relative.empty()) {
    return base::Fail(base::ErrorCode::kNotFound, fmt::format("no folder \"{}\"", folder));
  }
  return found;
}

base::Result<std::string> NormalizePath(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return base::Fail(
        base::ErrorCode::kForbidden,
        fmt::format("the path \"{}\" {}, expected one inside the project", path, why));
  };
  if (path.starts_with('/')) return refuse("is absolute");
  if (path.contains('\0')) return refuse("holds a null character");
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (segments.empty()) {
      return refuse("leaves the project");
    } else {
      segments.pop_back();
    }
  }
  return fmt::format("{}", fmt::join(segments, "/"));
}

base::Result<std::string> RelativeTo(std::string_view file, std::string_view path) {
  const size_t slash = file.rfind('/');
  if (path.starts_with('/') || slash == std::string_view::npos) return NormalizePath(path);
  return NormalizePath(fmt::format("{}/{}", file.substr(0, slash), path));
}

bool MatchesGlob(std::string_view path, std::string_view pattern) {
  return MatchesSegments(path, pattern);
}

}  // namespace assay::scenario
