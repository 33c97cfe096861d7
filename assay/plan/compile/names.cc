#include "assay/plan/compile/names.h"

#include <algorithm>
#include <utility>

#include "assay/plan/fake.h"

namespace assay::plan {
namespace {

using cel::Type;

constexpr auto kClosed = Type::Openness::kClosed;
constexpr auto kOpen = Type::Openness::kOpen;

Type EndpointsType(const scenario::Project& project) {
  std::vector<Type::Field> fields;
  const Type endpoint = Type::Object({{"url", Type::String()}}, kOpen);
  for (const scenario::Environment& environment : project.environments) {
    for (const scenario::Endpoint& one : environment.endpoints) {
      const bool known = std::ranges::any_of(
          fields, [&](const Type::Field& field) { return field.first == one.name.text; });
      if (!known) fields.emplace_back(one.name.text, endpoint);
    }
  }
  if (fields.empty()) return Type::Map(Type::String(), endpoint);
  return Type::Object(std::move(fields), kClosed);
}

}  // namespace

bool FieldSet::Has(std::string_view name) const {
  return std::ranges::any_of(fields_,
                             [&](const Type::Field& field) { return field.first == name; });
}

void FieldSet::Add(const std::string& name, Type type) {
  const auto known = std::ranges::find(fields_, name, &Type::Field::first);
  if (known == fields_.end()) {
    fields_.emplace_back(name, std::move(type));
  } else if (!(known->second == type)) {
    known->second = Type::Dyn();
  }
}

Type FieldSet::ToType() const { return Type::Object(fields_, kClosed); }

std::vector<std::string> FieldSet::Names() const {
  std::vector<std::string> names;
  for (const Type::Field& field : fields_) names.push_back(field.first);
  return names;
}

cel::Environment Names::Here() const {
  cel::Environment environment = outer;
  environment.Variable("vars", vars.ToType());
  environment.Variable("steps", steps.ToType());
  return environment;
}

void Names::CloseStep(const std::string& id) { std::erase(running, id); }

cel::Environment OuterNames(const cel::Environment& base, const scenario::Project& project) {
  cel::Environment environment = base;
  environment.Variable("run", Type::Object({{"id", Type::String()},
                                            {"seed", Type::Int()},
                                            {"started", Type::Timestamp()},
                                            {"dir", Type::String()}},
                                           kClosed));
  environment.Variable("env", Type::Map(Type::String(), Type::String()));
  environment.Variable("environment",
                       Type::Object({{"name", Type::String()},
                                     {"type", Type::String()},
                                     {"profile", Type::String()},
                                     {"description", Type::String()},
                                     {"services", Type::Map(Type::String(), Type::Dyn())},
                                     {"credentials", Type::Map(Type::String(), Type::String())}},
                                    kClosed));
  environment.Variable("endpoints", EndpointsType(project));
  environment.Variable("scenario", Type::Object({{"id", Type::String()},
                                                 {"title", Type::String()},
                                                 {"system", Type::String()},
                                                 {"priority", Type::String()},
                                                 {"category", Type::List(Type::String())},
                                                 {"tags", Type::List(Type::String())},
                                                 {"instance", Type::Int()},
                                                 {"dir", Type::String()}},
                                                kClosed));
  return environment;
}

void DeclareFixtures(cel::Environment& environment, const scenario::Scenario& scenario,
                     const Type& fixture) {
  std::vector<Type::Field> fields;
  for (const scenario::Fixture& one : scenario.fixtures)
    fields.emplace_back(one.name.text, fixture);
  environment.Variable("fixtures", Type::Object(std::move(fields), kClosed));
}

}  // namespace assay::plan
