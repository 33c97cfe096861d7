#include <cmath>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>

#include "assay/baseline/report/comparison_report.h"

namespace assay::baseline {
namespace {

using boost::json::array;
using boost::json::object;

std::string_view NameOf(NoiseSource source) {
  switch (source) {
    case NoiseSource::kRepeats:
      return "repeats";
    case NoiseSource::kWithinRun:
      return "within run";
    case NoiseSource::kUnknown:
      break;
  }
  return "unknown";
}

std::string PlaceOf(std::string_view path, const Places& places) {
  const auto found = places.find(path);
  return found == places.end() ? "" : found->second;
}

object ToJson(const MetricChange& change, const Places& places) {
  const Judgement& judgement = change.judgement;
  object out = {{"name", change.metric.name},
                {"change", ToString(judgement.change)},
                {"before", judgement.before},
                {"after", judgement.after},
                {"unit", change.metric.unit},
                {"better", ToString(change.rule.better)},
                {"worse_by", judgement.worse_by},
                {"tolerance", change.rule.tolerance},
                {"tolerated", judgement.tolerated},
                {"noise", nullptr},
                {"noise_source", NameOf(judgement.source)},
                {"repeats", object{{"before", change.before.values.size()},
                                   {"after", change.after.values.size()}}},
                {"place", PlaceOf(change.metric.path(), places)}};
  if (judgement.source != NoiseSource::kUnknown) out["noise"] = judgement.noise;
  const auto relative = judgement.relative();
  out["relative"] = relative ? boost::json::value(*relative) : boost::json::value(nullptr);
  return out;
}

array Words(const std::vector<std::string>& list) { return array(list.begin(), list.end()); }

std::string Sentence(const MetricChange& change) {
  return fmt::format("{} before, {} after: {}; tolerance {}, noise {}",
                     Shown(change.judgement.before, change.metric.unit),
                     Shown(change.judgement.after, change.metric.unit), ShownChange(change),
                     ShownTolerance(change), ShownNoise(change));
}

pugi::xml_node AddCase(pugi::xml_node suite, std::string_view path, std::string_view name) {
  pugi::xml_node test = suite.append_child("testcase");
  test.append_attribute("classname") = std::string(path).c_str();
  test.append_attribute("name") = std::string(name).c_str();
  return test;
}

void AddProblem(pugi::xml_node test, const char* kind, const std::string& message,
                const std::string& text) {
  pugi::xml_node node = test.append_child(kind);
  node.append_attribute("message") = message.c_str();
  if (!text.empty()) node.text().set(text.c_str());
}

}  // namespace

object ComparisonJson(const Comparison& comparison, const Places& places) {
  object counts;
  for (const Change change : {Change::kRegressed, Change::kInconclusive, Change::kWithinNoise,
                              Change::kImproved, Change::kUnchanged, Change::kNotJudged}) {
    counts[ToString(change)] = comparison.Count(change);
  }
  array differences;
  for (const Difference& one : comparison.differences) {
    differences.push_back(object{{"what", one.what}, {"before", one.before}, {"after", one.after}});
  }
  array metrics;
  for (const MetricChange& change : comparison.metrics) metrics.push_back(ToJson(change, places));
  array missing;
  for (const MissingMetric& one : comparison.missing) {
    missing.push_back(object{{"name", one.name}, {"reason", one.reason}});
  }
  return {{"verdict", history::ToString(comparison.verdict())},
          {"baseline", comparison.baseline},
          {"before", Words(comparison.before)},
          {"after", Words(comparison.after)},
          {"refused", comparison.refused()},
          {"forced", comparison.forced},
          {"differences", std::move(differences)},
          {"counts", std::move(counts)},
          {"metrics", std::move(metrics)},
          {"missing", std::move(missing)},
          {"added", Words(comparison.added)},
          {"ignored", comparison.ignored}};
}

std::string ComparisonJunit(const Comparison& comparison, const Places& places) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node root = document.append_child("testsuites");
  pugi::xml_node suite = root.append_child("testsuite");
  suite.append_attribute("name") = fmt::format("against {}", comparison.baseline).c_str();
  size_t errors = comparison.missing.size() + comparison.Count(Change::kInconclusive);
  if (comparison.refused()) {
    std::vector<std::string> lines;
    for (const Difference& one : comparison.differences) lines.push_back(ToText(one));
    AddProblem(AddCase(suite, "baseline", "conditions"), "error", "the runs differ",
               fmt::format("{}", fmt::join(lines, "\n")));
    ++errors;
  }
  for (const MetricChange& change : comparison.metrics) {
    pugi::xml_node test = AddCase(suite, change.metric.path(), change.metric.quantity());
    const std::string place = PlaceOf(change.metric.path(), places);
    if (change.judgement.change == Change::kRegressed) {
      AddProblem(test, "failure", Sentence(change), place);
    } else if (change.judgement.change == Change::kInconclusive) {
      AddProblem(test, "error", Sentence(change), place);
    } else if (change.judgement.change == Change::kNotJudged) {
      AddProblem(test, "skipped", "nobody knows which way is better", "");
    }
  }
  for (const MissingMetric& one : comparison.missing) {
    AddProblem(AddCase(suite, "missing", one.name), "error", one.reason, "");
  }
  suite.append_attribute("tests") =
      comparison.metrics.size() + comparison.missing.size() + (comparison.refused() ? 1 : 0);
  suite.append_attribute("failures") = comparison.Count(Change::kRegressed);
  suite.append_attribute("errors") = errors;
  suite.append_attribute("skipped") = comparison.Count(Change::kNotJudged);
  std::ostringstream text;
  document.save(text, "  ");
  return std::move(text).str();
}

}  // namespace assay::baseline
