#include "assay/scenario/validate.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/scenario/tables/tables.h"
#include "assay/scenario/template.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace assay::scenario {
namespace {

using base::ErrorCode;
using yaml::Node;
using yaml::NodeKind;

// Whether the outer form of the value (scalar, list, map) is that of the type.
bool HasShape(const Node& node, const Type& type) {
  switch (type.kind()) {
    case TypeKind::kAny:
      return true;
    case TypeKind::kList:
    case TypeKind::kSteps:
      return node.is_sequence();
    case TypeKind::kMap:
    case TypeKind::kObject:
      return node.is_map();
    case TypeKind::kAnyOf:
      return std::ranges::any_of(type.alternatives(),
                                 [&](const Type& part) { return HasShape(node, part); });
    default:
      return node.is_scalar() && !node.is_null();
  }
}

bool FitsScalar(const Node& node, const Type& type) {
  switch (type.kind()) {
    case TypeKind::kAny:
      return true;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kExpression:
      return !node.is_null();
    case TypeKind::kInt:
      return node.kind() == NodeKind::kInt;
    case TypeKind::kNumber:
      return node.kind() == NodeKind::kInt || node.kind() == NodeKind::kDouble;
    case TypeKind::kBool:
      return node.kind() == NodeKind::kBool;
    case TypeKind::kDuration:
      return node.is_string() && base::ParseDuration(node.text());
    case TypeKind::kSize:
      return (node.is_string() || node.kind() == NodeKind::kInt) && base::ParseSize(node.text());
    case TypeKind::kEnum:
      return std::ranges::find(type.words(), node.text()) != type.words().end();
    default:
      return false;
  }
}

// What parameters of a step look like to the rest: the keys that are no step fields.
std::vector<const yaml::Entry*> ParameterEntries(const Node& step) {
  std::vector<const yaml::Entry*> entries;
  for (const yaml::Entry& entry : step.entries()) {
    if (StepTable().Find(entry.key) == nullptr) entries.push_back(&entry);
  }
  return entries;
}

std::unexpected<base::Error> StepFailure(std::string message, base::SourceSpan span,
                                         std::string hint = {}) {
  return base::Fail(
      base::Error{ErrorCode::kInvalid, std::move(message), std::move(span), std::move(hint)});
}

// The key that is the action. `http` with `file` beside it is an http action whose parameter is
// `file`, although `file` is an action too.
base::Result<StepParts> FindAction(const Node& step, const SchemaRegistry& registry) {
  std::vector<StepParts> named;
  const auto entries = ParameterEntries(step);
  for (const yaml::Entry* entry : entries) {
    if (const ActionSchema* action = registry.FindAction(entry->key)) {
      named.push_back({action, entry, nullptr});
    }
  }
  const auto covers = [&](const StepParts& one) {
    return std::ranges::all_of(named, [&](const StepParts& other) {
      return other.action == one.action || one.action->params.Find(other.action->name) != nullptr;
    });
  };
  const auto chosen = std::ranges::find_if(named, covers);
  if (chosen != named.end()) return *chosen;
  if (named.size() > 1) {
    return StepFailure(
        fmt::format("found the actions \"{}\" and \"{}\", expected one action in a step",
                    named[0].action->name, named[1].action->name),
        named[1].named->key_span, "make two steps of it");
  }
  if (entries.empty()) {
    return StepFailure("found no action in the step, expected exactly one", step.span(),
                       fmt::format("the actions are {}", fmt::join(registry.ActionNames(), ", ")));
  }
  std::vector<std::string> valid = registry.ActionNames();
  std::ranges::copy(StepTable().FieldNames(), std::back_inserter(valid));
  for (const yaml::Entry* entry : entries) {
    if (const std::string nearest = base::Nearest(entry->key, valid); !nearest.empty()) {
      return StepFailure(fmt::format("unknown key \"{}\" in step", entry->key), entry->key_span,
                         fmt::format("did you mean \"{}\"?", nearest));
    }
  }
  return StepFailure(fmt::format("unknown action \"{}\"", entries[0]->key), entries[0]->key_span,
                     fmt::format("the actions are {}", fmt::join(registry.ActionNames(), ", ")));
}

}  // namespace

