#pragma once
// Starting a program in a session of its own.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"

namespace process {

using EnvironmentList = std::vector<std::pair<std::string, std::string>>;

/// One resource limit as setrlimit(2) knows it; soft and hard get the same value.
struct ResourceLimit {
  int resource = 0;  ///< RLIMIT_...
  uint64_t value = 0;
};

/// What to start and how.
struct Launch {
  /// argv[0] is a path, or a name that is looked up in the PATH of `environment`.
  std::vector<std::string> argv = {};
  EnvironmentList environment = {};  ///< complete; nothing is inherited
  std::string directory = {};        ///< "": that of this process
  int stdin_fd = -1;                 ///< -1: /dev/null, also below; stays the caller's
  int stdout_fd = -1;
  int stderr_fd = -1;
  std::vector<ResourceLimit> limits = {};
  /// The program gets SIGKILL when the thread that started it ends.
  bool dies_with_parent = false;
};

/// Called when the new process exists and its program does not run yet. When it fails the process
/// ends without having run anything; the same happens when the caller dies meanwhile.
using BeforeExec = std::function<base::Result<void>(pid_t)>;

/// Starts the program as leader of its own session and process group (all three ids are equal) with
/// default signal handling and no other open descriptors. The caller reaps it.
/// kNotFound: no such program or directory; kForbidden: not executable.
base::Result<pid_t> Spawn(const Launch& launch, const BeforeExec& before_exec = {});

/// The path of a program; names without a slash are searched in `path` (`a:b:c`).
base::Result<std::string> FindProgram(const std::string& name, std::string_view path);

/// The environment of this process; for callers that document that they pass it on.
EnvironmentList InheritedEnvironment();

/// Sets or replaces one variable.
void SetVariable(EnvironmentList& environment, std::string_view name, std::string_view value);
/// nullptr when it is not there.
const std::string* FindVariable(const EnvironmentList& environment, std::string_view name);

}  // namespace process
