#pragma once
// The guardian: a process of its own that starts everything for a run and undoes it when assay ends
// in any way.
//
//   assay --(message pair)-- guardian --+-- service          every service, and whatever escapes
//     |                         |       +-- service          from one, stays below the guardian
//     +-- exec: programs        |       +-- escaped daemon   (PR_SET_CHILD_SUBREAPER)
//         (found by marker)     +-- journal, locked while it lives
//
// Only assay holds the other end of the message pair. When that closes, the guardian ends all its
// descendants and every process marked with the run's id, runs the clean-up commands and removes
// the directories it was told about, and completes the journal. It has its own session and ignores
// SIGHUP, SIGINT and SIGTERM.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/environment/guardian/cleanup.h"
#include "assay/environment/guardian/limits.h"
#include "assay/environment/guardian/undo.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/descriptor.h"
#include "lib/net/event.h"
#include "lib/net/task.h"
#include "lib/net/task_group.h"
#include "lib/process/descriptor.h"
#include "lib/process/spawn.h"

namespace assay::environment {

/// First argument with which the program named in GuardianOptions::command calls RunGuardian.
inline constexpr std::string_view kGuardianSubcommand = "guardian-process";

/// The guardian's own main: descriptor 0 is its end of the message pair. Returns the exit code.
int RunGuardian(const std::filesystem::path& journal, std::string_view run, UndoLimits limits = {});

struct GuardianOptions {
  /// A program that runs RunGuardian(argv[2], argv[3]) when argv[1] is kGuardianSubcommand:
  /// normally assay itself, `/proc/self/exe`.
  std::string command = "/proc/self/exe";
  std::filesystem::path journal;         ///< absolute, in a folder that exists; ends in `.journal`
  std::string run;                       ///< unique, the value of ASSAY_RUN_ID
  process::EnvironmentList environment;  ///< of the guardian itself
};

/// What the guardian is asked to start.
struct StartRequest {
  std::string service;
  process::Launch launch;  ///< `limits` and `dies_with_parent` are set by the guardian
  ServiceLimits limits;
};

struct StartedProcess {
  pid_t pid = 0;
  EnforcedLimits limits;
};

/// Names a registered clean-up command.
enum class CleanupId : uint64_t {};

/// Which processes a signal goes to.
enum class SignalScope {
  kGroup,  ///< the process group of the service
  kTree,   ///< all that came from the service, also what left its group or session
};

/// Assay's side. Belongs to one loop. Every call fails with kUnavailable once the guardian is gone.
class Guardian {
 public:
  /// Failure to register is failure to start: nothing must run without a journal.
  static net::Task<base::Result<std::unique_ptr<Guardian>>> Start(GuardianOptions options,
                                                                  base::Deadline deadline);
  /// Requires: Finish returned, or the loop does not run any more. The guardian then undoes what
  /// is left by itself.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  const std::string& run() const { return options_.run; }
  pid_t pid() const { return pid_; }
  bool is_alive() const { return alive_; }

  net::Task<base::Result<StartedProcess>> StartProcess(StartRequest request,
                                                       base::Deadline deadline);
  /// The guardian reaps the process; this only waits for its message.
  net::Task<base::Result<net::ProcessExit>> WaitExit(pid_t pid, base::Deadline deadline);
  std::optional<net::ProcessExit> FindExit(pid_t pid) const;
  /// Returns how many processes got the signal; 0 when all are gone.
  net::Task<base::Result<int64_t>> Signal(pid_t pid, int signal, SignalScope scope,
                                          base::Deadline deadline);
  /// Registers a directory before it is made; it is removed with all it holds when the run ends.
  net::Task<base::Result<void>> Own(std::filesystem::path path, base::Deadline deadline);
  /// The directory stays.
  net::Task<base::Result<void>> Disown(std::filesystem::path path, base::Deadline deadline);

  /// Registers, before something is made that no process of the run holds (containers, a
  /// namespace), the command that removes it. It runs when the run ends, the latest one first.
  net::Task<base::Result<CleanupId>> OwnCleanup(CleanupCommand command, base::Deadline deadline);
  /// What the command would remove is gone.
  net::Task<base::Result<void>> DisownCleanup(CleanupId id, base::Deadline deadline);

  /// Undoes everything that is left and ends the guardian. Returns how many processes were still
  /// there. Not interrupted by cancellation.
  net::Task<base::Result<int64_t>> Finish(base::Deadline deadline);

 private:
  struct Pending;
  struct Watched;

  Guardian(GuardianOptions options, net::Executor executor, process::Descriptor socket, pid_t pid);
  net::Task<void> ReadMessages();
  void Dispatch(const boost::json::object& body);
  void LoseGuardian();
  net::Task<base::Result<boost::json::object>> Call(boost::json::object body,
                                                    std::vector<int> descriptors,
                                                    base::Deadline deadline);
  net::Task<base::Result<int64_t>> FinishNow(base::Deadline deadline);

  GuardianOptions options_;
  process::Descriptor socket_;
  pid_t pid_ = 0;
  bool alive_ = true;
  int64_t next_id_ = 1;
  std::map<int64_t, std::shared_ptr<Pending>> pending_;
  std::map<pid_t, std::shared_ptr<Watched>> watched_;
  net::TaskGroup tasks_;
};

}  // namespace assay::environment
