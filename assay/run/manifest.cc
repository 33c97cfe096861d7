#include "assay/run/manifest.h"

#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/plan/requirements.h"
#include "lib/crypto/hash.h"

namespace assay::run {
namespace {

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
