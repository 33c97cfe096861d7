#include "assay/report/json_report.h"

#include <boost/json.hpp>

#include "lib/json/canonical.h"

namespace assay::report {
namespace {

using boost::json::array;
using boost::json::object;
using history::ExpectationResult;
using history::ScenarioResult;
using history::StepResult;

array Strings(const std::vector<std::string>& texts) { return array(texts.begin(), texts.end()); }

object ExpectationToJson(const ExpectationResult& expectation) {
  object out{{"expression", expectation.expression},
             {"role", expectation.role},
             {"verdict", ToString(expectation.verdict)},
             {"file", expectation.file},
             {"line", expectation.line},
             {"column", expectation.column},
             {"attempt", expectation.attempt},
             {"event", expectation.seq}};
  if (!expectation.explanation.is_null()) out["explanation"] = expectation.explanation;
  if (expectation.vacuous) out["vacuous"] = true;
  return out;
}

array ExpectationsToJson(const std::vector<ExpectationResult>& expectations) {
  array out;
  for (const ExpectationResult& expectation : expectations)
    out.push_back(ExpectationToJson(expectation));
  return out;
}

array StepsToJson(const std::vector<StepResult>& steps) {
  array out;
  for (const StepResult& step : steps) {
    array attempts;
    for (const auto& attempt : step.attempts) {
      attempts.push_back(object{{"attempt", attempt.attempt},
                                {"disposition", attempt.disposition},
                                {"duration_ns", attempt.duration.count()},
                                {"error", attempt.error},
                                {"outcome", attempt.value},
                                {"transcript", attempt.transcript},
                                {"event", attempt.seq}});
    }
    out.push_back(object{{"path", step.path},
                         {"name", step.name},
                         {"id", step.id},
                         {"action", step.action},
                         {"head", step.head},
                         {"file", step.file},
                         {"line", step.line},
                         {"verdict", ToString(step.verdict)},
                         {"reason", step.reason},
                         {"started_ns", step.started.count()},
                         {"duration_ns", step.duration.count()},
                         {"verifies", Strings(step.verifies)},
                         {"unasserted", step.unasserted},
                         {"background", step.background},
                         {"attempts", std::move(attempts)},
                         {"expectations", ExpectationsToJson(step.expectations)},
                         {"saved", step.saved},
                         {"steps", StepsToJson(step.children)}});
  }
  return out;
}

object ScenarioToJson(const ScenarioResult& scenario) {
  return {{"instance", scenario.instance},
          {"id", scenario.id},
          {"title", scenario.title},
          {"description", scenario.description},
          {"system", scenario.system},
          {"category", scenario.category},
          {"priority", scenario.priority},
          {"tags", Strings(scenario.tags)},
          {"verifies", Strings(scenario.AllVerifies())},
          {"file", scenario.file},
          {"line", scenario.line},
          {"verdict", ToString(scenario.verdict)},
          {"reason", scenario.reason},
          {"flaky", scenario.flaky},
          {"attempts", scenario.attempts},
          {"started_ns", scenario.started.count()},
          {"duration_ns", scenario.duration.count()},
          {"events", array{scenario.first_seq, scenario.last_seq}},
          {"steps", StepsToJson(scenario.steps)},
          {"cleanup", StepsToJson(scenario.cleanup)},
          {"success", ExpectationsToJson(scenario.success)}};
}

object EnvironmentToJson(const history::EnvironmentRecord& environment) {
  array services;
  for (const auto& service : environment.services) {
    services.push_back(
        object{{"name", service.name}, {"command", service.command}, {"facts", service.facts}});
  }
  return {{"name", environment.name},
          {"type", environment.type},
          {"profile", environment.profile},
          {"ready", environment.ready},
          {"services", std::move(services)}};
}

}  // namespace

object TraceToJson(const ReportInput& input) {
  array requirements;
  object counts;
  for (const auto& row : input.trace) {
    array scenarios;
    for (const auto& evidence : row.evidence) {
      scenarios.push_back(
          object{{"run", evidence.run},
                 {"instance", evidence.instance},
                 {"verdict", ToString(evidence.verdict)},
                 {"reason", evidence.reason},
                 {"flaky", evidence.flaky},
                 {"stale", evidence.stale},
                 {"events", array(evidence.events.begin(), evidence.events.end())}});
    }
    const RequirementText text = input.TextOf(row.id);
    const auto verdict = ToString(row.verdict);
    requirements.push_back(object{{"id", row.id},
                                  {"system", row.system},
                                  {"text", text.text},
                                  {"section", text.section},
                                  {"risk", text.risk},
                                  {"verdict", verdict},
                                  {"flaky", row.flaky},
                                  {"scenarios", std::move(scenarios)}});
    auto& count = counts[verdict];
    count = (count.is_int64() ? count.get_int64() : 0) + 1;
  }
  return {{"requirements", std::move(requirements)}, {"counts", std::move(counts)}};
}

base::Result<std::string> RenderJson(const ReportInput& input) {
  const history::RunModel& model = input.model;
  array scenarios;
  for (const ScenarioResult& scenario : model.scenarios)
    scenarios.push_back(ScenarioToJson(scenario));
  array environments;
  for (const auto& environment : model.environments)
    environments.push_back(EnvironmentToJson(environment));
  object counts;
  for (const auto& [verdict, count] : model.counts) counts[ToString(verdict)] = count;
  const object root{{"run", model.id},
                    {"started", base::FormatRfc3339(model.started)},
                    {"duration_ns", model.duration.count()},
                    {"verdict", ToString(model.verdict)},
                    {"complete", model.complete},
                    {"interrupted", model.interrupted},
                    {"counts", std::move(counts)},
                    {"events", model.event_count},
                    {"head", model.head_hash},
                    {"manifest", model.manifest},
                    {"environments", std::move(environments)},
                    {"scenarios", std::move(scenarios)},
                    {"trace", TraceToJson(input)},
                    {"warnings", Strings(model.warnings)}};
  return json::Pretty(root) + "\n";
}

}  // namespace assay::report
