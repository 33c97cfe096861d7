#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "assay/scenario/build.h"
#include "assay/scenario/template.h"

namespace assay::scenario {
namespace {

using yaml::Node;

Priority PriorityOf(const std::string& word) {
  if (word == "critical") return Priority::kCritical;
  if (word == "high") return Priority::kHigh;
  return word == "low" ? Priority::kLow : Priority::kNormal;
}

InputType InputTypeOf(const std::string& word) {
  if (word == "string") return InputType::kString;
  if (word == "int") return InputType::kInt;
  if (word == "double") return InputType::kDouble;
  if (word == "bool") return InputType::kBool;
  if (word == "duration") return InputType::kDuration;
  if (word == "list") return InputType::kList;
  return word == "map" ? InputType::kMap : InputType::kAny;
}

std::vector<NamedExpression> ReadOutputs(const Node& root, Problems& problems) {
  std::vector<NamedExpression> outputs;
  const Node* map = root.Find("outputs");
  if (map == nullptr) return outputs;
  for (const yaml::Entry& entry : map->entries()) {
    if (!entry.value->is_scalar()) continue;
    outputs.push_back({{entry.key, entry.key_span}, ParseExpression(*entry.value, problems)});
  }
  return outputs;
}

std::optional<ForEach> ReadForEach(const Node& root, Problems& problems) {
  const yaml::Entry* entry = root.FindEntry("for_each");
  if (entry == nullptr || !entry->value->is_map()) return std::nullopt;
  const auto& entries = entry->value->entries();
  if (entries.size() != 1) {
    problems.Add(base::ErrorCode::kInvalid,
                 fmt::format("expected one variable in \"for_each\", found {}", entries.size()),
                 entry->key_span, "for_each: { row: \"${{ csv('rows.csv') }}\" }");
    return std::nullopt;
  }
  return ForEach{{entries[0].key, entries[0].key_span}, ParseTemplate(entries[0].value, problems)};
}

Selection ReadSelection(const Node& stage) {
  const Node* node = stage.Find("select");
  if (node == nullptr) return {};
  return {.ids = ReadTexts(*node, "ids"),
          .tags = ReadTexts(*node, "tags"),
          .categories = ReadTexts(*node, "categories"),
          .systems = ReadTexts(*node, "systems"),
          .priorities = ReadTexts(*node, "priorities"),
          .verifies = ReadTexts(*node, "verifies"),
          .exclude = ReadTexts(*node, "exclude")};
}

Stage ReadStage(const Node& node, Problems& problems) {
  Stage stage;
  stage.id = ReadText(node, "id");
  stage.title = ReadText(node, "title");
  stage.select = ReadSelection(node);
  stage.environment = ReadText(node, "environment");
  stage.after = ReadTexts(node, "after");
  stage.jobs = ReadInt(node, "jobs");
  stage.fresh_environment = ReadBool(node, "fresh_environment").value_or(false);
  stage.planned = ReadDuration(node, "planned");
  stage.timeout = ReadDuration(node, "timeout");
  stage.gate = ReadExpressions(node, "gate", problems);
  stage.span = node.span();
  return stage;
}

// A fault without an end of its own.
bool LeavesFault(const Step& step) {
  if (step.action.text == "fault") {
    return step.params.Find("for") == nullptr && step.params.Find("heal") == nullptr;
  }
  return std::ranges::any_of(step.blocks, [](const StepBlock& block) {
    return std::ranges::any_of(block.steps, LeavesFault);
  });
}

// What a scenario breaks is undone when it ends, by a step like any other, so that the proof of it
// is judged, recorded and replayed.
std::vector<Step> HealSteps(const base::SourceSpan& span, const SchemaRegistry& registry,
                            Problems& problems) {
  const auto text = [&](const char* value) { return Node::String(value, false, span); };
  const auto map = [&](std::vector<yaml::Entry> entries) {
    return Node::Map(std::move(entries), span);
  };
  const yaml::NodePtr step = map({{"name", span, text("undo what is still broken")},
                                  {"fault", span, map({{"heal", span, text("all")}})},
                                  {"expect", span, text("!active")}});
  const yaml::NodePtr root = map({{"cleanup", span, Node::Sequence({step}, span)}});
  return BuildSteps(*root, "cleanup", registry, problems);
}

}  // namespace

std::string_view ToString(Priority priority) {
  switch (priority) {
    case Priority::kCritical:
      return "critical";
    case Priority::kHigh:
      return "high";
    case Priority::kNormal:
      return "normal";
    case Priority::kLow:
      return "low";
  }
  return "normal";
}

Scenario BuildScenario(const Node& root, Source source, const SchemaRegistry& registry,
                       Problems& problems) {
  Scenario scenario;
  scenario.source = std::move(source);
  scenario.span = root.span();
  scenario.id = ReadText(root, "id");
  scenario.title = ReadText(root, "title");
  scenario.description = ReadText(root, "description");
  scenario.system = ReadText(root, "system");
  scenario.category = ReadTexts(root, "category");
  scenario.tags = ReadTexts(root, "tags");
  scenario.priority = PriorityOf(ReadText(root, "priority").text);
  scenario.verifies = ReadTexts(root, "verifies");
  scenario.environments = ReadTexts(root, "environments");
  scenario.needs = ReadTexts(root, "needs");
  scenario.after = ReadTexts(root, "after");
  scenario.exclusive = ReadBool(root, "exclusive").value_or(false);
  scenario.optional = ReadBool(root, "optional").value_or(false);
  scenario.timeout = ReadDuration(root, "timeout");
  scenario.estimated = ReadDuration(root, "estimated");
  scenario.retries = ReadInt(root, "retries").value_or(0);
  scenario.vars = ReadNamed(root, "vars", problems);
  for (NamedTemplate& fixture : ReadNamed(root, "fixtures", problems)) {
    scenario.fixtures.push_back({std::move(fixture.name), std::move(fixture.value)});
  }
  scenario.for_each = ReadForEach(root, problems);
  scenario.steps = BuildSteps(root, "steps", registry, problems);
  scenario.cleanup = BuildSteps(root, "cleanup", registry, problems);
  if (std::ranges::any_of(scenario.steps, LeavesFault)) {
    std::vector<Step> heal = HealSteps(root.span(), registry, problems);
    scenario.cleanup.insert(scenario.cleanup.begin(), std::make_move_iterator(heal.begin()),
                            std::make_move_iterator(heal.end()));
  }
  scenario.success = ReadExpressions(root, "success", problems);
  scenario.scale = ReadTemplate(root, "scale", problems).value_or(EmptyTemplateMap(root.span()));
  return scenario;
}

Fragment BuildFragment(const Node& root, Source source, const SchemaRegistry& registry,
                       Problems& problems) {
  Fragment fragment;
  fragment.source = std::move(source);
  fragment.span = root.span();
  fragment.name = ReadText(root, "name");
  fragment.description = ReadText(root, "description");
  const Node* inputs = root.Find("inputs");
  for (const yaml::Entry& entry :
       inputs == nullptr ? std::vector<yaml::Entry>{} : inputs->entries()) {
    FragmentInput input;
    input.name = {entry.key, entry.key_span};
    input.type = InputTypeOf(entry.value->is_map() ? ReadText(*entry.value, "type").text
                                                   : entry.value->text());
    input.fallback = ReadTemplate(*entry.value, "default", problems);
    input.required = !input.fallback.has_value();
    input.doc = ReadText(*entry.value, "doc").text;
    fragment.inputs.push_back(std::move(input));
  }
  fragment.steps = BuildSteps(root, "steps", registry, problems);
  fragment.outputs = ReadOutputs(root, problems);
  return fragment;
}

RequirementCatalogue BuildCatalogue(const Node& root, Source source, Problems& problems) {
  RequirementCatalogue catalogue;
  catalogue.source = std::move(source);
  catalogue.system = ReadText(root, "system");
  catalogue.prefix = ReadText(root, "prefix");
  catalogue.origin = ReadText(root, "source").text;
  std::map<std::string, uint32_t> lines;
  const Node* list = root.Find("requirements");
  for (const yaml::NodePtr& item : list == nullptr ? std::vector<yaml::NodePtr>{} : list->items()) {
    Requirement requirement{.id = ReadText(*item, "id"),
                            .text = ReadText(*item, "text"),
                            .section = ReadText(*item, "section").text,
                            .kind = ReadText(*item, "kind").text,
                            .risk = ReadText(*item, "risk").text,
                            .side = ReadText(*item, "side").text,
                            .accept = ReadText(*item, "accept").text,
                            .note = ReadText(*item, "note").text};
    const Text& id = requirement.id;
    const auto [first, is_new] = lines.emplace(id.text, id.span.line);
    if (!is_new) {
      problems.Add(base::ErrorCode::kConflict,
                   fmt::format("found the requirement {} twice", id.text), id.span,
                   fmt::format("the first one stands on line {}", first->second));
    } else if (!id.text.starts_with(catalogue.prefix.text + "-")) {
      problems.Add(base::ErrorCode::kInvalid,
                   fmt::format("expected an id that begins with \"{}-\", found \"{}\"",
                               catalogue.prefix.text, id.text),
                   id.span);
    }
    catalogue.requirements.push_back(std::move(requirement));
  }
  return catalogue;
}

Plan BuildPlan(const Node& root, Source source, Problems& problems) {
  Plan plan;
  plan.source = std::move(source);
  plan.span = root.span();
  plan.id = ReadText(root, "id");
  plan.title = ReadText(root, "title");
  plan.environment = ReadText(root, "environment");
  plan.levels = ReadWords(root, "levels");
  plan.setting = ReadText(root, "setting").text;
  plan.scopes = ReadWords(root, "scopes");
  plan.stop_on_first_failure = ReadBool(root, "stop_on_first_failure").value_or(false);
  plan.jobs = ReadInt(root, "jobs");
  plan.vars = ReadNamed(root, "vars", problems);
  if (const Node* stages = root.Find("stages")) {
    for (const yaml::NodePtr& item : stages->items()) {
      plan.stages.push_back(ReadStage(*item, problems));
    }
  }
  const Node* criteria = root.Find("criteria");
  for (const yaml::NodePtr& item :
       criteria == nullptr ? std::vector<yaml::NodePtr>{} : criteria->items()) {
    Criterion criterion{.name = ReadText(*item, "name"),
                        .scenarios = ReadTexts(*item, "scenarios"),
                        .holds = std::nullopt,
                        .manual = ReadText(*item, "manual")};
    if (const Node* holds = item->Find("holds"); holds != nullptr && holds->is_scalar()) {
      criterion.holds = ParseExpression(*holds, problems);
    }
    plan.criteria.push_back(std::move(criterion));
  }
  return plan;
}

ProjectDefaults BuildDefaults(const Node& root) {
  ProjectDefaults defaults;
  const Node* node = root.Find("defaults");
  if (node == nullptr) return defaults;
  defaults.step_timeout = ReadDuration(*node, "step_timeout").value_or(defaults.step_timeout);
  defaults.scenario_timeout =
      ReadDuration(*node, "scenario_timeout").value_or(defaults.scenario_timeout);
  defaults.jobs = ReadInt(*node, "jobs").value_or(defaults.jobs);
  defaults.retries = ReadInt(*node, "retries").value_or(defaults.retries);
  if (const Node* redact = node->Find("redact")) {
    defaults.redact_keys = ReadWords(*redact, "keys");
    defaults.redact_patterns = ReadWords(*redact, "patterns");
  }
  if (auto reports = ReadWords(*node, "reports"); !reports.empty()) {
    defaults.report_formats = std::move(reports);
  }
  if (const Text results = ReadText(*node, "results"); !results.empty()) {
    defaults.results_directory = results.text;
  }
  return defaults;
}

}  // namespace assay::scenario
