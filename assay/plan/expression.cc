#include "assay/plan/expression.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/plan/convert.h"
#include "assay/plan/fake.h"

namespace assay::plan {
namespace {

// The scope's variables and, when the expression draws fake data, `fake`.
class ScopedActivation final : public cel::Activation {
 public:
  ScopedActivation(const EvaluationScope& scope, bool uses_fake, const std::string& place)
      : outer_(scope.variables) {
    if (uses_fake) fake_ = MakeFake(scope.seed, fmt::format("{}:{}", scope.path, place));
  }
  std::optional<cel::Value> Find(std::string_view name) const override {
    if (fake_ && name == "fake") return fake_;
    return outer_.Find(name);
  }

 private:
  const cel::Activation& outer_;
  std::optional<cel::Value> fake_;
};

}  // namespace

PlannedExpression::PlannedExpression(cel::Program program, scenario::Expression source,
                                     std::string place)
    : program_(std::move(program)), source_(std::move(source)), place_(std::move(place)) {
  uses_fake_ = std::ranges::any_of(program_.references(), [](const cel::Reference& reference) {
    return reference.front() == "fake";
  });
}

cel::Value PlannedExpression::Evaluate(const EvaluationScope& scope) const {
  return program_.Evaluate(ScopedActivation(scope, uses_fake_, place_), scope.limits);
}

base::Result<cel::Value> PlannedExpression::ValueOf(const EvaluationScope& scope) const {
  cel::Value value = Evaluate(scope);
  if (!value.is_error()) return value;
  base::Error error = value.error();
  if (!error.span.known()) error.span = source_.span;
  return base::Fail(std::move(error).While(fmt::format("evaluating {}", source_.text)));
}

cel::Explanation PlannedExpression::Explain(const EvaluationScope& scope) const {
  return cel::Explain(program_, ScopedActivation(scope, uses_fake_, place_), scope.limits);
}

PlannedTemplate PlannedTemplate::Constant(cel::Value value, base::SourceSpan span) {
  PlannedTemplate out;
  out.constant_ = std::move(value);
  out.span_ = std::move(span);
  return out;
}

PlannedTemplate PlannedTemplate::FromExpression(PlannedExpression expression,
                                                base::SourceSpan span) {
  PlannedTemplate out;
  out.kind_ = Kind::kExpression;
  out.parts_.push_back({"", std::move(expression)});
  out.span_ = std::move(span);
  return out;
}

PlannedTemplate PlannedTemplate::FromText(std::vector<Part> parts, base::SourceSpan span) {
  PlannedTemplate out;
  out.kind_ = Kind::kText;
  out.parts_ = std::move(parts);
  out.span_ = std::move(span);
  return out;
}

PlannedTemplate PlannedTemplate::List(std::vector<PlannedTemplate> items, base::SourceSpan span) {
  PlannedTemplate out;
  out.kind_ = Kind::kList;
  out.items_ = std::move(items);
  out.span_ = std::move(span);
  return out;
}

PlannedTemplate PlannedTemplate::Map(std::vector<std::pair<std::string, PlannedTemplate>> entries,
                                     base::SourceSpan span) {
  PlannedTemplate out;
  out.kind_ = Kind::kMap;
  out.entries_ = std::move(entries);
  out.span_ = std::move(span);
  return out;
}

void PlannedTemplate::Expect(scenario::Type type, std::string what) {
  expected_ = std::make_shared<const Expected>(std::move(type), std::move(what));
}

base::Result<cel::Value> PlannedTemplate::Evaluate(const EvaluationScope& scope) const {
  auto raw = Raw(scope);
  if (!raw || expected_ == nullptr) return raw;
  auto converted = Convert(*std::move(raw), expected_->type, expected_->what);
  if (converted) return converted;
  return base::Fail(std::move(converted).error().At(span_));
}

base::Result<cel::Value> PlannedTemplate::Raw(const EvaluationScope& scope) const {
  switch (kind_) {
    case Kind::kConstant:
      return constant_;
    case Kind::kExpression:
      return parts_.front().expression->ValueOf(scope);
    case Kind::kText: {
      std::string text;
      for (const Part& part : parts_) {
        if (!part.expression) {
          text += part.literal;
          continue;
        }
        TRY(const cel::Value value, part.expression->ValueOf(scope));
        text += cel::ToText(value);
      }
      return cel::Value::String(text);
    }
    case Kind::kList: {
      std::vector<cel::Value> values;
      values.reserve(items_.size());
      for (const PlannedTemplate& item : items_) {
        TRY(cel::Value value, item.Evaluate(scope));
        values.push_back(std::move(value));
      }
      return cel::Value::List(std::move(values));
    }
    case Kind::kMap: {
      cel::MapBuilder map;
      for (const auto& [key, item] : entries_) {
        TRY(cel::Value value, item.Evaluate(scope));
        map.Set(key, std::move(value));
      }
      return std::move(map).Build();
    }
  }
  return constant_;
}

bool PlannedTemplate::is_constant() const {
  switch (kind_) {
    case Kind::kConstant:
      return true;
    case Kind::kExpression:
    case Kind::kText:
      return false;
    case Kind::kList:
      return std::ranges::all_of(items_, &PlannedTemplate::is_constant);
    case Kind::kMap:
      return std::ranges::all_of(entries_, [](const auto& e) { return e.second.is_constant(); });
  }
  return true;
}

void PlannedTemplate::EachExpression(
    const std::function<void(const PlannedExpression&)>& visit) const {
  for (const Part& part : parts_) {
    if (part.expression) visit(*part.expression);
  }
  for (const PlannedTemplate& item : items_) item.EachExpression(visit);
  for (const auto& [key, value] : entries_) value.EachExpression(visit);
}

const PlannedTemplate* PlannedTemplate::Find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name == key) return &value;
  }
  return nullptr;
}

cel::Type PlannedTemplate::StaticType() const {
  if (expected_ != nullptr) return CelTypeOf(expected_->type);
  switch (kind_) {
    case Kind::kConstant:
      return CelTypeOf(constant_);
    case Kind::kExpression:
      return parts_.front().expression->program().result_type();
    case Kind::kText:
      return cel::Type::String();
    case Kind::kList: {
      if (items_.empty()) return cel::Type::List(cel::Type::Dyn());
      const cel::Type first = items_.front().StaticType();
      const bool same = std::ranges::all_of(
          items_, [&](const PlannedTemplate& item) { return item.StaticType() == first; });
      return cel::Type::List(same ? first : cel::Type::Dyn());
    }
    case Kind::kMap: {
      std::vector<cel::Type::Field> fields;
      for (const auto& [key, item] : entries_) fields.emplace_back(key, item.StaticType());
      return cel::Type::Object(std::move(fields), cel::Type::Openness::kOpen);
    }
  }
  return cel::Type::Dyn();
}

}  // namespace assay::plan
