#include "assay/scenario/schema.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/scenario/schema_export.h"
#include "assay/scenario/tables/sample_actions.h"
#include "assay/scenario/tables/tables.h"

namespace assay::scenario {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr FileKind kAllKinds[] = {FileKind::kProject,  FileKind::kScenario,
                                  FileKind::kFragment, FileKind::kRequirements,
                                  FileKind::kPlan,     FileKind::kEnvironment};

TEST(Registry, RefusesActionsThatCannotBeTold) {
  SchemaRegistry registry = SampleRegistry();
  EXPECT_EQ(registry.AddAction(SampleHttp()).error().message,
            "the action http is registered twice");
  EXPECT_EQ(registry.AddAction({.name = "expect", .doc = ""}).error().message,
            "the action expect has the name of a step field");
  ActionSchema timed{.name = "timed", .doc = ""};
  timed.params.fields = {{.name = "timeout"}};
  EXPECT_EQ(registry.AddAction(timed).error().message,
            "the parameter timeout of the action timed has the name of a step field");
  ActionSchema odd{.name = "odd", .doc = ""};
  odd.shorthand = "absent";
  EXPECT_EQ(registry.AddAction(odd).error().code, base::ErrorCode::kInvalid);
}

TEST(Types, NameThemselvesForPeople) {
  EXPECT_EQ(Type::OneOrMore(Type::String()).Name(), "list of string or string");
  EXPECT_EQ(Type::Map(Type::Duration()).Name(), "map of duration");
  EXPECT_EQ(Type::Enum({"a", "b"}).Expected(), "one of a, b");
  EXPECT_EQ(Type::AnyOf({Type::Int(), Type::Duration()}).Expected(),
            "an integer or a duration such as 30s");
}

void CheckDocumented(const ObjectSchema& table) {
  EXPECT_FALSE(table.doc.empty()) << table.name;
  for (const Field& field : table.fields) {
    EXPECT_FALSE(field.doc.empty()) << table.name << "." << field.name;
    EXPECT_FALSE(field.required && !field.default_text.empty()) << table.name << "." << field.name;
  }
}

TEST(Tables, SayWhatEveryFieldMeans) {
  for (const FileKind kind : kAllKinds) CheckDocumented(TableOf(kind));
  CheckDocumented(StepTable());
}

// Every `$ref` of a JSON Schema leads to a definition.
void CheckReferences(const json::value& value, const json::object& definitions) {
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) CheckReferences(item, definitions);
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [key, item] : *object) {
    if (key == "$ref" && item.is_string()) {
      const std::string_view target = item.as_string();
      ASSERT_TRUE(target.starts_with("#/$defs/")) << target;
      EXPECT_TRUE(definitions.contains(target.substr(8))) << target;
    }
    CheckReferences(item, definitions);
  }
}

TEST(JsonSchema, OfEveryKindIsClosedAndComplete) {
  const SchemaRegistry registry = SampleRegistry();
  for (const FileKind kind : kAllKinds) {
    const json::object schema = JsonSchema(kind, registry);
    EXPECT_EQ(schema.at("$schema").as_string(), "https://json-schema.org/draft/2020-12/schema");
    EXPECT_FALSE(schema.at("additionalProperties").as_bool());
    CheckReferences(schema, schema.at("$defs").as_object());
    for (const Field& field : TableOf(kind).fields) {
      EXPECT_TRUE(schema.at("properties").as_object().contains(field.name)) << field.name;
    }
  }
}

TEST(JsonSchema, OfAScenarioHasEveryActionWithItsParameters) {
  const json::object schema = JsonSchema(FileKind::kScenario, SampleRegistry());
  const json::object& definitions = schema.at("$defs").as_object();
  const json::object& http = definitions.at("action.http").as_object();
  EXPECT_EQ(http.at("required"), json::value(json::array{"http"}));
  EXPECT_TRUE(http.at("properties").as_object().contains("headers"));
  EXPECT_TRUE(http.at("properties").as_object().contains("http"));
  EXPECT_FALSE(definitions.at("step").as_object().at("unevaluatedProperties").as_bool());
  EXPECT_EQ(schema.at("properties").at("priority").at("enum").as_array().size(), 4U);
  EXPECT_EQ(schema.at("required"), json::value(json::array{"id", "steps"}));
}

TEST(JsonSchema, OfAProbeDemandsExactlyOneKind) {
  const json::object schema = JsonSchema(FileKind::kEnvironment, SampleRegistry());
  const json::array& groups = schema.at("$defs").at("probe").at("allOf").as_array();
  EXPECT_EQ(groups.at(0).at("oneOf").as_array().size(), 10U);
}

TEST(ReferencePages, ListFieldsWithTypeAndDefault) {
  const std::string page = ReferenceOf(FileKind::kScenario);
  EXPECT_THAT(page, HasSubstr("| `priority` | critical, high, normal, low | `normal` |"));
  EXPECT_THAT(page, HasSubstr("| `id` | string | required |"));
  EXPECT_THAT(page, HasSubstr("## retry"));
  const std::string actions = ReferenceOfActions(SampleRegistry());
  EXPECT_THAT(actions, HasSubstr("Short form: `http:` METHOD target (fills `request`)."));
  EXPECT_THAT(actions, HasSubstr("| `status` | int | Status code. |"));
}

}  // namespace
}  // namespace assay::scenario
