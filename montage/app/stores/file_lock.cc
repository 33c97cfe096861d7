#include "montage/app/stores/file_lock.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

base::Error SystemError(std::string_view doing, const std::filesystem::path& path) {
  const ErrorCode code = errno == EACCES ? ErrorCode::kForbidden : ErrorCode::kIo;
  return {code, fmt::format("cannot {} {}: {}", doing, path.string(),
                            std::generic_category().message(errno))};
}

/// Program and subcommand. Only plain words: further arguments may hold a password.
std::string NameOf(int pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  const std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::string name;
  size_t at = 0;
  for (int words = 0; at < line.size() && words < 3; ++words) {
    const size_t end = std::min(line.find('\0', at), line.size());
    std::string word = line.substr(at, end - at);
    at = end + 1;
    if (words == 0) word = std::filesystem::path(word).filename().string();
    const bool is_plain =
        std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (words > 0 && !is_plain) break;
    name += (words == 0 ? "" : " ") + word;
  }
  return fmt::format("{} (process {})", name.empty() ? "a program" : name, pid);
}

}  // namespace

Result<FileLock> FileLock::Take(const std::filesystem::path& file, bool shared) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return base::Fail(SystemError("open", file));
  FileLock lock(descriptor);
  if (::flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return base::Fail(SystemError("lock", file));
  return base::Fail(ErrorCode::kConflict,
                    fmt::format("{} has locked {}", JoinHolders(LockHolders(file)), file.string()));
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> FileLock::Share() {
  if (::flock(descriptor_, LOCK_SH) == 0) return {};
  return base::Fail(SystemError("share", "the lock"));
}

std::vector<std::string> LockHolders(const std::filesystem::path& file) {
  struct stat facts = {};
  if (::stat(file.c_str(), &facts) != 0) return {};
  const std::string id =
      fmt::format("{:02x}:{:02x}:{}", major(facts.st_dev), minor(facts.st_dev), facts.st_ino);
  std::vector<std::string> holders;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // 1: FLOCK  ADVISORY  WRITE 2207 fe:00:10282049 0 EOF
    std::istringstream words(line);
    std::string number;
    std::string kind;
    std::string strictness;
    std::string access;
    std::string place;
    int pid = 0;
    words >> number >> kind >> strictness >> access >> pid >> place;
    if (words && kind == "FLOCK" && place == id && pid > 0) holders.push_back(NameOf(pid));
  }
  std::ranges::sort(holders);
  return holders;
}

std::string JoinHolders(const std::vector<std::string>& holders) {
  if (holders.empty()) return "another process";
  std::string text = holders.front();
  for (size_t i = 1; i < holders.size(); ++i)
    text += (i + 1 == holders.size() ? " and " : ", ") + holders[i];
  return text;
}

}  // namespace montage::app
