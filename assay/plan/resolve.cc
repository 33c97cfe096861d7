#include "assay/plan/resolve.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "assay/plan/compile/compiler.h"
#include "assay/plan/order.h"
#include "assay/plan/path.h"
#include "assay/scenario/loader.h"
#include "lib/base/suggest.h"

namespace assay::plan {
namespace {

using base::ErrorCode;
using scenario::Problems;
using scenario::Scenario;
using scenario::Text;

bool NamesIt(const std::vector<Text>& globs, std::string_view text) {
  return std::ranges::any_of(
      globs, [&](const Text& glob) { return scenario::MatchesGlob(text, glob.text); });
}

bool Shares(const std::vector<Text>& wanted, const std::vector<Text>& has) {
  return std::ranges::any_of(wanted, [&](const Text& text) {
    return std::ranges::find(has, text.text, &Text::text) != has.end();
  });
}

bool VerifiesAny(const std::vector<Text>& globs, const std::vector<scenario::Step>& steps) {
  return std::ranges::any_of(steps, [&](const scenario::Step& step) {
    return std::ranges::any_of(step.verifies,
                               [&](const Text& id) { return NamesIt(globs, id.text); }) ||
           std::ranges::any_of(step.blocks, [&](const scenario::StepBlock& block) {
             return VerifiesAny(globs, block.steps);
           });
  });
}

const scenario::Environment* ChooseEnvironment(const scenario::Project& project,
                                               const ResolveOptions& options, Problems& problems) {
  const bool asked = !options.environment.empty();
  const std::string& name = asked ? options.environment : project.default_environment.text;
  if (name.empty()) {
    return project.environments.size() == 1 ? &project.environments.front() : nullptr;
  }
  std::vector<std::string> names;
  for (const scenario::Environment& one : project.environments) {
    if (one.name.text == name) return &one;
    names.push_back(one.name.text);
  }
  problems.Add(
      ErrorCode::kNotFound, fmt::format("unknown environment \"{}\"", name),
      asked ? base::SourceSpan{} : project.default_environment.span,
      names.empty() ? "assay.yaml names no environments" : base::SuggestionFor(name, names));
  return nullptr;
}

void CheckOverrides(const scenario::Project& project, const ResolveOptions& options,
                    Problems& problems) {
  std::set<std::string> declared;
  const auto add = [&](const std::vector<scenario::NamedTemplate>& vars) {
    for (const scenario::NamedTemplate& one : vars) declared.insert(one.name.text);
  };
  add(project.vars);
  for (const scenario::Environment& one : project.environments) add(one.vars);
  for (const Scenario& one : project.scenarios) add(one.vars);
  const std::vector<std::string> names(declared.begin(), declared.end());
  for (const auto& [name, value] : options.overrides) {
    if (declared.contains(name)) continue;
    const std::string nearest = base::Nearest(name, names);
    problems.Add(ErrorCode::kNotFound, fmt::format("unknown variable \"{}\"", name), {},
                 nearest.empty() ? "declare it in `vars` of the project or a scenario"
                                 : fmt::format("did you mean \"{}\"?", nearest));
  }
}

cel::Value TextMap(const std::vector<std::pair<std::string, std::string>>& entries) {
  cel::MapBuilder map;
  for (const auto& [key, value] : entries) map.Set(key, cel::Value::String(value));
  return std::move(map).Build();
}

// The list of a scenario's for_each; one null without it.
std::vector<cel::Value> Instances(const CompiledScenario& compiled, const RunPlan& plan,
                                  const ResolveOptions& options, Problems& problems) {
  if (!compiled.items) return {cel::Value::Null()};
  const PlannedScenario only{.compiled = std::make_shared<const CompiledScenario>(compiled)};
  cel::MapActivation variables;
  variables
      .Set("run", RunVariable(options.run_id, options.seed, options.started, options.results_dir))
      .Set("env", TextMap(options.process_environment))
      .Set("environment",
           EnvironmentVariable(plan.environment, cel::Value::Object({}), cel::Value::Object({})))
      .Set("scenario", ScenarioVariable(only, ""));
  auto list = compiled.items->Evaluate(
      {.variables = variables, .seed = options.seed, .path = compiled.source->id.text});
  const base::SourceSpan& span = compiled.items->span();
  if (!list) {
    base::Error error = std::move(list).error();
    if (!error.span.known()) error.span = span;
    problems.Add(std::move(error));
    return {};
  }
  if (!list->is_list()) {
    problems.Add(
        ErrorCode::kInvalid,
        fmt::format("expected a list for \"for_each\", found {}", cel::ToString(list->kind())),
        span);
    return {};
  }
  constexpr size_t kMostInstances = 100'000;
  if (list->list().size() > kMostInstances) {
    problems.Add(ErrorCode::kTooLarge,
                 fmt::format("found {} instances of the scenario, expected at most {}",
                             list->list().size(), kMostInstances),
                 span);
    return {};
  }
  if (list->list().empty()) {
    problems.Warn(fmt::format("the scenario {} has no instances: its list is empty",
                              compiled.source->id.text),
                  span);
  }
  return {list->list().begin(), list->list().end()};
}

std::string SkipReason(const Scenario& scenario, const scenario::Environment* environment) {
  if (environment == nullptr || scenario.environments.empty()) return {};
  const bool named = std::ranges::any_of(
      scenario.environments, [&](const Text& one) { return one.text == environment->name.text; });
  return named ? "" : fmt::format("not meant for the environment {}", environment->name.text);
}

struct Resolved {
  RunPlan plan;
  CompileCounts counts;
};

Resolved ResolveAll(std::shared_ptr<const scenario::Project> project,
                    const scenario::SchemaRegistry& registry, const scenario::FileSource& files,
                    const ResolveOptions& options, Problems& problems) {
  Resolved out;
  RunPlan& plan = out.plan;
  plan.project = std::move(project);
  const std::vector<Scenario>& all = plan.project->scenarios;
  plan.environment = ChooseEnvironment(*plan.project, options, problems);
  CheckOverrides(*plan.project, options, problems);
  CheckDependencies(all, problems);
  const RequirementIndex requirements(*plan.project, problems);
  const auto data = std::make_shared<DataFiles>(files);
  CompileContext context(*plan.project, registry, requirements, data);
  context.overrides = options.overrides;
  context.environment = plan.environment;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < all.size(); ++i) {
    if (Selects(options.select, all[i])) chosen.push_back(i);
  }
  // Where loads are divided every shard runs everything, and of each load its own part.
  if (options.shard && DividesLoads(all, chosen)) {
    RefuseLedgers(all, chosen, problems);
  } else if (options.shard) {
    chosen = OfShard(all, chosen, *options.shard);
  }
  std::map<std::string_view, std::vector<size_t>> placed;  // indexes of the instances by id
  for (const size_t i : InOrder(all, chosen)) {
    const auto compiled = CompileScenario(all[i], context, problems, out.counts);
    if (compiled == nullptr) continue;
    std::vector<size_t> after;
    for (const Text& dependency : all[i].after) {
      const auto found = placed.find(dependency.text);
      if (found != placed.end())
        after.insert(after.end(), found->second.begin(), found->second.end());
    }
    size_t instance = 0;
    for (cel::Value& value : Instances(*compiled, plan, options, problems)) {
      ++instance;
      placed[all[i].id.text].push_back(plan.scenarios.size());
      plan.scenarios.push_back({.compiled = compiled,
                                .instance = instance,
                                .path = ScenarioPath(all[i].id.text, instance),
                                .loop_value = std::move(value),
                                .after = after,
                                .skip_reason = SkipReason(all[i], plan.environment)});
    }
  }
  plan.read_files = data->Read();
  return out;
}

}  // namespace

