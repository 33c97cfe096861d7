#include "assay/plan/compile/compiler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/plan/compile/ledgers.h"
#include "assay/plan/compile/step_compiler.h"
#include "assay/plan/convert.h"
#include "assay/plan/fake.h"
#include "assay/plan/path.h"
#include "lib/base/suggest.h"

namespace assay::plan {
namespace {

using base::ErrorCode;

std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Number of leading folders that two paths share.
size_t SharedFolders(std::string_view a, std::string_view b) {
  size_t shared = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) {
    if (a[i] == '/') ++shared;
  }
  return shared;
}

class ScenarioCompiler {
 public:
  ScenarioCompiler(const scenario::Scenario& scenario, const CompileContext& context,
                   scenario::Problems& problems, CompileCounts& counts)
      : scenario_(scenario),
        context_(context),
        problems_(problems),
        steps_(scenario, context, problems, counts),
        counts_(counts) {}

  CompiledScenario Run() {
    CompiledScenario out;
    out.source = &scenario_;
    out.timeout = scenario_.timeout.value_or(context_.project.defaults.scenario_timeout);
    CheckHead();
    Names names{
        context_.BaseFor(scenario_.source == nullptr ? "" : scenario_.source->name()), {}, {}, {}};
    Items(names, out);
    Vars(names, out);
    Fixtures(names, out);
    out.steps = steps_.Steps(scenario_.steps, names);
    const size_t unasserted = counts_.unasserted.size();
    Names after = names;
    out.cleanup = steps_.Steps(scenario_.cleanup, after);
    counts_.unasserted.resize(unasserted);  // cleanup need not prove anything
    for (size_t i = 0; i < scenario_.success.size(); ++i) {
      auto condition = steps_.expressions().Condition(names.Here(), scenario_.success[i],
                                                      fmt::format("success[{}]", i));
      if (condition) out.success.push_back(*std::move(condition));
    }
    steps_.CheckVerifies(scenario_.verifies);
    out.scale = steps_.expressions().Template(names.Here(), scenario_.scale, "scale");
    out.verifies.assign(steps_.verified().begin(), steps_.verified().end());
    if (out.verifies.empty() && scenario_.verifies.empty()) {
      problems_.Warn(fmt::format("the scenario {} verifies no requirement", scenario_.id.text),
                     scenario_.id.span, "add `verifies: [ID]` to it or to its steps");
    }
    return out;
  }

