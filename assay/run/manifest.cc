#include "assay/run/manifest.h"

#include <algorithm>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/plan/requirements.h"
#include "lib/crypto/hash.h"

namespace assay::run {
namespace {

// The project file without its section `baseline`: how a comparison judges changes nothing that a
// run does. A section ends at the next line that begins one.
std::string WithoutBaseline(std::string_view text) {
  std::string out;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    const bool begins = line.find_first_of(" \t\r\n#-") != 0;
    if (begins) inside = line.starts_with("baseline:");
    if (!inside) out += line;
    text.remove_prefix(end);
  }
  return out;
}

boost::json::array Inputs(const plan::RunPlan& plan) {
  std::map<std::string, std::string> digests;
  for (const auto& input : plan.project->inputs) {
    digests[input->name()] = crypto::Sha256Hex(input->text());
  }
  for (const auto& [file, text] : plan.read_files) digests[file] = crypto::Sha256Hex(text);
  boost::json::array out;
  for (const auto& [file, digest] : digests) {
    out.push_back({{"file", file}, {"sha256", digest}});
  }
  // How the same file is told from one with other tolerances.
  const auto source = plan.project->source;
  for (boost::json::value& one : out) {
    if (source == nullptr || one.at("file").as_string() != source->name()) continue;
    const std::string rest = WithoutBaseline(source->text());
    if (rest != source->text()) one.as_object()["plan_sha256"] = crypto::Sha256Hex(rest);
  }
  return out;
}

boost::json::array Planned(const plan::RunPlan& plan) {
  boost::json::array out;
  for (const plan::PlannedScenario& scenario : plan.scenarios) {
    out.push_back({{"instance", scenario.path}, {"scenario", scenario.source().id.text}});
  }
  return out;
}

boost::json::array Requirements(const plan::RunPlan& plan) {
  boost::json::array out;
  scenario::Problems ignored;  // loading has reported them
  const plan::RequirementIndex index(*plan.project, ignored);
  for (const auto& [id, entry] : index.all()) {
    out.push_back(
        {{"id", id}, {"system", entry.catalogue->system.text}, {"fingerprint", entry.fingerprint}});
  }
  return out;
}

boost::json::array Pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  boost::json::array out;
  for (const auto& [name, value] : pairs) {
    out.push_back({{"name", name}, {"value", value}});
  }
  return out;
}

}  // namespace

boost::json::object MakeManifest(const plan::RunPlan& plan, const ManifestFacts& facts) {
  boost::json::object manifest = {
      {"tool", "assay"},
      {"run", facts.run_id},
      {"inputs", Inputs(plan)},
      {"environment", plan.environment != nullptr ? plan.environment->name.text : ""},
      {"profile", plan.environment != nullptr ? plan.environment->profile : ""},
      // Text: a JSON number keeps 53 bits only.
      {"seed", fmt::format("{}", facts.seed)},
      {"jobs", facts.jobs},
      {"env", Pairs(facts.env)},
      {"overrides", Pairs(facts.overrides)},
      {"planned", Planned(plan)},
      {"requirements", Requirements(plan)}};
  for (const auto& [name, value] : facts.more) manifest[name] = value;
  return manifest;
}

}  // namespace assay::run
