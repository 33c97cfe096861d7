#include "assay/report/junit_report.h"

#include <map>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>

#include "assay/report/failure_text.h"

namespace assay::report {
namespace {

using history::ScenarioResult;
using history::Verdict;

struct Counts {
  int tests = 0;
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  base::Duration time{};

  void Add(const ScenarioResult& scenario) {
    ++tests;
    time += scenario.duration;
    if (scenario.verdict == Verdict::kFailed) ++failures;
    if (scenario.verdict == Verdict::kError || scenario.verdict == Verdict::kInconclusive) ++errors;
    if (scenario.verdict == Verdict::kSkipped) ++skipped;
  }

  void WriteTo(pugi::xml_node node) const {
    node.append_attribute("tests") = tests;
    node.append_attribute("failures") = failures;
    node.append_attribute("errors") = errors;
    node.append_attribute("skipped") = skipped;
    node.append_attribute("time") =
        fmt::format("{:.3f}", std::chrono::duration<double>(time).count()).c_str();
  }
};

// XML 1.0 has no way to write most control characters.
std::string Writable(std::string text) {
  std::erase_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  return text;
}

void AddProperty(pugi::xml_node properties, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  pugi::xml_node property = properties.append_child("property");
  property.append_attribute("name") = std::string(name).c_str();
  property.append_attribute("value") = Writable(value).c_str();
}

void AddResult(pugi::xml_node test, const ScenarioResult& scenario, const ReportInput& input) {
  if (scenario.verdict == Verdict::kPassed) return;
  const bool skipped = scenario.verdict == Verdict::kSkipped;
  const bool failed = scenario.verdict == Verdict::kFailed;
  pugi::xml_node node = test.append_child(skipped ? "skipped" : failed ? "failure" : "error");
  node.append_attribute("message") = Writable(scenario.reason).c_str();
  if (skipped) return;
  node.append_attribute("type") = std::string(ToString(scenario.verdict)).c_str();
  const auto texts = FailureTexts(scenario, input, TextStyle{});
  node.text().set(Writable(fmt::format("{}", fmt::join(texts, "\n"))).c_str());
}

void AddCase(pugi::xml_node suite, const ScenarioResult& scenario, const ReportInput& input) {
  pugi::xml_node test = suite.append_child("testcase");
  const std::string group =
      scenario.category.empty() ? scenario.system : scenario.system + "." + scenario.category;
  test.append_attribute("classname") = group.c_str();
  test.append_attribute("name") = fmt::format("{} {}", scenario.instance, scenario.title).c_str();
  test.append_attribute("file") = scenario.file.c_str();
  test.append_attribute("line") = scenario.line;
  test.append_attribute("time") =
      fmt::format("{:.3f}", std::chrono::duration<double>(scenario.duration).count()).c_str();
  pugi::xml_node properties = test.append_child("properties");
  for (const std::string& id : scenario.AllVerifies()) AddProperty(properties, "verifies", id);
  AddProperty(properties, "verdict", std::string(ToString(scenario.verdict)));
  AddProperty(properties, "priority", scenario.priority);
  if (scenario.flaky) AddProperty(properties, "flaky", "true");
  AddProperty(properties, "events", fmt::format("{}-{}", scenario.first_seq, scenario.last_seq));
  AddResult(test, scenario, input);
}

}  // namespace

base::Result<std::string> RenderJunit(const ReportInput& input) {
  std::map<std::string, std::vector<const ScenarioResult*>> systems;
  Counts total;
  for (const ScenarioResult& scenario : input.model.scenarios) {
    systems[scenario.system.empty() ? "assay" : scenario.system].push_back(&scenario);
    total.Add(scenario);
  }
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node root = document.append_child("testsuites");
  root.append_attribute("name") = input.model.id.c_str();
  total.WriteTo(root);
  for (const auto& [system, scenarios] : systems) {
    pugi::xml_node suite = root.append_child("testsuite");
    suite.append_attribute("name") = system.c_str();
    suite.append_attribute("timestamp") =
        base::FormatRfc3339(input.model.started).substr(0, 19).c_str();
    Counts counts;
    for (const ScenarioResult* scenario : scenarios) counts.Add(*scenario);
    counts.WriteTo(suite);
    for (const ScenarioResult* scenario : scenarios) AddCase(suite, *scenario, input);
  }
  std::ostringstream text;
  document.save(text, "  ");
  return std::move(text).str();
}

}  // namespace assay::report