std::optional<StepParts> TakeApart(const Node& step, const SchemaRegistry& registry,
                                   Problems& problems) {
  auto found = FindAction(step, registry);
  if (!found) {
    problems.Add(std::move(found).error());
    return std::nullopt;
  }
  StepParts parts = *found;
  std::vector<yaml::Entry> params;
  const Node& value = *parts.named->value;
  const ActionSchema& action = *parts.action;
  const bool long_form = value.is_map() && !action.shorthand_takes_maps;
  if (long_form) {
    params = value.entries();
  } else if (!value.is_null() && action.shorthand.empty()) {
    problems.Add(ErrorCode::kInvalid,
                 fmt::format("expected a map for \"{}\", found {}", action.name, value.Found()),
                 value.span());
    return std::nullopt;
  } else if (!value.is_null()) {
    params.push_back({action.shorthand, parts.named->key_span, parts.named->value});
  }
  std::unordered_set<std::string> taken;
  for (const yaml::Entry& entry : params) taken.insert(entry.key);
  for (const yaml::Entry* entry : ParameterEntries(step)) {
    if (entry == parts.named) continue;
    if (!taken.insert(entry->key).second) {
      problems.Add(ErrorCode::kInvalid,
                   fmt::format("found the parameter \"{}\" twice in the step", entry->key),
                   entry->key_span, "keep it either in the action or beside it");
      continue;
    }
    params.push_back(*entry);
  }
  parts.params = Node::Map(std::move(params), parts.named->key_span);
  return parts;
}

void Validator::Mismatch(const Node& node, const Type& type, const std::string& what) {
  std::string hint;
  if (type.kind() == TypeKind::kEnum) {
    if (const std::string nearest = base::Nearest(node.text(), type.words()); !nearest.empty()) {
      hint = fmt::format("did you mean \"{}\"?", nearest);
    }
  } else if (type.kind() == TypeKind::kDuration && node.kind() == NodeKind::kInt) {
    hint = fmt::format("add a unit, such as {}s", node.text());
  } else if (node.kind() == NodeKind::kString && node.quoted() &&
             (type.kind() == TypeKind::kInt || type.kind() == TypeKind::kBool ||
              type.kind() == TypeKind::kNumber)) {
    hint = "leave the quotes out";
  }
  problems_.Add(
      ErrorCode::kInvalid,
      fmt::format("expected {} for \"{}\", found {}", type.Expected(), what, node.Found()),
      node.span(), std::move(hint));
}

void Validator::CheckScalar(const Node& node, const Type& type, const std::string& what) {
  if (!node.is_scalar() || !FitsScalar(node, type)) Mismatch(node, type, what);
}

void Validator::CheckAnyOf(const Node& node, const Type& type, const std::string& what,
                           bool templates) {
  const Type* same_shape = nullptr;
  size_t same_shapes = 0;
  for (const Type& part : type.alternatives()) {
    if (!HasShape(node, part)) continue;
    Problems trial(1);
    Validator(registry_, trial).CheckValue(node, part, what, templates);
    if (trial.ok()) return;
    same_shape = &part;
    ++same_shapes;
  }
  // A single alternative of that form: its own, deeper problems say more than "expected a or b".
  if (same_shapes == 1 && !node.is_scalar()) {
    CheckValue(node, *same_shape, what, templates);
  } else {
    Mismatch(node, type, what);
  }
}

void Validator::CheckValue(const Node& node, const Type& type, const std::string& what,
                           bool templates) {
  const bool is_template = templates && node.is_string() && HoldsExpression(node.text());
  if (is_template && type.kind() != TypeKind::kExpression && type.kind() != TypeKind::kSteps &&
      type.kind() != TypeKind::kAnyOf) {
    return;
  }
  switch (type.kind()) {
    case TypeKind::kAny:
      return;
    case TypeKind::kAnyOf:
      return CheckAnyOf(node, type, what, templates);
    case TypeKind::kSteps:
      return CheckSteps(node, what);
    case TypeKind::kList:
      if (!node.is_sequence()) return Mismatch(node, type, what);
      for (const yaml::NodePtr& item : node.items()) {
        CheckValue(*item, type.element(), what, templates);
      }
      return;
    case TypeKind::kMap:
      if (!node.is_map()) return Mismatch(node, type, what);
      for (const yaml::Entry& entry : node.entries()) {
        CheckValue(*entry.value, type.element(), fmt::format("{}.{}", what, entry.key), templates);
      }
      return;
    case TypeKind::kObject:
      if (!node.is_map()) return Mismatch(node, type, what);
      return CheckObject(node, type.table(), templates);
    default:
      return CheckScalar(node, type, what);
  }
}

