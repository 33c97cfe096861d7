#include "assay/environment/guardian/undo.h"

#include <algorithm>
#include <csignal>
#include <ranges>
#include <set>

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "assay/environment/guardian/cleanup.h"
#include "assay/environment/guardian/journal.h"
#include "lib/process/descriptor.h"

namespace assay::environment {

namespace {

using process::Identity;
using std::chrono::steady_clock;

/// Waits until one of the processes ends, at most for `limit`.
void WaitForAnyExit(const std::vector<Identity>& processes, base::Duration limit) {
  std::vector<process::Descriptor> handles;
  std::vector<pollfd> polls;
  for (const Identity& one : processes) {
    handles.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, one.pid, 0)));
    if (handles.back()) polls.push_back({handles.back().get(), POLLIN, 0});
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  ::poll(polls.data(), polls.size(), static_cast<int>(ms));
}

std::string Describe(const std::vector<Identity>& processes) {
  std::string text;
  for (const Identity& one : processes) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", one.pid,
                        process::CommandLineOf(one.pid));
  }
  return text;
}

/// The living processes that a journal's entries lead to.
std::vector<Identity> FindJournaled(const JournalState& state) {
  const auto all = process::ListAll();
  std::set<Identity> found;
  for (const JournaledProcess& journaled : state.processes) {
    // Without its leader a session cannot be told from a later one with the same number; its
    // members are then found by their marker.
    if (!process::IsAlive(journaled.identity)) continue;
    found.insert(journaled.identity);
    for (const process::Entry& entry : all) {
      if (entry.session == journaled.identity.pid && !entry.is_zombie()) {
        found.insert(entry.identity);
      }
    }
    const auto below = process::DescendantsOf(journaled.identity.pid, all);
    found.insert(below.begin(), below.end());
  }
  const auto marked = FindMarked(state.run);
  found.insert(marked.begin(), marked.end());
  return {found.begin(), found.end()};
}

UndoReport UndoJournal(const std::filesystem::path& path, const JournalState& state,
                       const UndoLimits& limits) {
  UndoReport report{
      .run = state.run, .journal = path, .processes = 0, .paths = 0, .commands = 0, .errors = {}};
  if (state.boot == process::BootId()) {
    auto killed = KillAll([&state] { return FindJournaled(state); }, limits);
    if (killed.has_value()) {
      report.processes = *killed;
    } else {
      report.errors.push_back(std::move(killed).error());
    }
  }
  for (const JournaledCommand& owned : state.commands | std::views::reverse) {
    auto ran = RunCleanup(owned.command);
    if (ran.has_value()) {
      ++report.commands;
    } else {
      report.errors.push_back(std::move(ran).error());
    }
  }
  for (const JournaledPath& owned : state.paths) {
    std::error_code error;
    if (std::filesystem::remove_all(owned.path, error) > 0 && !error) ++report.paths;
    if (error) {
      report.errors.push_back(
          {.code = base::ErrorCode::kIo,
           .message = fmt::format("cannot remove {}: {}", owned.path.string(), error.message())});
    }
  }
  return report;
}

}  // namespace

std::vector<Identity> FindMarked(std::string_view run) {
  const std::string variable = fmt::format("{}={}", kRunMarker, run);
  const auto all = process::ListAll();
  std::set<Identity> found;
  for (const process::Entry& entry : all) {
    if (entry.is_zombie()) continue;
    const pid_t pid = entry.identity.pid;
    if (!process::WasStartedWith(pid, variable) &&
        !process::WasStartedWith(pid, ToolMarkerOf(run, entry.session))) {
      continue;
    }
    found.insert(entry.identity);
    const auto below = process::DescendantsOf(entry.identity.pid, all);
    found.insert(below.begin(), below.end());
  }
  std::erase_if(found, [](const Identity& one) { return one.pid == ::getpid(); });
  return {found.begin(), found.end()};
}

base::Result<size_t> KillAll(const std::function<std::vector<Identity>()>& find,
                             const UndoLimits& limits, const std::function<void()>& reap) {
  // Often enough to see a process that was forked while the list was read.
  constexpr base::Duration kRound = std::chrono::milliseconds(20);
  const auto start = steady_clock::now();
  std::set<Identity> asked;
  std::set<Identity> killed;
  while (true) {
    if (reap) reap();
    const std::vector<Identity> living = find();
    if (living.empty()) return asked.size() + killed.size();
    const base::Duration passed = steady_clock::now() - start;
    if (passed > limits.total) {
      return base::Fail(base::ErrorCode::kTimeout, fmt::format("{} processes outlived SIGKILL: {}",
                                                               living.size(), Describe(living)));
    }
    for (const Identity& one : living) {
      if (passed >= limits.grace) {
        process::Signal(one, SIGKILL);
        if (!asked.contains(one)) killed.insert(one);
      } else if (asked.insert(one).second) {
        process::Signal(one, SIGTERM);
        process::Signal(one, SIGCONT);  // a paused process would not see the other signal
      }
    }
    WaitForAnyExit(living, kRound);
  }
}

base::Result<std::vector<UndoReport>> UndoLeftovers(const std::filesystem::path& folder,
                                                    const UndoLimits& limits) {
  std::vector<std::filesystem::path> journals;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".journal") journals.push_back(it->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return base::Fail(base::ErrorCode::kIo, fmt::format("cannot list the journals in {}: {}",
                                                        folder.string(), error.message()));
  }
  std::ranges::sort(journals);
  std::vector<UndoReport> reports;
  for (const auto& path : journals) {
    const process::Descriptor lock = LockJournal(path);
    if (!lock) continue;
    auto state = ReadJournal(path);
    if (!state.has_value()) {
      reports.push_back({.run = {},
                         .journal = path,
                         .processes = 0,
                         .paths = 0,
                         .commands = 0,
                         .errors = {std::move(state).error()}});
      continue;
    }
    if (!state->undone) {
      reports.push_back(UndoJournal(path, *state, limits));
      if (!reports.back().errors.empty()) continue;
      TRY(CloseJournal(path));
    }
    std::filesystem::remove(path, error);
  }
  return reports;
}

}  // namespace assay::environment
