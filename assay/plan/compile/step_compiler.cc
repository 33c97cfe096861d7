#include "assay/plan/compile/step_compiler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/plan/asserted.h"
#include "assay/plan/convert.h"
#include "assay/plan/path.h"
#include "lib/base/suggest.h"

namespace assay::plan {

using base::ErrorCode;

namespace {

std::string TitleOf(const scenario::Step& source) {
  if (!source.name.empty()) return source.name.text;
  const scenario::yaml::Node* value = source.raw->Find(source.action.text);
  if (value == nullptr || !value->is_scalar() || value->text().empty()) return source.action.text;
  return fmt::format("{} {}", source.action.text,
                     std::string_view(value->text()).substr(0, value->text().find('\n')));
}

// Whether a parameter is there; dots lead into it.
bool Has(const PlannedTemplate& params, std::string_view rest) {
  const PlannedTemplate* at = &params;
  while (at != nullptr && !rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    at = at->Find(name);
  }
  return at != nullptr;
}

bool Listens(const PlannedStep& step) {
  const std::vector<std::string>& only = step.action->listening_params;
  return step.action->listens &&
         (only.empty() || std::ranges::any_of(only, [&](const std::string& name) {
            return step.params.Find(name) != nullptr;
          }));
}

// `limit_param` beside the parameters, or inside the one that makes it a listener.
bool LimitsItself(const PlannedStep& step) {
  const std::string& limit = step.action->limit_param;
  if (limit.empty()) return false;
  if (Has(step.params, limit)) return true;
  return std::ranges::any_of(step.action->listening_params, [&](const std::string& name) {
    const PlannedTemplate* listener = step.params.Find(name);
    return listener != nullptr && listener->Find(limit) != nullptr;
  });
}

}  // namespace

bool StepCompiler::CheckIdentifier(const scenario::Text& name, std::string_view what) {
  if (IsIdentifier(name.text)) return true;
  problems_.Add(ErrorCode::kInvalid,
                fmt::format("expected a name of letters, digits and _ for the {}, found \"{}\"",
                            what, name.text),
                name.span, "expressions use the name, so it has to be an identifier");
  return false;
}

void StepCompiler::CheckVerifies(const std::vector<scenario::Text>& ids) {
  for (const scenario::Text& id : ids) {
    if (context_.requirements.Find(id.text) != nullptr) {
      verified_.insert(id.text);
      continue;
    }
    const std::string nearest = base::Nearest(id.text, context_.requirement_ids);
    problems_.Add(ErrorCode::kNotFound, fmt::format("unknown requirement \"{}\"", id.text), id.span,
                  nearest.empty() ? "requirements stand in suites/<system>/requirements.yaml"
                                  : fmt::format("did you mean \"{}\"?", nearest));
  }
}

std::vector<PlannedStep> StepCompiler::Steps(const std::vector<scenario::Step>& steps,
                                             Names& names) {
  std::vector<PlannedStep> planned;
  planned.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) planned.push_back(Step(steps[i], i + 1, names));
  return planned;
}

PlannedStep StepCompiler::Step(const scenario::Step& source, size_t position, Names& names) {
  ++counts_.steps;
  PlannedStep step;
  step.source = &source;
  step.action = context_.registry.FindAction(source.action.text);
  step.title = TitleOf(source);
  Identify(source, position, names, step);
  CheckVerifies(source.verifies);
  for (const scenario::Text& id : source.verifies) step.verifies.push_back(id.text);
  Conditions(source, names, step);
  Params(source, names, step);
  Blocks(source, names, step);
  if (step.is("join")) Join(source, names, step);
  if (step.is("set")) Set(names, step);
  OnOutcome(source, names, step);
  step.listens = Listens(step);
  CheckLimits(source, step);
  CountUnasserted(step);
  return step;
}