void Validator::CheckKeys(const Node& node, const ObjectSchema& table) {
  if (table.open) return;
  for (const yaml::Entry& entry : node.entries()) {
    if (table.Find(entry.key) != nullptr) continue;
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("unknown key \"{}\" in {}", entry.key, table.name), entry.key_span,
                  base::SuggestionFor(entry.key, table.FieldNames()));
  }
}

void Validator::CheckPresence(const Node& node, const ObjectSchema& table) {
  for (const Field& field : table.fields) {
    if (!field.required || node.FindEntry(field.name) != nullptr) continue;
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("missing key \"{}\" in {}, expected {}", field.name, table.name,
                              field.type.Expected()),
                  node.span(),
                  field.doc.empty() ? "" : fmt::format("{}: {}", field.name, field.doc));
  }
  for (const OneOf& group : table.one_of) {
    std::vector<const yaml::Entry*> present;
    for (const std::string& name : group.names) {
      if (const yaml::Entry* entry = node.FindEntry(name)) present.push_back(entry);
    }
    if (present.size() > 1) {
      problems_.Add(
          ErrorCode::kInvalid,
          fmt::format("found \"{}\" and \"{}\" in {}, expected only one of {}", present[0]->key,
                      present[1]->key, table.name, fmt::join(group.names, ", ")),
          present[1]->key_span);
    } else if (present.empty() && group.required) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("missing key in {}, expected one of {}", table.name,
                                fmt::join(group.names, ", ")),
                    node.span());
    }
  }
}

void Validator::CheckObject(const Node& node, const ObjectSchema& table, bool templates) {
  CheckKeys(node, table);
  CheckPresence(node, table);
  for (const yaml::Entry& entry : node.entries()) {
    const Field* field = table.Find(entry.key);
    if (field == nullptr) continue;
    if (entry.value->is_null() && field->type.kind() != TypeKind::kAny) {
      problems_.Add(
          ErrorCode::kInvalid,
          fmt::format("expected {} for \"{}\", found nothing", field->type.Expected(), entry.key),
          entry.key_span, "leave the key out when there is nothing to say");
      continue;
    }
    CheckValue(*entry.value, field->type, entry.key, templates);
  }
}

void Validator::CheckSteps(const Node& node, const std::string& what) {
  if (!node.is_sequence()) return Mismatch(node, Type::Steps(), what);
  for (const yaml::NodePtr& step : node.items()) CheckStep(*step);
}

void Validator::CheckStep(const Node& node) {
  if (!node.is_map()) {
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("expected a step (a map with an action), found {}", node.Found()),
                  node.span());
    return;
  }
  for (const yaml::Entry& entry : node.entries()) {
    if (const Field* field = StepTable().Find(entry.key)) {
      CheckValue(*entry.value, field->type, entry.key, false);
    }
  }
  const auto parts = TakeApart(node, registry_, problems_);
  if (!parts) return;
  ObjectSchema named = parts->action->params;
  // A misspelt step field beside the action looks like a parameter; both lists are searched.
  for (const yaml::Entry& entry : parts->params->entries()) {
    if (named.open || named.Find(entry.key) != nullptr) continue;
    std::vector<std::string> valid = named.FieldNames();
    std::ranges::copy(StepTable().FieldNames(), std::back_inserter(valid));
    std::string hint = base::Nearest(entry.key, valid);
    hint = hint.empty() ? fmt::format("the parameters of {} are {}", parts->action->name,
                                      fmt::join(named.FieldNames(), ", "))
                        : fmt::format("did you mean \"{}\"?", hint);
    problems_.Add(ErrorCode::kInvalid,
                  fmt::format("unknown key \"{}\" in {} step", entry.key, parts->action->name),
                  entry.key_span, std::move(hint));
  }
  named.open = true;  // unknown keys are reported already
  CheckObject(*parts->params, named, true);
}

}  // namespace assay::scenario