bool Selects(const scenario::Selection& select, const Scenario& scenario) {
  if (NamesIt(select.exclude, scenario.id.text)) return false;
  if (!select.ids.empty() && !NamesIt(select.ids, scenario.id.text)) return false;
  if (!select.tags.empty() && !Shares(select.tags, scenario.tags) &&
      !Shares(select.tags, scenario.category)) {
    return false;
  }
  if (!select.categories.empty() && !Shares(select.categories, scenario.category)) return false;
  if (!select.systems.empty() && !Shares(select.systems, {scenario.system})) return false;
  if (!select.priorities.empty() &&
      !Shares(select.priorities, {{std::string(ToString(scenario.priority)), {}}})) {
    return false;
  }
  if (select.verifies.empty()) return true;
  const bool by_head = std::ranges::any_of(
      scenario.verifies, [&](const Text& id) { return NamesIt(select.verifies, id.text); });
  return by_head || VerifiesAny(select.verifies, scenario.steps);
}

RunPlan Resolve(std::shared_ptr<const scenario::Project> project,
                const scenario::SchemaRegistry& registry, const scenario::FileSource& files,
                const ResolveOptions& options, Problems& problems) {
  return ResolveAll(std::move(project), registry, files, options, problems).plan;
}

CheckReport Check(const scenario::FileSource& files, const scenario::SchemaRegistry& registry) {
  CheckReport report;
  auto project = std::make_shared<const scenario::Project>(
      scenario::Loader(files, registry).LoadProject(report.problems));
  report.project = project;
  Resolved resolved = ResolveAll(project, registry, files, {}, report.problems);
  report.scenarios = project->scenarios.size();
  report.instances = resolved.plan.scenarios.size();
  report.steps = resolved.counts.steps;
  report.expressions = resolved.counts.expressions;
  report.unasserted = std::move(resolved.counts.unasserted);
  std::set<std::string> verified;
  for (const PlannedScenario& one : resolved.plan.scenarios) {
    verified.insert(one.compiled->verifies.begin(), one.compiled->verifies.end());
  }
  for (const scenario::RequirementCatalogue& catalogue : project->catalogues) {
    report.requirements += catalogue.requirements.size();
    for (const scenario::Requirement& requirement : catalogue.requirements) {
      if (!verified.contains(requirement.id.text)) report.unverified.push_back(requirement.id.text);
    }
  }
  return report;
}

std::vector<ListedScenario> List(const RunPlan& plan) {
  const auto words = [](const std::vector<Text>& texts) {
    std::vector<std::string> out;
    for (const Text& text : texts) out.push_back(text.text);
    return out;
  };
  std::vector<ListedScenario> listed;
  for (const PlannedScenario& one : plan.scenarios) {
    const Scenario& source = one.source();
    if (!listed.empty() && listed.back().id == source.id.text) {
      ++listed.back().instances;
      continue;
    }
    listed.push_back({.path = one.path,
                      .id = source.id.text,
                      .title = source.title.text,
                      .system = source.system.text,
                      .priority = std::string(ToString(source.priority)),
                      .file = source.source->name(),
                      .instances = 1,
                      .category = words(source.category),
                      .tags = words(source.tags),
                      .verifies = one.compiled->verifies,
                      .skip_reason = one.skip_reason});
  }
  return listed;
}

}  // namespace assay::plan
