#pragma once
// One function a command; each prints what it has to say.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/fault/random_plan.h"

namespace assay::cli {

ExitCode RunCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                    const Host& host);
/// How a run ended, and where its evidence is; `dir` is empty when nothing ran.
struct RunEnd {
  ExitCode code = ExitCode::kPassed;
  std::filesystem::path dir;
  uint64_t seed = 0;
};
/// What RunCommand does; `plans` are carried out instead of random faults, by path of the step.
RunEnd RunOnce(const Invocation& invocation, const std::vector<std::string>& arguments,
               const Host& host, const fault::PlansByPath& plans);
/// Runs, and runs again with ever fewer of the random faults.
ExitCode ShrinkCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                       const Host& host);
ExitCode LoadCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                     const Host& host);
ExitCode CheckCommand(const Invocation& invocation, const Host& host);
ExitCode ListCommand(const Invocation& invocation, const Host& host);
ExitCode SchemaCommand(const Invocation& invocation, const Host& host);
ExitCode ReplayCommand(const Invocation& invocation, const Host& host);
ExitCode VerifyCommand(const Invocation& invocation, const Host& host);
ExitCode ReportCommand(const Invocation& invocation, const Host& host);
ExitCode TraceCommand(const Invocation& invocation, const Host& host);
ExitCode CompareCommand(const Invocation& invocation, const Host& host);
ExitCode MergeCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                      const Host& host);
ExitCode HistoryCommand(const Invocation& invocation, const Host& host);
/// Runs until it is interrupted.
ExitCode ProxyCommand(const Invocation& invocation, const Host& host);
ExitCode EvalCommand(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
