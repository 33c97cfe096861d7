#include "assay/plan/compile/ledgers.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/checker/checker.h"
#include "lib/base/suggest.h"

namespace assay::plan {
namespace {

using base::ErrorCode;

// Where an operation of a ledger is recorded first.
struct RecordedOp {
  std::string op;
  base::SourceSpan span;
};

struct Ledgers {
  std::map<std::string, std::vector<RecordedOp>> ops;
  std::vector<const PlannedStep*> checks;

  void Collect(const std::vector<PlannedStep>& steps) {
    for (const PlannedStep& step : steps) {
      if (step.is("check")) checks.push_back(&step);
      if (step.record) Add(step);
      for (const PlannedBlock& block : step.blocks) Collect(block.steps);
    }
  }

  void Add(const PlannedStep& step) {
    std::vector<RecordedOp>& known = ops[step.record->ledger];
    const bool again = std::ranges::any_of(
        known, [&](const RecordedOp& one) { return one.op == step.record->op; });
    if (!again) known.push_back({step.record->op, step.source->record->op.span});
  }
};

std::string ConstantText(const PlannedStep& step, std::string_view name) {
  const PlannedTemplate* value = step.params.Find(name);
  const bool known = value != nullptr && value->is_constant() &&
                     value->kind() == PlannedTemplate::Kind::kConstant &&
                     value->constant().is_string();
  return known ? std::string(value->constant().string()) : std::string();
}

base::SourceSpan SpanOf(const PlannedStep& step, std::string_view name) {
  const PlannedTemplate* value = step.params.Find(name);
  return value == nullptr ? step.source->span : value->span();
}

void CheckOptions(const PlannedStep& step, const checker::Kind& kind,
                  scenario::Problems& problems) {
  const std::set<std::string_view> of_all = {"checker", "ledger", "witnesses"};
  for (const auto& [name, value] : step.params.entries()) {
    const bool known =
        of_all.contains(name) || std::ranges::find(kind.options, name) != kind.options.end();
    if (known) continue;
    const std::string hint =
        kind.options.empty() ? fmt::format("{} has no options", kind.name)
                             : fmt::format("{} has {}", kind.name, fmt::join(kind.options, ", "));
    problems.Add(ErrorCode::kInvalid,
                 fmt::format("the checker \"{}\" has no option \"{}\"", kind.name, name),
                 value.span(), hint);
  }
}

void CheckOps(const PlannedStep& step, const checker::Kind& kind, std::string_view ledger,
              const std::vector<RecordedOp>& ops, scenario::Problems& problems) {
  for (const RecordedOp& one : ops) {
    if (kind.Knows(one.op)) continue;
    const std::vector<std::string> words = kind.Words();
    const std::string nearest = base::Nearest(one.op, words);
    problems.Add(ErrorCode::kInvalid,
                 fmt::format("the checker \"{}\" of the ledger \"{}\" does not know the operation "
                             "\"{}\"",
                             kind.name, ledger, one.op),
                 one.span,
                 nearest.empty() ? fmt::format("it knows {}; the check is at {}",
                                               fmt::join(words, ", "), step.source->span.ToString())
                                 : fmt::format("did you mean \"{}\"?", nearest));
  }
}

}  // namespace

void CheckLedgers(const CompiledScenario& scenario, scenario::Problems& problems) {
  Ledgers ledgers;
  ledgers.Collect(scenario.steps);
  ledgers.Collect(scenario.cleanup);
  std::vector<std::string> names;
  for (const auto& [name, ops] : ledgers.ops) names.push_back(name);
  for (const PlannedStep* step : ledgers.checks) {
    const checker::Kind* kind = checker::FindKind(ConstantText(*step, "checker"));
    if (kind != nullptr) CheckOptions(*step, *kind, problems);
    const std::string ledger = ConstantText(*step, "ledger");
    if (ledger.empty()) continue;
    const auto found = ledgers.ops.find(ledger);
    if (found != ledgers.ops.end()) {
      if (kind != nullptr) CheckOps(*step, *kind, ledger, found->second, problems);
      continue;
    }
    const std::string nearest = base::Nearest(ledger, names);
    problems.Add(
        ErrorCode::kNotFound,
        fmt::format("no step of the scenario records in the ledger \"{}\"", ledger),
        SpanOf(*step, "ledger"),
        nearest.empty()
            ? fmt::format("add `record: {{ ledger: {}, op: ..., key: ... }}` to the steps", ledger)
            : fmt::format("did you mean \"{}\"?", nearest));
  }
}

}  // namespace assay::plan
