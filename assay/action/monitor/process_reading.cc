#include "assay/action/monitor/process_reading.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace assay::action {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> Slurp(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) return std::nullopt;
  return text;
}

std::optional<uint64_t> Number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

// The number behind `Name:` at the beginning of a line.
std::optional<uint64_t> Field(std::string_view text, std::string_view name) {
  size_t at = text.starts_with(name) ? 0 : std::string_view::npos;
  if (at != 0) {
    at = text.find(fmt::format("\n{}", name));
    if (at == std::string_view::npos) return std::nullopt;
    ++at;
  }
  return Number(text.substr(at + name.size()));
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (!word.empty()) words.push_back(word);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

std::unexpected<base::Error> Gone(pid_t pid) {
  return base::Fail(base::ErrorCode::kNotFound, fmt::format("there is no process {}", pid));
}

// /proc/<pid>/stat: the name in parentheses may hold anything, so fields count from behind it.
base::Result<void> ReadStat(pid_t pid, std::string_view text, ProcessReading& reading) {
  const size_t name_end = text.rfind(')');
  const auto words = name_end == std::string_view::npos ? std::vector<std::string_view>{}
                                                        : Words(text.substr(name_end + 1));
  // Field 3 (state) is word 0; 14 and 15 are utime and stime, 20 num_threads, 22 starttime.
  constexpr size_t kState = 0;
  constexpr size_t kUser = 11;
  constexpr size_t kSystem = 12;
  constexpr size_t kThreads = 17;
  constexpr size_t kStart = 19;
  if (words.size() <= kStart) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("/proc/{}/stat has {} fields behind the name, expected 20 or "
                                  "more",
                                  pid, words.size()));
  }
  if (words[kState] == "Z" || words[kState] == "X") return Gone(pid);
  const auto user = Number(words[kUser]);
  const auto system = Number(words[kSystem]);
  const auto threads = Number(words[kThreads]);
  const auto start = Number(words[kStart]);
  if (!user || !system || !threads || !start) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("/proc/{}/stat has a field that is no number", pid));
  }
  static const auto kTicksPerSecond = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  constexpr uint64_t kNanoseconds = 1'000'000'000;
  reading.cpu = base::Duration((*user + *system) * (kNanoseconds / kTicksPerSecond));
  reading.threads = *threads;
  reading.start_ticks = *start;
  return {};
}

std::optional<uint64_t> CountEntries(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) return std::nullopt;
  uint64_t count = 0;
  for (const auto end = fs::directory_iterator(); entries != end; entries.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count;
}

}  // namespace

base::Result<ProcessReading> ReadProcess(pid_t pid, bool with_pss, const fs::path& root) {
  constexpr uint64_t kKibibyte = 1024;
  const fs::path folder = root / std::to_string(pid);
  const auto stat = Slurp(folder / "stat");
  const auto status = Slurp(folder / "status");
  if (!stat || !status || stat->empty()) return Gone(pid);
  ProcessReading reading;
  TRY(ReadStat(pid, *stat, reading));
  reading.rss_bytes = Field(*status, "VmRSS:").value_or(0) * kKibibyte;
  reading.fds = CountEntries(folder / "fd");
  if (const auto io = Slurp(folder / "io")) {
    reading.read_bytes = Field(*io, "read_bytes:");
    reading.write_bytes = Field(*io, "write_bytes:");
  }
  if (with_pss) {
    if (const auto rollup = Slurp(folder / "smaps_rollup")) {
      if (const auto pss = Field(*rollup, "Pss:")) reading.pss_bytes = *pss * kKibibyte;
    }
  }
  return reading;
}

}  // namespace assay::action
