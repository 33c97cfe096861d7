#include "assay/cli/cli.h"

#include <exception>

#include <fmt/format.h>

#include "assay/cli/commands.h"
#include "assay/cli/onboard/onboard_commands.h"
#include "assay/cli/options.h"
#include "assay/cli/project.h"
#include "assay/cli/signing.h"
#include "assay/cli/up/up_commands.h"

namespace assay::cli {
namespace {

ExitCode Dispatch(std::vector<std::string> arguments, const Host& host) {
  const bool keeps = !arguments.empty() && arguments.front() == kKeeperSubcommand;
  if (keeps) arguments.erase(arguments.begin());
  const auto parsed = ParseArguments(arguments);
  if (!parsed) {
    PrintError(parsed.error(), host, false);
    return ExitCode::kUsage;
  }
  switch (parsed->command) {
    case Command::kHelp:
      host.out(parsed->help);
      return ExitCode::kPassed;
    case Command::kVersion:
      host.out(fmt::format("assay {}\n", kVersion));
      return ExitCode::kPassed;
    case Command::kRun:
      return RunCommand(*parsed, arguments, host);
    case Command::kShrink:
      return ShrinkCommand(*parsed, arguments, host);
    case Command::kLoad:
      return LoadCommand(*parsed, arguments, host);
    case Command::kCheck:
      return CheckCommand(*parsed, host);
    case Command::kList:
      return ListCommand(*parsed, host);
    case Command::kSchema:
      return SchemaCommand(*parsed, host);
    case Command::kReplay:
      return ReplayCommand(*parsed, host);
    case Command::kVerify:
      return VerifyCommand(*parsed, host);
    case Command::kReport:
      return ReportCommand(*parsed, host);
    case Command::kTrace:
      return TraceCommand(*parsed, host);
    case Command::kCompare:
      return CompareCommand(*parsed, host);
    case Command::kMerge:
      return MergeCommand(*parsed, arguments, host);
    case Command::kHistory:
      return HistoryCommand(*parsed, host);
    case Command::kEval:
      return EvalCommand(*parsed, host);
    case Command::kKeygen:
      return KeygenCommand(*parsed, host);
    case Command::kUp:
      return keeps ? KeepCommand(*parsed, host) : UpCommand(*parsed, arguments, host);
    case Command::kStatus:
      return StatusCommand(*parsed, host);
    case Command::kLogs:
      return LogsCommand(*parsed, host);
    case Command::kDown:
      return DownCommand(*parsed, host);
    case Command::kProxy:
      return ProxyCommand(*parsed, host);
    case Command::kDoctor:
      return DoctorCommand(*parsed, host);
    case Command::kInit:
      return InitCommand(*parsed, host);
    case Command::kImport:
      return ImportCommand(*parsed, host);
    case Command::kRecord:
      return RecordCommand(*parsed, host);
    case Command::kCompletion:
      return CompletionCommand(*parsed, host);
  }
  return ExitCode::kUsage;
}

}  // namespace

int Main(const std::vector<std::string>& arguments, const Host& host) {
  try {
    return static_cast<int>(Dispatch(arguments, host));
  } catch (const std::exception& bug) {
    host.err(fmt::format("error: a bug of assay: {}\n", bug.what()));
    return static_cast<int>(ExitCode::kError);
  }
}

}  // namespace assay::cli
