// `assay shrink`: which of the random faults of a failing run are needed for its failure.

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/cli/commands.h"
#include "assay/cli/project.h"
#include "assay/cli/recorded.h"
#include "assay/cli/shrink/fault_plans.h"
#include "assay/history/file_io.h"
#include "lib/base/units.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

/// The arguments that choose and shape the run: those of the search and what is given anew are left
/// out. Values with blanks are quoted.
std::string RunArguments(const std::vector<std::string>& arguments) {
  std::string text;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& one = arguments[i];
    const std::string name = one.substr(0, one.find('='));
    if (name == "--tries" || name == "--repeat" || name == "--out" || name == "--seed" ||
        name == "--fault-plan") {
      if (name == one) ++i;  // its value is the next one
      continue;
    }
    const bool plain = one.find_first_of(" \t*?$\"'\\&;|<>()") == std::string::npos;
    text += plain ? " " + one : " '" + one + "'";
  }
  return text;
}

std::string Count(size_t count) { return fmt::format("{} fault{}", count, count == 1 ? "" : "s"); }

size_t SizeOf(const fault::PlansByPath& plans) {
  size_t size = 0;
  for (const auto& [path, plan] : plans) size += plan.size();
  return size;
}

/// The runs of one search.
class Search {
 public:
  Search(const Invocation& invocation, const std::vector<std::string>& arguments, const Host& host)
      : invocation_(invocation), arguments_(arguments), host_(host), quiet_(host) {
    quiet_.out = [](std::string_view) {};
    invocation_.reports = {"json"};
    invocation_.json = false;
  }

  ExitCode Execute() {
    fault::PlansByPath given;
    if (!invocation_.fault_plan.empty()) {
      auto read = ReadFaultPlans(host_.directory / invocation_.fault_plan);
      if (!read) return Refuse(read.error(), ExitCode::kUsage);
      given = *std::move(read);
    }
    const RunEnd first = RunOnce(invocation_, arguments_, quiet_, given);
    if (first.dir.empty()) return first.code;
    const auto recorded = LoadRun(first.dir);
    if (!recorded) return Refuse(recorded.error());
    invocation_.seed = first.seed;
    if (first.code != ExitCode::kFailed) {
      host_.out(fmt::format("the run did not fail, there is nothing to shrink: {}\n",
                            first.dir.string()));
      return first.code;
    }
    auto drawn = PlansOf(recorded->events);
    if (!drawn) return Refuse(drawn.error());
    plans_ = *std::move(drawn);
    names_ = NamesOf(recorded->events);
    if (plans_.empty()) {
      return Refuse({.code = base::ErrorCode::kNotFound,
                     .message = "the run failed, and none of its steps drew random faults",
                     .hint = "`fault: { random: ... }` draws them"});
    }
    Say(SizeOf(plans_), true, first.dir);
    last_failing_ = first.dir;
    for (const auto& [path, drawn_plan] : fault::PlansByPath(plans_)) ShrinkOne(path);
    return Conclude(first.dir);
  }

 private:
  ExitCode Refuse(const base::Error& error, ExitCode code = ExitCode::kError) const {
    PrintError(error, host_, invocation_.no_color);
    return code;
  }

  void Say(size_t faults, bool failed, const fs::path& dir) const {
    host_.out(fmt::format("  {:<10} {:<13} {}\n", Count(faults), failed ? "fails" : "does not fail",
                          dir.string()));
  }

  void ShrinkOne(const std::string& path) {
    std::vector<fault::FaultPlan> failing = {plans_[path]};  // ever smaller
    const auto fails = [&](const fault::FaultPlan& plan) {
      if (!Fails(path, plan)) return false;
      failing.push_back(plan);
      return true;
    };
    const auto left = static_cast<size_t>(std::max<int64_t>(invocation_.tries - tries_, 0));
    static_cast<void>(fault::ShrinkFaultPlan(plans_[path], fails, left));
    // What failed by a hair's breadth is no plan to give to somebody: it must fail again.
    while (failing.size() > 1 && !Fails(path, failing.back())) failing.pop_back();
    plans_[path] = failing.back();
  }

  // A run that could not be judged did not fail.
  bool Fails(const std::string& path, const fault::FaultPlan& plan) {
    fault::PlansByPath candidate = plans_;
    candidate[path] = plan;
    ++tries_;
    for (int64_t again = 0; again < invocation_.repeat; ++again) {
      if (host_.interrupt->requested()) return false;
      const RunEnd end = RunOnce(invocation_, arguments_, quiet_, candidate);
      const bool failed = end.code == ExitCode::kFailed;
      Say(SizeOf(candidate), failed, end.dir);
      if (failed) {
        last_failing_ = end.dir;
        return true;
      }
    }
    return false;
  }

  ExitCode Conclude(const fs::path& first) const {
    const fs::path file =
        invocation_.out.empty() ? first / "fault-plan.json" : host_.directory / invocation_.out;
    const auto written = history::WriteFileAtomically(file, FaultPlansText(plans_, names_));
    if (!written) return Refuse(written.error());
    host_.out(fmt::format("\n{} {} enough to fail\n", Count(SizeOf(plans_)),
                          SizeOf(plans_) == 1 ? "is" : "are"));
    for (const auto& [path, plan] : plans_) {
      for (const fault::PlannedFault& one : plan) {
        const auto step = names_.find(path);
        const auto name = step->second.find(one.choice);
        host_.out(fmt::format("  at {:<8} for {:<8} {}\n", base::FormatDuration(one.at),
                              base::FormatDuration(one.lasts),
                              name != step->second.end() ? name->second : "fault"));
      }
    }
    host_.out(fmt::format(
        "faults   {}\nhistory  {}\nagain    assay run{} --seed {} --fault-plan {}\n", file.string(),
        last_failing_.string(), RunArguments(arguments_), *invocation_.seed, file.string()));
    return host_.interrupt->requested() ? ExitCode::kInterrupted : ExitCode::kFailed;
  }

  Invocation invocation_;
  const std::vector<std::string>& arguments_;
  const Host& host_;
  Host quiet_;
  fault::PlansByPath plans_;
  FaultNames names_;
  fs::path last_failing_;
  int64_t tries_ = 0;
};

}  // namespace

ExitCode ShrinkCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                       const Host& host) {
  return Search(invocation, arguments, host).Execute();
}

}  // namespace assay::cli
