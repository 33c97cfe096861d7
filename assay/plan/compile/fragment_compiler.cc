// `use`: a fragment's steps with its inputs.

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/plan/compile/step_compiler.h"
#include "assay/plan/convert.h"
#include "lib/base/suggest.h"

namespace assay::plan {
namespace {

using base::ErrorCode;
using scenario::InputType;

scenario::Type SchemaTypeOf(InputType type) {
  switch (type) {
    case InputType::kString:
      return scenario::Type::String();
    case InputType::kInt:
      return scenario::Type::Int();
    case InputType::kDouble:
      return scenario::Type::Number();
    case InputType::kBool:
      return scenario::Type::Bool();
    case InputType::kDuration:
      return scenario::Type::Duration();
    case InputType::kList:
      return scenario::Type::List(scenario::Type::Any());
    case InputType::kMap:
      return scenario::Type::Map(scenario::Type::Any());
    case InputType::kAny:
      break;
  }
  return scenario::Type::Any();
}

std::string_view NameOf(InputType type) {
  switch (type) {
    case InputType::kString:
      return "string";
    case InputType::kInt:
      return "int";
    case InputType::kDouble:
      return "double";
    case InputType::kBool:
      return "bool";
    case InputType::kDuration:
      return "duration";
    case InputType::kList:
      return "list";
    case InputType::kMap:
      return "map";
    case InputType::kAny:
      break;
  }
  return "any";
}

bool Accepts(InputType type, const cel::Type& given) {
  using K = cel::TypeKind;
  const K kind = given.kind();
  if (kind == K::kDyn || kind == K::kParam) return true;
  switch (type) {
    case InputType::kAny:
      return true;
    case InputType::kString:
      return kind == K::kString;
    case InputType::kInt:
      return kind == K::kInt || kind == K::kUint;
    case InputType::kDouble:
      return kind == K::kDouble || kind == K::kInt || kind == K::kUint;
    case InputType::kBool:
      return kind == K::kBool;
    case InputType::kDuration:
      return kind == K::kDuration || kind == K::kString;
    case InputType::kList:
      return kind == K::kList;
    case InputType::kMap:
      return kind == K::kMap || kind == K::kObject;
  }
  return true;
}

}  // namespace

void StepCompiler::Use(const scenario::Step& source, Names& names, PlannedStep& step) {
  const scenario::Template* named = source.params.Find("fragment");
  if (named == nullptr || named->kind != scenario::TemplateKind::kLiteral) {
    problems_.Add(ErrorCode::kInvalid, "expected the name of a fragment, found an expression",
                  named == nullptr ? source.action.span : named->span,
                  "fragments are expanded before anything is evaluated");
    return;
  }
  const std::string& name = named->literal->text();
  const scenario::Fragment* fragment =
      context_.FindFragment(name, scenario_.source == nullptr ? "" : scenario_.source->name());
  if (fragment == nullptr) {
    std::vector<std::string> known;
    for (const scenario::Fragment& one : context_.project.fragments) known.push_back(one.name.text);
    problems_.Add(ErrorCode::kNotFound, fmt::format("unknown fragment \"{}\"", name), named->span,
                  known.empty() ? "fragments stand in suites/<system>/fragments/*.yaml"
                                : base::SuggestionFor(name, known));
    return;
  }
  if (Contains(using_, name)) {
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("the fragment \"{}\" uses itself: {} -> {}", name,
                              fmt::join(using_, " -> "), name),
                  named->span);
    return;
  }
  step.fragment = fragment;
  Names inner{names.outer, {}, names.vars, {}};
  Inputs(source, names, step, inner);
  using_.push_back(name);
  step.blocks.push_back({"steps", "", Steps(fragment->steps, inner)});
  for (const scenario::NamedExpression& output : fragment->outputs) {
    if (!CheckIdentifier(output.name, "output")) continue;
    auto value =
        expressions_.Compile(inner.Here(), output.expression, "outputs." + output.name.text);
    if (value) step.outputs.push_back({output.name.text, *std::move(value)});
  }
  using_.pop_back();
  names.vars = inner.vars;
}

void StepCompiler::Inputs(const scenario::Step& source, const Names& names, PlannedStep& step,
                          Names& inner) {
  const scenario::Template* given = source.params.Find("with");
  const std::vector<scenario::TemplateEntry> none;
  const auto& entries = given == nullptr ? none : given->entries;
  std::vector<std::string> known;
  for (const scenario::FragmentInput& input : step.fragment->inputs)
    known.push_back(input.name.text);
  for (const scenario::TemplateEntry& entry : entries) {
    if (Contains(known, entry.key)) continue;
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("unknown input \"{}\" of the fragment \"{}\"", entry.key,
                              step.fragment->name.text),
                  entry.key_span,
                  known.empty() ? "it has no inputs" : base::SuggestionFor(entry.key, known));
  }
  FieldSet types;
  for (const scenario::FragmentInput& input : step.fragment->inputs) {
    const auto entry = std::ranges::find(entries, input.name.text, &scenario::TemplateEntry::key);
    if (entry == entries.end() && input.required) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("missing input \"{}\" of the fragment \"{}\", expected {}",
                                input.name.text, step.fragment->name.text, NameOf(input.type)),
                    source.action.span, input.doc);
      continue;
    }
    if (!CheckIdentifier(input.name, "input")) continue;
    const scenario::Template& chosen = entry == entries.end() ? *input.fallback : entry->value;
    PlannedTemplate value = expressions_.Template(names.Here(), chosen, "with." + input.name.text);
    const cel::Type found = value.StaticType();
    const scenario::Type wanted = SchemaTypeOf(input.type);
    if (!Accepts(input.type, found)) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("expected {} for the input \"{}\", found {}", NameOf(input.type),
                                input.name.text, found.ToString()),
                    chosen.span);
      continue;
    }
    if (input.type != InputType::kAny) value.Expect(wanted, input.name.text);
    types.Add(input.name.text, input.type == InputType::kAny ? found : CelTypeOf(wanted));
    step.inputs.push_back({input.name.text, std::move(value)});
  }
  inner.outer.Variable("inputs", types.ToType());
}

}  // namespace assay::plan