void StepCompiler::Identify(const scenario::Step& source, size_t position, Names& names,
                            PlannedStep& step) {
  step.segment = fmt::format("{}-{}", source.action.text, position);
  step.has_own_timeout = source.timeout.has_value();
  const bool unlimited =
      step.action->own_time || step.action->role == scenario::ActionRole::kStructure;
  step.timeout = source.timeout.value_or(unlimited ? base::Duration::zero()
                                                   : context_.project.defaults.step_timeout);
  step.retry = source.retry;
  if (!source.at.empty() && std::ranges::find(context_.environment_names, source.at.text) ==
                                context_.environment_names.end()) {
    problems_.Add(ErrorCode::kNotFound, fmt::format("unknown environment \"{}\"", source.at.text),
                  source.at.span, base::SuggestionFor(source.at.text, context_.environment_names));
  }
  if (source.id.empty() || !CheckIdentifier(source.id, "id of a step")) return;
  step.id = source.id.text;
  step.segment = step.id;
  if (names.steps.Has(step.id) || Contains(names.running, step.id)) {
    problems_.Add(ErrorCode::kConflict, fmt::format("found the step id \"{}\" twice", step.id),
                  source.id.span, "ids are unique in a scenario");
  }
}

void StepCompiler::CheckLimits(const scenario::Step& source, const PlannedStep& step) {
  if (source.poll && !source.poll->limit && !source.timeout) {
    problems_.Add(ErrorCode::kInvalid, "found a poll without limit", source.poll->span,
                  "add `for: 30s` to it");
  }
  if (step.listens && !source.timeout && !LimitsItself(step)) {
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("found the listener \"{}\" without limit", source.action.text),
                  source.action.span,
                  step.action->limit_param.empty()
                      ? "add `timeout: 30s` to the step"
                      : fmt::format("add `timeout: 30s` to the step, or give `{}`",
                                    step.action->limit_param));
  }
}

void StepCompiler::Conditions(const scenario::Step& source, const Names& names, PlannedStep& step) {
  if (source.when) step.when = expressions_.Condition(names.Here(), *source.when, "when");
}

void StepCompiler::Params(const scenario::Step& source, const Names& names, PlannedStep& step) {
  if (step.is("use")) return;  // its inputs have types of their own, see Use
  const cel::Environment here = names.Here();
  const cel::Environment outcome = step.is("repeat") ? [&] {
    cel::Environment loop = here;
    loop.Variable("index", cel::Type::Int());
    return loop;
  }()
                                                     : OutcomeNames(step, names);
  expressions_.CollectInto({.names = &outcome,
                            .outer = &here,
                            .open = step.action->outcome_open,
                            .out = &step.conditions});
  auto table = std::make_shared<scenario::ObjectSchema>(step.action->params);
  step.params =
      expressions_.Typed(here, source.params, scenario::Type::Object(std::move(table)), "");
  expressions_.CollectInto({});
}

cel::Environment StepCompiler::OutcomeNames(const PlannedStep& step, const Names& names) const {
  cel::Environment environment = names.Here();
  const cel::Type outcome = OutcomeType(step, names);
  for (const cel::Type::Field& field : outcome.fields()) {
    environment.Variable(field.first, field.second);
  }
  return environment.Variable("error", cel::Type::Dyn());
}

cel::Type StepCompiler::OutcomeType(const PlannedStep& step, const Names& names) const {
  using Openness = cel::Type::Openness;
  if (step.fragment != nullptr) {
    std::vector<cel::Type::Field> fields;
    for (const NamedProgram& output : step.outputs) {
      fields.emplace_back(output.name, output.expression.program().result_type());
    }
    return cel::Type::Object(std::move(fields), Openness::kClosed);
  }
  if (step.joins.size() == 1) {
    const cel::Type steps = names.steps.ToType();
    if (const cel::Type* joined = steps.FindField(step.joins.front())) return *joined;
  }
  return CelObjectOf(step.action->outcome, step.action->outcome_open);
}

