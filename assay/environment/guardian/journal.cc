#include "assay/environment/guardian/journal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/json/parse.h"

namespace assay::environment {

namespace {

base::Error IoError(std::string_view doing, const std::filesystem::path& path) {
  return {.code = base::ErrorCode::kIo,
          .message = fmt::format("cannot {} the journal {}: {}", doing, path.string(),
                                 std::strerror(errno))};
}

base::Result<void> WriteLine(int fd, const boost::json::object& line,
                             const std::filesystem::path& path) {
  const std::string text = boost::json::serialize(line) + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t put = ::write(fd, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::Fail(IoError("write", path));
    rest.remove_prefix(static_cast<size_t>(put));
  }
  if (::fdatasync(fd) != 0) return base::Fail(IoError("flush", path));
  return {};
}

/// So that the name of a new file survives a crash of the machine.
void SyncFolder(const std::filesystem::path& folder) {
  const process::Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle) ::fsync(handle.get());
}

int64_t IntOf(const boost::json::object& line, std::string_view key) {
  const auto* value = line.if_contains(key);
  if (value == nullptr) return 0;
  return value->is_int64() ? value->get_int64() : 0;
}

std::string TextOf(const boost::json::object& line, std::string_view key) {
  const auto* value = line.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

process::Identity IdentityOf(const boost::json::object& line) {
  return {.pid = static_cast<pid_t>(IntOf(line, "pid")),
          .start_ticks = static_cast<uint64_t>(IntOf(line, "start"))};
}

boost::json::object JsonOf(const process::Identity& identity) {
  return {{"pid", identity.pid}, {"start", static_cast<int64_t>(identity.start_ticks)}};
}

void Apply(const boost::json::object& line, JournalState& state) {
  if (const auto* undone = line.if_contains("undone")) {
    if (undone->is_string()) {
      state.undone = true;
      return;
    }
    const auto entry = static_cast<uint64_t>(IntOf(line, "undone"));
    std::erase_if(state.processes, [&](const auto& one) { return one.entry == entry; });
    std::erase_if(state.paths, [&](const auto& one) { return one.entry == entry; });
    std::erase_if(state.commands, [&](const auto& one) { return one.entry == entry; });
    return;
  }
  const std::string kind = TextOf(line, "kind");
  const auto entry = static_cast<uint64_t>(IntOf(line, "entry"));
  if (kind == "run") {
    state.run = TextOf(line, "run");
    state.boot = TextOf(line, "boot");
    const auto* guardian = line.if_contains("guardian");
    if (guardian != nullptr && guardian->is_object()) {
      state.guardian = IdentityOf(guardian->get_object());
    }
  } else if (kind == "process") {
    state.processes.push_back({entry, TextOf(line, "service"), IdentityOf(line)});
  } else if (kind == "path") {
    state.paths.push_back({entry, TextOf(line, "path")});
  } else if (kind == "command") {
    state.commands.push_back({entry, CleanupFromJson(line)});
  }
}

}  // namespace

base::Result<Journal> Journal::Create(const std::filesystem::path& path, std::string_view run) {
  process::Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return base::Fail(IoError("create", path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return base::Fail(IoError("lock", path));
  Journal journal(std::move(file), path);
  const auto self = process::Find(::getpid());
  boost::json::object line{{"entry", journal.next_entry_++},
                           {"kind", "run"},
                           {"run", run},
                           {"boot", process::BootId()},
                           {"guardian", JsonOf(self ? self->identity : process::Identity{})}};
  TRY(journal.Append(line));
  SyncFolder(path.parent_path());
  return journal;
}

base::Result<uint64_t> Journal::AddProcess(std::string_view service,
                                           const process::Identity& identity) {
  boost::json::object line{{"entry", next_entry_}, {"kind", "process"}, {"service", service}};
  for (const auto& [key, value] : JsonOf(identity)) line[key] = value;
  TRY(Append(line));
  return next_entry_++;
}

base::Result<uint64_t> Journal::AddPath(const std::filesystem::path& path) {
  TRY(Append({{"entry", next_entry_}, {"kind", "path"}, {"path", path.string()}}));
  return next_entry_++;
}

base::Result<uint64_t> Journal::AddCommand(const CleanupCommand& command) {
  boost::json::object line{{"entry", next_entry_}, {"kind", "command"}};
  for (const auto& [key, value] : ToJson(command)) line[key] = value;
  TRY(Append(line));
  return next_entry_++;
}

base::Result<void> Journal::MarkUndone(uint64_t entry) { return Append({{"undone", entry}}); }

base::Result<void> Journal::MarkAllUndone() { return Append({{"undone", "all"}}); }

base::Result<void> Journal::Append(const boost::json::object& line) {
  return WriteLine(file_.get(), line, path_);
}

base::Result<JournalState> ReadJournal(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::Fail(IoError("read", path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  JournalState state;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    ++number;
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    const auto line = json::Parse(std::string_view(text).substr(at, end - at));
    if (!line.has_value() || !line->is_object()) {
      return base::Fail(
          base::ErrorCode::kCorrupt,
          fmt::format("line {} of the journal {} is not a JSON object", number, path.string()));
    }
    Apply(line->get_object(), state);
    at = end + 1;
  }
  return state;
}

base::Result<void> CloseJournal(const std::filesystem::path& path) {
  const process::Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (!file) return base::Fail(IoError("open", path));
  // A line that a crash cut goes away, so that the next one stands alone.
  off_t end = ::lseek(file.get(), 0, SEEK_END);
  for (char last = 0; end > 0; --end) {
    if (::pread(file.get(), &last, 1, end - 1) != 1 || last == '\n') break;
  }
  if (::ftruncate(file.get(), end) != 0) return base::Fail(IoError("mend", path));
  return WriteLine(file.get(), {{"undone", "all"}}, path);
}

process::Descriptor LockJournal(const std::filesystem::path& path) {
  process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) file.Reset();
  return file;
}

}  // namespace assay::environment
