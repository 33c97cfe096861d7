// replay, verify and report: what a recorded run still says.

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/cli/signing.h"
#include "assay/history/file_io.h"
#include "assay/history/verify.h"
#include "assay/report/terminal_report.h"
#include "assay/run/replay.h"
#include "lib/crypto/base64.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

ExitCode Refuse(const base::Error& error, const Host& host, const Invocation& invocation,
                ExitCode code) {
  PrintError(error, host, invocation.no_color);
  return code;
}

// `--retries` and `--timeout` of the recorded run.
void ApplyRecordedDefaults(const boost::json::object& manifest, scenario::Project& project) {
  const auto* configuration = manifest.if_contains("configuration");
  if (configuration == nullptr || !configuration->is_object()) return;
  if (const auto* retries = configuration->get_object().if_contains("retries");
      retries != nullptr && retries->is_int64()) {
    for (scenario::Scenario& one : project.scenarios) one.retries = retries->get_int64();
  }
  if (const auto* timeout = configuration->get_object().if_contains("timeout_ns");
      timeout != nullptr && timeout->is_int64()) {
    project.defaults.scenario_timeout = base::Duration(timeout->get_int64());
  }
}

base::Result<std::string> ReadKey(const std::string& key, const Host& host) {
  std::string text = key;
  if (auto file = history::ReadWholeFile(host.directory / key)) text = *std::move(file);
  if (text.size() == 32) return text;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const auto bytes = FromHex(text);
  if (bytes && bytes->size() == 32) return *bytes;
  return base::Fail(
      ErrorCode::kInvalid,
      fmt::format("--key \"{}\" is neither a key file nor 64 hexadecimal digits", key));
}

void PrintVerified(const history::VerifyReport& report, const Host& host) {
  for (const history::ChangedInput& input : report.changed_inputs) {
    host.out(fmt::format("note: {} {} since the run\n", input.file,
                         input.now.empty() ? "is gone" : "changed"));
  }
  for (const history::VerifyProblem& problem : report.problems) {
    host.out(problem.line > 0 ? fmt::format("events.jsonl:{}: event {}: {}\n", problem.line,
                                            problem.seq, problem.what)
                              : fmt::format("{}\n", problem.what));
  }
  if (!report.ok()) {
    host.out(fmt::format("not intact: {} problem{}\n", report.problems.size(),
                         report.problems.size() == 1 ? "" : "s"));
    return;
  }
  const char* signature =
      report.signature == history::SignatureState::kAbsent ? "not signed" : "signed by ";
  host.out(fmt::format("intact: {} events, {} blobs, head {}, {}{}\n", report.events, report.blobs,
                       report.head_hash, signature, report.public_key));
}

}  // namespace

ExitCode ReplayCommand(const Invocation& invocation, const Host& host) {
  const auto dir = FindRun(invocation, host);
  if (!dir) return Refuse(dir.error(), host, invocation, ExitCode::kUsage);
  const auto root = FindRoot(host, invocation);
  if (!root) return Refuse(root.error(), host, invocation, ExitCode::kUsage);
  const auto recorded = LoadRun(*dir);
  if (!recorded) return Refuse(recorded.error(), host, invocation, ExitCode::kError);
  const Vocabulary vocabulary;
  scenario::Problems problems;
  const auto project = LoadProject(*root, vocabulary, problems);
  ApplyRecordedDefaults(recorded->model.manifest, *project);
  const scenario::DiskFiles files(*root);
  const auto report = run::ReplayProject(*dir, project, vocabulary.schemas, files,
                                         {.allow_changed_inputs = invocation.allow_changed});
  if (!report) {
    base::Error error = report.error();
    if (error.code == ErrorCode::kConflict) {
      error.hint = "bring the files back, or replay with --allow-changed";
    }
    return Refuse(error, host, invocation, ExitCode::kFiles);
  }
  for (const run::ReplayDifference& difference : report->differences) {
    host.out(fmt::format("{}: recorded {}, replayed {}\n", difference.what, difference.recorded,
                         difference.replayed));
  }
  for (const std::string& path : report->missing) {
    host.out(fmt::format("{}: the log has no outcome\n", path));
  }
  for (const std::string& kept : report->kept) {
    host.out(fmt::format("note: {}: verdict kept, its values are hidden in the log\n", kept));
  }
  const auto steps = report->recorded.scenarios.size();
  host.out(report->ok()
               ? fmt::format("identical: {} scenario{} of {}\n", steps, steps == 1 ? "" : "s",
                             report->recorded.id)
               : fmt::format("different: {} verdict{}, {} missing\n", report->differences.size(),
                             report->differences.size() == 1 ? "" : "s", report->missing.size()));
  return report->ok() ? ExitCode::kPassed : ExitCode::kFailed;
}

ExitCode VerifyCommand(const Invocation& invocation, const Host& host) {
  const auto dir = FindRun(invocation, host);
  if (!dir) return Refuse(dir.error(), host, invocation, ExitCode::kUsage);
  history::VerifyOptions options;
  if (const auto root = FindRoot(host, invocation)) options.project_dir = *root;
  if (!invocation.key.empty()) {
    auto key = ReadKey(invocation.key, host);
    if (!key) return Refuse(key.error(), host, invocation, ExitCode::kUsage);
    options.public_key = *std::move(key);
  }
  const auto report = history::Verify(*dir, options);
  if (!report) return Refuse(report.error(), host, invocation, ExitCode::kError);
  PrintVerified(*report, host);
  return report->ok() ? ExitCode::kPassed : ExitCode::kFailed;
}

ExitCode ReportCommand(const Invocation& invocation, const Host& host) {
  const auto dir = FindRun(invocation, host);
  if (!dir) return Refuse(dir.error(), host, invocation, ExitCode::kUsage);
  const auto recorded = LoadRun(*dir);
  if (!recorded) return Refuse(recorded.error(), host, invocation, ExitCode::kError);
  std::vector<std::string> formats = invocation.reports;
  if (formats.empty()) formats.emplace_back("terminal");
  for (const std::string& name : formats) {
    const report::ReportFormat* format = report::FindReport(name);
    if (format == nullptr) {
      const Look look = LookOf(host, host.out_is_terminal, invocation.no_color);
      report::TerminalReport terminal({.live = false,
                                       .unicode = look.unicode,
                                       .verbose = invocation.verbose,
                                       .style = {.color = look.color, .width = look.width}},
                                      host.out);
      for (const history::Event& event : recorded->events) terminal.OnEvent(event);
      terminal.Finish(recorded->Input(), dir->string());
      continue;
    }
    const auto text = format->render(recorded->Input());
    if (!text) return Refuse(text.error(), host, invocation, ExitCode::kError);
    const fs::path file = *dir / format->file;
    const auto written = history::WriteFileAtomically(file, *text);
    if (!written) return Refuse(written.error(), host, invocation, ExitCode::kError);
    host.out(fmt::format("{:<8} {}\n", format->name, file.string()));
  }
  return ExitCode::kPassed;
}

}  // namespace assay::cli