 private:
  void CheckHead() {
    if (!IsScenarioId(scenario_.id.text)) {
      problems_.Add(
          ErrorCode::kInvalid,
          fmt::format("expected an id of letters, digits, \".\", \"_\" and \"-\", found \"{}\"",
                      scenario_.id.text),
          scenario_.id.span);
    }
    if (scenario_.title.empty()) {
      problems_.Warn(fmt::format("the scenario {} has no title", scenario_.id.text),
                     scenario_.id.span, "say in one line what it shows: `title: ...`");
    }
    if (scenario_.steps.empty()) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("the scenario {} has no steps", scenario_.id.text),
                    scenario_.id.span);
    }
    for (const scenario::Text& name : scenario_.environments) {
      if (context_.environment_names.empty() || Contains(context_.environment_names, name.text)) {
        continue;
      }
      problems_.Add(ErrorCode::kNotFound, fmt::format("unknown environment \"{}\"", name.text),
                    name.span, base::SuggestionFor(name.text, context_.environment_names));
    }
  }

  // Evaluated when the plan is made, so only what is known then may be used.
  void Items(Names& names, CompiledScenario& out) {
    if (!scenario_.for_each) return;
    if (!steps_.CheckIdentifier(scenario_.for_each->variable, "loop variable")) return;
    out.loop_variable = scenario_.for_each->variable.text;
    out.items = steps_.expressions().Template(names.outer, scenario_.for_each->items, "for_each");
    const cel::Type list = out.items->StaticType();
    if (!list.is_dyn() && list.kind() != cel::TypeKind::kList) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("expected a list for \"for_each\", found {}", list.ToString()),
                    scenario_.for_each->items.span);
      return;
    }
    names.outer.Variable(out.loop_variable,
                         list.is_dyn() ? cel::Type::Dyn() : list.parameters().front());
  }

  void Vars(Names& names, CompiledScenario& out) {
    AddVars(context_.project.vars, names, out);
    // Every environment's names are known, the values are those of the chosen one.
    for (const scenario::Environment& environment : context_.project.environments) {
      if (&environment == context_.environment) {
        AddVars(environment.vars, names, out);
      } else {
        for (const scenario::NamedTemplate& one : environment.vars) {
          names.vars.Add(one.name.text, cel::Type::Dyn());
        }
      }
    }
    AddVars(scenario_.vars, names, out);
    for (const auto& [name, text] : context_.overrides) {
      if (!names.vars.Has(name)) continue;  // another scenario's; Resolve reports unknown ones
      auto node = scenario::yaml::ResolvePlain(text, {});
      Replace(out, {name, PlannedTemplate::Constant(
                              node ? ToValue(**node) : cel::Value::String(text), {})});
      names.vars.Add(name, cel::Type::Dyn());
    }
  }

  void AddVars(const std::vector<scenario::NamedTemplate>& vars, Names& names,
               CompiledScenario& out) {
    for (const scenario::NamedTemplate& one : vars) {
      if (!steps_.CheckIdentifier(one.name, "variable")) continue;
      PlannedTemplate value =
          steps_.expressions().Template(names.Here(), one.value, "vars." + one.name.text);
      names.vars.Add(one.name.text, value.StaticType());
      Replace(out, {one.name.text, std::move(value)});
    }
  }

  static void Replace(CompiledScenario& out, NamedValue value) {
    std::erase_if(out.vars, [&](const NamedValue& known) { return known.name == value.name; });
    out.vars.push_back(std::move(value));
  }

  void Fixtures(Names& names, CompiledScenario& out) {
    const scenario::ActionSchema* generate = context_.registry.FindAction("generate");
    for (const scenario::Fixture& fixture : scenario_.fixtures) {
      if (!steps_.CheckIdentifier(fixture.name, "fixture")) continue;
      const std::string place = "fixtures." + fixture.name.text;
      out.fixtures.push_back({fixture.name.text, generate,
                              steps_.expressions().Template(names.Here(), fixture.params, place)});
    }
    DeclareFixtures(names.outer, scenario_,
                    generate == nullptr ? cel::Type::Dyn()
                                        : CelObjectOf(generate->outcome, generate->outcome_open));
  }

  const scenario::Scenario& scenario_;
  const CompileContext& context_;
  scenario::Problems& problems_;
  StepCompiler steps_;
  CompileCounts& counts_;
};

}  // namespace

CompileContext::CompileContext(const scenario::Project& of_project,
                               const scenario::SchemaRegistry& of_registry,
                               const RequirementIndex& of_requirements,
                               std::shared_ptr<DataFiles> of_data)
    : project(of_project),
      registry(of_registry),
      requirements(of_requirements),
      data(std::move(of_data)),
      requirement_ids(of_requirements.Ids()) {
  DeclareFake(base);
  base = OuterNames(base, project);
  for (const scenario::Environment& one : project.environments) {
    environment_names.push_back(one.name.text);
  }
}

const cel::Environment& CompileContext::BaseFor(const std::string& file) const {
  const std::string_view folder = FolderOf(file);
  const auto known = by_folder_.find(folder);
  if (known != by_folder_.end()) return known->second;
  cel::Environment extended = base;
  DeclareDataFiles(extended, data, file);
  return by_folder_.emplace(std::string(folder), std::move(extended)).first->second;
}

const scenario::Fragment* CompileContext::FindFragment(std::string_view name,
                                                       std::string_view file) const {
  const scenario::Fragment* nearest = nullptr;
  size_t most = 0;
  for (const scenario::Fragment& fragment : project.fragments) {
    if (fragment.name.text != name) continue;
    const size_t shared = SharedFolders(FolderOf(fragment.source->name()), file);
    if (nearest == nullptr || shared > most) {
      nearest = &fragment;
      most = shared;
    }
  }
  return nearest;
}

std::shared_ptr<const CompiledScenario> CompileScenario(const scenario::Scenario& scenario,
                                                        const CompileContext& context,
                                                        scenario::Problems& problems,
                                                        CompileCounts& counts) {
  const size_t before = problems.errors().size() + problems.dropped();
  const size_t unasserted = counts.unasserted.size();
  CompiledScenario compiled = ScenarioCompiler(scenario, context, problems, counts).Run();
  CheckLedgers(compiled, problems);
  compiled.unasserted = counts.unasserted.size() - unasserted;
  if (problems.errors().size() + problems.dropped() > before) return nullptr;
  return std::make_shared<const CompiledScenario>(std::move(compiled));
}

}  // namespace assay::plan