void StepCompiler::OnOutcome(const scenario::Step& source, Names& names, PlannedStep& step) {
  const cel::Environment fixed = OutcomeNames(step, names);
  const bool open = OutcomeType(step, names).open();
  const auto names_for = [&](const scenario::Expression& expression) {
    return open ? expressions_.Opened(fixed, expression.text) : fixed;
  };
  if (source.poll) {
    if (auto until = expressions_.Condition(names_for(source.poll->until), source.poll->until,
                                            "poll.until")) {
      step.poll = PlannedPoll{source.poll->every, source.poll->limit, *std::move(until)};
    }
  }
  for (size_t i = 0; i < source.expect.size(); ++i) {
    auto condition = expressions_.Condition(names_for(source.expect[i]), source.expect[i],
                                            fmt::format("expect[{}]", i));
    if (condition) step.expect.push_back(*std::move(condition));
  }
  for (const scenario::NamedExpression& saved : source.save) {
    if (!CheckIdentifier(saved.name, "saved value")) continue;
    auto value = expressions_.Compile(names_for(saved.expression), saved.expression,
                                      "save." + saved.name.text);
    if (value) step.save.push_back({saved.name.text, *std::move(value)});
  }
  if (source.record) {
    PlannedRecord record{source.record->ledger.text, source.record->op.text, {}, {}};
    if (source.record->key) {
      record.key = expressions_.Template(fixed, *source.record->key, "record.key");
    }
    if (source.record->value) {
      record.value = expressions_.Template(fixed, *source.record->value, "record.value");
    }
    step.record = std::move(record);
  }
  const cel::Type outcome = OutcomeType(step, names);
  std::vector<cel::Type::Field> fields(outcome.fields().begin(), outcome.fields().end());
  for (const NamedProgram& saved : step.save) {
    const cel::Type type = saved.expression.program().result_type();
    std::erase_if(fields, [&](const auto& field) { return field.first == saved.name; });
    fields.emplace_back(saved.name, type);
    names.vars.Add(saved.name, type);
  }
  if (step.id.empty()) return;
  if (source.background) names.running.push_back(step.id);
  names.steps.Add(
      step.id, cel::Type::Object(std::move(fields),
                                 open ? cel::Type::Openness::kOpen : cel::Type::Openness::kClosed));
}

void StepCompiler::Blocks(const scenario::Step& source, Names& names, PlannedStep& step) {
  if (step.is("use")) return Use(source, names, step);
  const bool shares_ids = step.is("group");
  for (const scenario::StepBlock& block : source.blocks) {
    PlannedBlock planned{block.path, block.name.text, {}};
    if (step.is("parallel")) {
      Parallel(block, names, planned.steps);
      step.blocks.push_back(std::move(planned));
      continue;
    }
    Names inner = names;
    if (step.is("for_each")) ForEach(source, names, inner, step);
    if (!shares_ids) inner.outer.Variable("index", cel::Type::Int());
    if (step.action->role == scenario::ActionRole::kAction) {
      inner.outer.Variable("vu", cel::Type::Int());
      inner.outer.Variable("row", cel::Type::Dyn());
    }
    planned.steps = Steps(block.steps, inner);
    if (shares_ids) {
      names.steps = inner.steps;
      names.running = inner.running;
    }
    names.vars = inner.vars;
    step.blocks.push_back(std::move(planned));
  }
}

void StepCompiler::Parallel(const scenario::StepBlock& block, Names& names,
                            std::vector<PlannedStep>& out) {
  // A branch sees what was there before, never its siblings.
  const Names before = names;
  for (size_t i = 0; i < block.steps.size(); ++i) {
    Names branch = before;
    branch.running = names.running;
    out.push_back(Step(block.steps[i], i + 1, branch));
    const cel::Type ids = branch.steps.ToType();
    for (const cel::Type::Field& field : ids.fields()) {
      if (before.steps.Has(field.first)) continue;
      if (names.steps.Has(field.first)) {
        problems_.Add(ErrorCode::kConflict,
                      fmt::format("found the step id \"{}\" twice", field.first),
                      block.steps[i].span, "ids are unique in a scenario");
      }
      names.steps.Add(field.first, field.second);
    }
    const cel::Type vars = branch.vars.ToType();
    for (const cel::Type::Field& field : vars.fields()) names.vars.Add(field.first, field.second);
    names.running = branch.running;
  }
}

