#pragma once
// Calls of the programs that drive containers and clusters: podman, docker, kubectl, helm.
//
// They do not run below the guardian, who ends all that is below it: what an engine leaves in the
// background (the monitor of a container, the name server of all networks) belongs to the engine
// and serves others too. The call itself ends with assay: the program gets SIGKILL when assay dies,
// and the guardian ends its children, which it finds by the marker of cleanup.h and the session.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/descriptor.h"
#include "lib/net/task.h"
#include "lib/process/spawn.h"

namespace assay::environment {

struct ToolCall {
  std::vector<std::string> argv;
  process::EnvironmentList environment;
  std::string directory;
  std::string run;                                  ///< whose call it is
  std::string input;                                ///< for its standard input
  std::function<void(std::string_view)> on_output;  ///< gets both streams as they come
  bool keeps_output = true;  ///< ToolOutput has it too; false for what runs for long
};

/// With what calls are made; see ToolCall.
struct ToolSetting {
  std::string run;
  process::EnvironmentList environment;
  std::string directory;

  ToolCall Call(std::vector<std::string> argv) const;
};

struct ToolOutput {
  net::ProcessExit exit;
  std::string out;  ///< the first 16 MiB
  std::string err;
  bool succeeded() const { return exit.signal == 0 && exit.code == 0; }
  /// The last lines of what it wrote, for errors.
  std::string Tail(size_t lines = 12) const;
};

/// Runs it to its end; a program that fails is a ToolOutput too. kNotFound: there is no such
/// program. kTimeout, kCancelled: it and its children were ended.
net::Task<base::Result<ToolOutput>> CallTool(ToolCall call, base::Deadline deadline);

/// The same; a program that fails is kUnavailable with its last lines.
net::Task<base::Result<ToolOutput>> CallToolOrFail(ToolCall call, base::Deadline deadline);

}  // namespace assay::environment
