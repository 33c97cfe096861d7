// `assay merge`: the runs of all shards as one run.

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cli/baseline/measured.h"
#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/cli/signing.h"
#include "assay/cli/up/ingredients.h"
#include "assay/history/file_io.h"
#include "assay/report/json_report.h"
#include "assay/report/terminal_report.h"
#include "assay/sharding/merge.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;

/// One merge from the command line, step by step.
class MergeSession {
 public:
  MergeSession(const Invocation& invocation, const std::vector<std::string>& arguments,
               const Host& host)
      : invocation_(invocation), arguments_(arguments), host_(host) {}

  ExitCode Execute() {
    if (const auto read = ReadShards(); !read) return Refuse(read.error(), ExitCode::kUsage);
    sharding::MergeOptions options;
    options.results_dir = invocation_.results.empty() ? shards_.front().dir.parent_path()
                                                      : host_.directory / invocation_.results;
    options.run_id = NewRunId(options.results_dir, host_.clock->Now());
    options.command_line = fmt::format("assay {}", fmt::join(arguments_, " "));
    options.schemas = &vocabulary_.schemas;
    if (!invocation_.signing_key.empty()) {
      auto key = ReadSigningKey(host_.directory / invocation_.signing_key);
      if (!key) return Refuse(key.error(), ExitCode::kUsage);
      options.signing_key = *std::move(key);
    }
    const auto merged = sharding::Merge(shards_, options);
    if (!merged) return Refuse(merged.error(), ExitCode::kError);
    const auto recorded = LoadRun(merged->dir);
    if (!recorded) return Refuse(recorded.error(), ExitCode::kError);
    if (!invocation_.json) Print(*recorded);
    EnterRun(*recorded, host_);
    return Report(*recorded);
  }

 private:
  ExitCode Refuse(const base::Error& error, ExitCode code) {
    PrintError(error, host_, invocation_.no_color);
    return code;
  }

  base::Result<void> ReadShards() {
    for (const std::string& name : invocation_.shards) {
      Invocation named = invocation_;
      named.run = name;
      TRY(const fs::path dir, FindRun(named, host_));
      TRY(sharding::ShardRun shard, sharding::ReadShard(dir));
      shards_.push_back(std::move(shard));
    }
    return sharding::CheckTogether(shards_);
  }

  std::string Shown(const fs::path& path) const {
    const std::string relative = path.lexically_relative(host_.directory).string();
    return relative.empty() || relative.starts_with("..") ? path.string() : relative;
  }

  void Print(const RecordedRun& recorded) const {
    const Look look = LookOf(host_, host_.out_is_terminal, invocation_.no_color);
    report::TerminalReport terminal({.live = false,
                                     .unicode = look.unicode,
                                     .verbose = invocation_.verbose,
                                     .style = {.color = look.color, .width = look.width}},
                                    host_.out);
    for (const history::Event& event : recorded.events) terminal.OnEvent(event);
    terminal.Finish(recorded.Input(), Shown(recorded.dir));
  }

  ExitCode Report(const RecordedRun& recorded) {
    for (const std::string& name : invocation_.reports) {
      const report::ReportFormat* format = report::FindReport(name);
      if (format == nullptr) continue;  // terminal: printed already
      const auto text = format->render(recorded.Input());
      if (!text) return Refuse(text.error(), ExitCode::kError);
      const fs::path file = recorded.dir / format->file;
      if (const auto written = history::WriteFileAtomically(file, *text); !written) {
        return Refuse(written.error(), ExitCode::kError);
      }
      if (!invocation_.json) host_.out(fmt::format("{:<8} {}\n", format->name, Shown(file)));
    }
    if (invocation_.json) {
      const auto text = report::RenderJson(recorded.Input());
      if (!text) return Refuse(text.error(), ExitCode::kError);
      host_.out(*text);
    }
    return ExitCodeOf(recorded.model);
  }

  const Invocation& invocation_;
  const std::vector<std::string>& arguments_;
  const Host& host_;
  const Vocabulary vocabulary_;
  std::vector<sharding::ShardRun> shards_;
};

}  // namespace

ExitCode MergeCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                      const Host& host) {
  return MergeSession(invocation, arguments, host).Execute();
}

}  // namespace assay::cli