void StepCompiler::ForEach(const scenario::Step& source, const Names& names, Names& inner,
                           PlannedStep& step) {
  const scenario::Template* each = source.params.Find("each");
  step.loop_variable = "item";
  cel::Type list = cel::Type::Dyn();
  if (each != nullptr && each->kind == scenario::TemplateKind::kMap) {
    if (each->entries.size() != 1) {
      problems_.Add(
          ErrorCode::kInvalid,
          fmt::format("expected one variable in \"for_each\", found {}", each->entries.size()),
          source.action.span, "for_each: { row: \"${{ ... }}\" }");
      return;
    }
    const scenario::TemplateEntry& entry = each->entries.front();
    if (!CheckIdentifier({entry.key, entry.key_span}, "loop variable")) return;
    step.loop_variable = entry.key;
  }
  if (const PlannedTemplate* planned = step.params.Find("each")) {
    // `each` becomes the list itself, whichever way it was written.
    PlannedTemplate items = *planned;
    if (planned->kind() == PlannedTemplate::Kind::kMap) items = planned->entries().front().second;
    list = items.StaticType();
    std::vector<std::pair<std::string, PlannedTemplate>> entries = step.params.entries();
    for (auto& [key, value] : entries) {
      if (key == "each") value = items;
    }
    step.params = PlannedTemplate::Map(std::move(entries), step.params.span());
  }
  static_cast<void>(names);
  if (!list.is_dyn() && list.kind() != cel::TypeKind::kList) {
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("expected a list for \"for_each\", found {}", list.ToString()),
                  each == nullptr ? source.action.span : each->span);
    return;
  }
  inner.outer.Variable(step.loop_variable,
                       list.is_dyn() ? cel::Type::Dyn() : list.parameters().front());
}

void StepCompiler::Join(const scenario::Step& source, Names& names, PlannedStep& step) {
  const scenario::Template* joined = source.params.Find("steps_joined");
  if (joined == nullptr) return;
  std::vector<const scenario::Template*> ids;
  if (joined->kind == scenario::TemplateKind::kSequence) {
    for (const scenario::Template& item : joined->items) ids.push_back(&item);
  } else {
    ids.push_back(joined);
  }
  for (const scenario::Template* id : ids) {
    if (id->kind != scenario::TemplateKind::kLiteral) {
      problems_.Add(ErrorCode::kInvalid,
                    "expected the id of a background step, found an expression", id->span);
      continue;
    }
    const std::string& text = id->literal->text();
    if (!Contains(names.running, text)) {
      problems_.Add(ErrorCode::kNotFound, fmt::format("no background step \"{}\" to join", text),
                    id->span,
                    names.running.empty() ? "" : base::SuggestionFor(text, names.running));
      continue;
    }
    step.joins.push_back(text);
    names.CloseStep(text);
  }
}

void StepCompiler::Set(Names& names, const PlannedStep& step) {
  const PlannedTemplate* values = step.params.Find("values");
  if (values == nullptr) return;
  for (const auto& [name, value] : values->entries()) {
    if (CheckIdentifier({name, value.span()}, "variable")) names.vars.Add(name, value.StaticType());
  }
}

void StepCompiler::CountUnasserted(const PlannedStep& step) {
  const bool could_expect = step.action->role == scenario::ActionRole::kAction &&
                            (!step.action->outcome.empty() || step.action->outcome_open);
  if (!could_expect || IsAsserted(step)) return;
  counts_.unasserted.push_back(fmt::format("{}: {}", step.source->span.ToString(), step.title));
}

}  // namespace assay::plan
