#include "lib/process/table.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/process/descriptor.h"

namespace process {

namespace {

/// Files of /proc have no size, so they are read to the end. "" when it cannot be opened.
std::string Slurp(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file) return text;
  constexpr size_t kPiece = 4096;
  while (true) {
    const size_t used = text.size();
    text.resize(used + kPiece);
    const ssize_t got = ::read(file.get(), text.data() + used, kPiece);
    text.resize(used + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) return text;
  }
}

std::string PathOf(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

std::optional<Entry> Find(pid_t pid) {
  const std::string text = Slurp(PathOf(pid, "stat"));
  // The name in parentheses may hold anything, also blanks and parentheses.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Entry entry;
  entry.identity.pid = pid;
  fields >> entry.state >> entry.parent >> entry.group >> entry.session;
  std::string skipped;
  constexpr int kBetweenSessionAndStart = 15;
  for (int i = 0; i < kBetweenSessionAndStart; ++i) fields >> skipped;
  fields >> entry.identity.start_ticks;
  if (!fields) return std::nullopt;
  return entry;
}

bool IsAlive(const Identity& identity) {
  const auto entry = Find(identity.pid);
  return entry && entry->identity == identity && !entry->is_zombie();
}

std::vector<Entry> ListAll() {
  std::vector<Entry> all;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return all;
  while (const dirent* item = ::readdir(folder)) {
    const std::string_view name(item->d_name);
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (const auto entry = Find(pid)) all.push_back(*entry);
  }
  ::closedir(folder);
  return all;
}

std::vector<Identity> DescendantsOf(pid_t ancestor, std::span<const Entry> all) {
  std::multimap<pid_t, const Entry*> children;
  for (const Entry& entry : all) children.emplace(entry.parent, &entry);
  std::vector<Identity> found;
  std::vector<pid_t> open{ancestor};
  while (!open.empty()) {
    const auto [first, last] = children.equal_range(open.back());
    open.pop_back();
    for (auto it = first; it != last; ++it) {
      open.push_back(it->second->identity.pid);
      if (!it->second->is_zombie()) found.push_back(it->second->identity);
    }
  }
  return found;
}

bool WasStartedWith(pid_t pid, std::string_view variable) {
  const std::string block = Slurp(PathOf(pid, "environ"));
  for (size_t at = 0; at < block.size();) {
    const size_t end = std::min(block.find('\0', at), block.size());
    if (std::string_view(block).substr(at, end - at) == variable) return true;
    at = end + 1;
  }
  return false;
}

std::string CommandLineOf(pid_t pid) {
  std::string text = Slurp(PathOf(pid, "cmdline"));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::ranges::replace(text, '\0', ' ');
  return text;
}

bool Signal(const Identity& identity, int signal) {
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  // The handle keeps naming the process that had the number when it was opened; so the check comes
  // after.
  if (!handle || !IsAlive(identity)) return false;
  return ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) == 0;
}

std::string BootId() {
  std::string text = Slurp("/proc/sys/kernel/random/boot_id");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace process
