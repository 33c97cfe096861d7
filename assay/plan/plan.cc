#include "assay/plan/plan.h"

#include <algorithm>

namespace assay::plan {
namespace {

cel::Value TextList(const std::vector<scenario::Text>& texts) {
  std::vector<cel::Value> values;
  for (const scenario::Text& text : texts) values.push_back(cel::Value::String(text.text));
  return cel::Value::List(std::move(values));
}

}  // namespace

const PlannedExpression* PlannedStep::FindCondition(std::string_view path) const {
  const auto found = std::ranges::find(conditions, path, &NamedProgram::name);
  return found == conditions.end() ? nullptr : &found->expression;
}

const PlannedBlock* PlannedStep::FindBlock(std::string_view path) const {
  const auto found = std::ranges::find(blocks, path, &PlannedBlock::path);
  return found == blocks.end() ? nullptr : &*found;
}

bool PlannedStep::is(std::string_view action_name) const { return action->name == action_name; }

cel::Value ScenarioVariable(const PlannedScenario& scenario, std::string_view dir) {
  const scenario::Scenario& source = scenario.source();
  return cel::Value::Object({{"id", cel::Value::String(source.id.text)},
                             {"title", cel::Value::String(source.title.text)},
                             {"system", cel::Value::String(source.system.text)},
                             {"priority", cel::Value::String(ToString(source.priority))},
                             {"category", TextList(source.category)},
                             {"tags", TextList(source.tags)},
                             {"instance", cel::Value::Int(static_cast<int64_t>(scenario.instance))},
                             {"dir", cel::Value::String(dir)}});
}

cel::Value EnvironmentVariable(const scenario::Environment* environment, cel::Value services,
                               cel::Value credentials) {
  const bool none = environment == nullptr;
  return cel::Value::Object(
      {{"name", cel::Value::String(none ? "" : environment->name.text)},
       {"type", cel::Value::String(none ? "remote" : ToString(environment->type))},
       {"profile", cel::Value::String(none ? "" : environment->profile)},
       {"description", cel::Value::String(none ? "" : environment->description)},
       {"services", std::move(services)},
       {"credentials", std::move(credentials)}});
}

cel::Value RunVariable(std::string_view id, uint64_t seed, base::WallTime started,
                       std::string_view dir) {
  // The language's int is signed; a seed beyond it shows as its negative twin.
  return cel::Value::Object({{"id", cel::Value::String(id)},
                             {"seed", cel::Value::Int(static_cast<int64_t>(seed))},
                             {"started", cel::Value::Timestamp(started)},
                             {"dir", cel::Value::String(dir)}});
}

}  // namespace assay::plan
