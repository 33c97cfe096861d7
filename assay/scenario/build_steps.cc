#include <utility>

#include <fmt/format.h>

#include "assay/scenario/build.h"
#include "assay/scenario/template.h"
#include "assay/scenario/validate.h"
#include "lib/base/units.h"

namespace assay::scenario {
namespace {

using yaml::Node;

class StepBuilder {
 public:
  StepBuilder(const SchemaRegistry& registry, Problems& problems)
      : registry_(registry), problems_(problems) {}

  std::vector<Step> Steps(const Node& list) {
    std::vector<Step> steps;
    if (!list.is_sequence()) return steps;
    steps.reserve(list.items().size());
    for (const yaml::NodePtr& item : list.items()) {
      if (auto step = Build(item)) steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  std::optional<Step> Build(const yaml::NodePtr& node) {
    if (!node->is_map()) return std::nullopt;
    Problems reported_before;
    const auto parts = TakeApart(*node, registry_, reported_before);
    if (!parts) return std::nullopt;
    Step step;
    step.raw = node;
    step.span = node->span();
    step.action = {parts->action->name, parts->named->key_span};
    ReadFields(*node, step);
    ReadParams(*parts, step);
    return step;
  }

  void ReadFields(const Node& node, Step& step) {
    step.name = ReadText(node, "name");
    step.id = ReadText(node, "id");
    step.at = ReadText(node, "at");
    step.timeout = ReadDuration(node, "timeout");
    step.background = ReadBool(node, "background").value_or(false);
    step.optional = ReadBool(node, "optional").value_or(false);
    step.expect = ReadExpressions(node, "expect", problems_);
    step.verifies = ReadTexts(node, "verifies");
    if (ReadText(node, "on_failure").text == "continue") step.on_failure = OnFailure::kContinue;
    if (const Node* when = node.Find("when"); when != nullptr && when->is_scalar()) {
      step.when = ParseExpression(*when, problems_);
    }
    if (const Node* save = node.Find("save"); save != nullptr && save->is_map()) {
      for (const yaml::Entry& entry : save->entries()) {
        if (!entry.value->is_scalar()) continue;
        step.save.push_back(
            {{entry.key, entry.key_span}, ParseExpression(*entry.value, problems_)});
      }
    }
    ReadRetry(node, step);
    ReadPoll(node, step);
    ReadRecord(node, step);
  }

  static void ReadRetry(const Node& node, Step& step) {
    const yaml::Entry* entry = node.FindEntry("retry");
    if (entry == nullptr) return;
    Retry retry;
    retry.span = entry->key_span;
    if (entry->value->kind() == yaml::NodeKind::kInt) {
      retry.times = entry->value->as_int();
    } else if (entry->value->is_map()) {
      const Node& map = *entry->value;
      retry.times = ReadInt(map, "times").value_or(retry.times);
      retry.every = ReadDuration(map, "every").value_or(retry.every);
      if (ReadText(map, "backoff").text == "exponential") retry.backoff = Backoff::kExponential;
    }
    step.retry = retry;
  }

  void ReadPoll(const Node& node, Step& step) {
    const yaml::Entry* entry = node.FindEntry("poll");
    if (entry == nullptr || !entry->value->is_map()) return;
    Poll poll;
    poll.span = entry->key_span;
    poll.every = ReadDuration(*entry->value, "every").value_or(poll.every);
    poll.limit = ReadDuration(*entry->value, "for");
    const Node* until = entry->value->Find("until");
    if (until == nullptr || !until->is_scalar()) return;
    poll.until = ParseExpression(*until, problems_);
    step.poll = std::move(poll);
  }

  void ReadRecord(const Node& node, Step& step) {
    const yaml::Entry* entry = node.FindEntry("record");
    if (entry == nullptr || !entry->value->is_map()) return;
    Record record;
    record.span = entry->key_span;
    record.ledger = ReadText(*entry->value, "ledger");
    record.op = ReadText(*entry->value, "op");
    record.key = ReadTemplate(*entry->value, "key", problems_);
    record.value = ReadTemplate(*entry->value, "value", problems_);
    step.record = std::move(record);
  }

  void ReadParams(const StepParts& parts, Step& step) {
    step.params = EmptyTemplateMap(parts.named->key_span);
    for (const yaml::Entry& entry : parts.params->entries()) {
      const Field* field = parts.action->params.Find(entry.key);
      const Type type = field == nullptr ? Type::Any() : field->type;
      Typed({entry.key, entry.key_span, entry.value}, type, entry.key, step.params.entries, step);
    }
  }

  // Adds one parameter to `out`, following its type to the conditions and step lists inside it.
  void Typed(const yaml::Entry& entry, const Type& type, const std::string& path,
             std::vector<TemplateEntry>& out, Step& step) {
    if (type.kind() == TypeKind::kSteps && entry.value->is_sequence()) {
      step.blocks.push_back({path, {}, Steps(*entry.value)});
      return;
    }
    out.push_back({entry.key, entry.key_span, Value(entry.value, type, path, step)});
  }

  Template Value(const yaml::NodePtr& node, const Type& type, const std::string& path, Step& step) {
    if (type.kind() == TypeKind::kAnyOf) return Value(node, Chosen(*node, type), path, step);
    if (type.kind() == TypeKind::kExpression && node->is_scalar()) {
      Template condition;
      condition.kind = TemplateKind::kCondition;
      condition.span = node->span();
      condition.expression = ParseExpression(*node, problems_);
      return condition;
    }
    if (type.kind() == TypeKind::kList && node->is_sequence()) {
      Template list;
      list.kind = TemplateKind::kSequence;
      list.span = node->span();
      for (size_t i = 0; i < node->items().size(); ++i) {
        list.items.push_back(
            Value(node->items()[i], type.element(), fmt::format("{}[{}]", path, i), step));
      }
      return list;
    }
    if ((type.kind() == TypeKind::kObject || type.kind() == TypeKind::kMap) && node->is_map()) {
      return Map(*node, type, path, step);
    }
    return ParseTemplate(node, problems_);
  }

  Template Map(const Node& node, const Type& type, const std::string& path, Step& step) {
    Template map = EmptyTemplateMap(node.span());
    const size_t first_block = step.blocks.size();
    for (const yaml::Entry& entry : node.entries()) {
      RefuseExpressionInKey(entry, problems_);
      const Field* field =
          type.kind() == TypeKind::kObject ? type.table().Find(entry.key) : nullptr;
      const Type inner = type.kind() == TypeKind::kMap ? type.element()
                         : field == nullptr            ? Type::Any()
                                                       : field->type;
      Typed(entry, inner, fmt::format("{}.{}", path, entry.key), map.entries, step);
    }
    for (size_t i = first_block; i < step.blocks.size(); ++i) {
      if (step.blocks[i].name.empty()) step.blocks[i].name = ReadText(node, "name");
    }
    return map;
  }

  // The alternative that the validator accepted.
  const Type& Chosen(const Node& node, const Type& type) const {
    for (const Type& part : type.alternatives()) {
      Problems trial(1);
      Validator(registry_, trial).CheckValue(node, part, "", true);
      if (trial.ok()) return part;
    }
    return type.alternatives().front();
  }

  const SchemaRegistry& registry_;
  Problems& problems_;
};

}  // namespace

const StepBlock* Step::FindBlock(std::string_view path) const {
  for (const StepBlock& block : blocks) {
    if (block.path == path) return &block;
  }
  return nullptr;
}

Text ReadText(const Node& map, std::string_view key) {
  const Node* value = map.Find(key);
  if (value == nullptr || !value->is_scalar() || value->is_null()) return {};
  return {value->text(), value->span()};
}

std::vector<Text> ReadTexts(const Node& map, std::string_view key) {
  const Node* value = map.Find(key);
  std::vector<Text> texts;
  if (value == nullptr || value->is_null()) return texts;
  if (value->is_scalar()) texts.push_back({value->text(), value->span()});
  for (const yaml::NodePtr& item : value->items()) {
    if (item->is_scalar() && !item->is_null()) texts.push_back({item->text(), item->span()});
  }
  return texts;
}

std::vector<std::string> ReadWords(const Node& map, std::string_view key) {
  std::vector<std::string> words;
  for (Text& text : ReadTexts(map, key)) words.push_back(std::move(text.text));
  return words;
}

std::optional<bool> ReadBool(const Node& map, std::string_view key) {
  const Node* value = map.Find(key);
  if (value == nullptr || value->kind() != yaml::NodeKind::kBool) return std::nullopt;
  return value->as_bool();
}

std::optional<int64_t> ReadInt(const Node& map, std::string_view key) {
  const Node* value = map.Find(key);
  if (value == nullptr || value->kind() != yaml::NodeKind::kInt) return std::nullopt;
  return value->as_int();
}

std::optional<base::Duration> ReadDuration(const Node& map, std::string_view key) {
  const Node* value = map.Find(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto duration = base::ParseDuration(value->text());
  if (!duration) return std::nullopt;
  return *duration;
}

std::vector<Expression> ReadExpressions(const Node& map, std::string_view key, Problems& problems) {
  const Node* value = map.Find(key);
  std::vector<Expression> expressions;
  if (value == nullptr || value->is_null()) return expressions;
  if (value->is_scalar()) expressions.push_back(ParseExpression(*value, problems));
  for (const yaml::NodePtr& item : value->items()) {
    if (item->is_scalar() && !item->is_null()) {
      expressions.push_back(ParseExpression(*item, problems));
    }
  }
  return expressions;
}

std::vector<NamedTemplate> ReadNamed(const Node& map, std::string_view key, Problems& problems) {
  std::vector<NamedTemplate> named;
  const Node* value = map.Find(key);
  if (value == nullptr || !value->is_map()) return named;
  for (const yaml::Entry& entry : value->entries()) {
    named.push_back({{entry.key, entry.key_span}, ParseTemplate(entry.value, problems)});
  }
  return named;
}

std::optional<Template> ReadTemplate(const Node& map, std::string_view key, Problems& problems) {
  const yaml::NodePtr value = map.FindShared(key);
  if (value == nullptr) return std::nullopt;
  return ParseTemplate(value, problems);
}

std::vector<Step> BuildSteps(const Node& map, std::string_view key, const SchemaRegistry& registry,
                             Problems& problems) {
  const Node* list = map.Find(key);
  if (list == nullptr) return {};
  return StepBuilder(registry, problems).Steps(*list);
}

}  // namespace assay::scenario
