#pragma once
// The kernel's table of processes, as /proc shows it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace process {

/// A process and not a later one with the same number: the start time tells them apart.
struct Identity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  ///< since boot, in clock ticks: field 22 of /proc/<pid>/stat
  bool operator==(const Identity&) const = default;
  auto operator<=>(const Identity&) const = default;
};

struct Entry {
  Identity identity;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = '?';  ///< as in proc(5): R, S, D, Z, T, ...
  /// Ended, waits to be reaped.
  bool is_zombie() const { return state == 'Z' || state == 'X'; }
};

/// Nothing when there is no such process.
std::optional<Entry> Find(pid_t pid);
/// Alive (a zombie is not) and the same one.
bool IsAlive(const Identity& identity);

std::vector<Entry> ListAll();
/// Children of `ancestor`, their children, ... that are alive, from a list of all.
std::vector<Identity> DescendantsOf(pid_t ancestor, std::span<const Entry> all);

/// Whether the process was started with `NAME=value` in its environment. False when it cannot be
/// read.
bool WasStartedWith(pid_t pid, std::string_view variable);
/// The arguments, joined by blanks; "" for a kernel thread or when it cannot be read.
std::string CommandLineOf(pid_t pid);

/// Sends a signal to exactly this process; false when it is gone, however its number is used now.
bool Signal(const Identity& identity, int signal);

/// Changes with each boot of the machine.
std::string BootId();

}  // namespace process
