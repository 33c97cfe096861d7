#pragma once
// Makes the AST from YAML that was validated. Values that do not fit were reported by the
// Validator; here they read as absent, so that one pass can go over a whole broken file.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"
#include "assay/scenario/schema.h"

namespace assay::scenario {

using Source = std::shared_ptr<const base::SourceText>;

// Readers of one key of a map.
Text ReadText(const yaml::Node& map, std::string_view key);
/// A list, or a single scalar.
std::vector<Text> ReadTexts(const yaml::Node& map, std::string_view key);
std::vector<std::string> ReadWords(const yaml::Node& map, std::string_view key);
std::optional<bool> ReadBool(const yaml::Node& map, std::string_view key);
std::optional<int64_t> ReadInt(const yaml::Node& map, std::string_view key);
std::optional<base::Duration> ReadDuration(const yaml::Node& map, std::string_view key);
std::vector<Expression> ReadExpressions(const yaml::Node& map, std::string_view key,
                                        Problems& problems);
std::vector<NamedTemplate> ReadNamed(const yaml::Node& map, std::string_view key,
                                     Problems& problems);
std::optional<Template> ReadTemplate(const yaml::Node& map, std::string_view key,
                                     Problems& problems);

std::vector<Step> BuildSteps(const yaml::Node& map, std::string_view key,
                             const SchemaRegistry& registry, Problems& problems);
Scenario BuildScenario(const yaml::Node& root, Source source, const SchemaRegistry& registry,
                       Problems& problems);
Fragment BuildFragment(const yaml::Node& root, Source source, const SchemaRegistry& registry,
                       Problems& problems);
RequirementCatalogue BuildCatalogue(const yaml::Node& root, Source source, Problems& problems);
Plan BuildPlan(const yaml::Node& root, Source source, Problems& problems);
Environment BuildEnvironment(const yaml::Node& root, Source source, Problems& problems);
ProjectDefaults BuildDefaults(const yaml::Node& root);

}  // namespace assay::scenario
