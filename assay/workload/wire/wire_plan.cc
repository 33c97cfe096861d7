#include "assay/workload/wire/wire_plan.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "assay/action/nested/step_bodies.h"

namespace assay::workload {
namespace {

using base::ErrorCode;

// Variables that are another value in every iteration.
constexpr std::array kChanging = {"vu", "index", "row", "fake"};

std::unexpected<base::Error> Needs(const LoadTask& task, std::string_view what) {
  return base::Fail(ErrorCode::kUnsupported, fmt::format("task {}: {}", task.name, what));
}

bool UsesOne(const plan::PlannedExpression& expression, const auto& names) {
  return std::ranges::any_of(expression.program().references(), [&](const cel::Reference& use) {
    return !use.empty() && std::ranges::find(names, use.front()) != std::ranges::end(names);
  });
}

// What an expectation must not ask for: all of the answer but its status.
std::vector<std::string> AnswerVariables(const plan::PlannedStep& step) {
  std::vector<std::string> names = {"error"};
  for (const scenario::Field& field : step.action->outcome) {
    if (field.name != "status") names.push_back(field.name);
  }
  names.insert(names.end(), kChanging.begin(), kChanging.end());
  return names;
}

base::Result<void> CheckStep(const LoadTask& task, const plan::PlannedStep& step) {
  if (step.when || step.poll || step.retry) return Needs(task, "the step has when, poll or retry");
  if (step.record) return Needs(task, "the step records into a ledger");
  if (!step.save.empty()) return Needs(task, "the step saves values");
  if (step.source->background) return Needs(task, "the step is in the background");
  if (!step.source->at.empty()) return Needs(task, "the step is at another environment");
  for (const plan::PlannedExpression& expectation : step.expect) {
    if (UsesOne(expectation, AnswerVariables(step))) {
      return Needs(task,
                   fmt::format("`{}` asks for more than the status", expectation.source().text));
    }
  }
  bool changes = false;
  step.params.EachExpression([&](const plan::PlannedExpression& expression) {
    changes = changes || UsesOne(expression, kChanging);
  });
  if (changes) return Needs(task, "the request differs between iterations");
  return {};
}

}  // namespace

base::Result<WirePlan> PlanWire(const Load& load, const action::ActionContext& context) {
  const action::StepBodies& bodies = *context.bodies;
  if (load.on_start != nullptr) {
    return base::Fail(ErrorCode::kUnsupported, "users do something of their own at their start");
  }
  WirePlan plan;
  plan.variables = &bodies.variables();
  for (const LoadTask& task : load.tasks) {
    if (task.block->steps.size() != 1) return Needs(task, "it has several steps");
    const plan::PlannedStep& step = task.block->steps.front();
    TRY(CheckStep(task, step));
    const action::Action* action = bodies.actions().Find(step.action->name);
    if (action == nullptr) return Needs(task, "its action is unknown");
    auto params = step.params.Evaluate({*plan.variables, plan.run_seed, bodies.path(), {}});
    if (!params) return Needs(task, params.error().message);
    auto request = action->AsWire(*params, context);
    if (!request) return Needs(task, request.error().message);
    if (!plan.tasks.empty() && !plan.tasks.front().request.SameServer(*request)) {
      return Needs(task, "it goes to another server than the first");
    }
    plan.tasks.push_back({*std::move(request), &step});
  }
  return plan;
}

}  // namespace assay::workload
