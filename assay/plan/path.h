#pragma once
// Step paths: the keys of outcomes, events and reports. The same plan gives the same paths,
// whatever the order in which steps run.
//
//   path      = scenario "/" instance { "/" segment } [ "#" attempt ]
//   scenario  = the scenario's id
//   instance  = 1, 2, ... in the order of its for_each; 1 without one; "@n" for the n-th retry of
//               the whole scenario follows it: `NS-1/1@2`
//   segment   = name [ "[" iteration "]" ]        iteration = 0, 1, ...
//   name      = the step's id, or <action>-<position in its list, from 1>
//   attempt   = 1, 2, ...; every try of the action, by `retry` or `poll`, has its own
//
// A step inside a structure is below it: `NS-1/1/loop[3]/upload#1`. Steps of `cleanup` are below
// the segment `cleanup`, fixtures are `fixtures/<name>`, blocks other than `steps` add a segment
// with the task's name: `NS-1/1/load/browse/http-1`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::plan {

std::string ScenarioPath(std::string_view id, size_t instance, size_t scenario_attempt = 1);
std::string StepPath(std::string_view parent, std::string_view segment);
std::string WithIteration(std::string_view path, size_t iteration);
std::string WithAttempt(std::string_view path, size_t attempt);

/// A path taken apart; views into it.
struct PathParts {
  std::string_view scenario;
  std::string_view instance;  ///< with `@n`
  std::string_view step;      ///< everything between instance and attempt; may be empty
  std::optional<size_t> attempt;
};
PathParts SplitPath(std::string_view path);

/// Letters, digits, `.`, `_`, `-`: what may be an id of a scenario or plan.
bool IsScenarioId(std::string_view text);
/// A CEL identifier: what may be an id of a step, a variable, a fixture or an input.
bool IsIdentifier(std::string_view text);

}  // namespace assay::plan
