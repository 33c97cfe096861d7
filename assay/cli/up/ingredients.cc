#include "assay/cli/up/ingredients.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "assay/run/run.h"
#include "lib/base/random.h"
#include "lib/crypto/secret.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

base::Result<std::string> ReadCredential(const scenario::Credential& credential,
                                         const fs::path& folder, const Host& host) {
  if (!credential.variable.empty()) {
    std::string value = host.Variable(credential.variable.text);
    if (!value.empty()) return value;
    return base::Fail(
        base::Error{ErrorCode::kNotFound,
                    fmt::format("the environment variable {} is not set", credential.variable.text),
                    credential.variable.span});
  }
  std::ifstream file(folder / credential.file.text, std::ios::binary);
  if (!file) {
    return base::Fail(
        base::Error{ErrorCode::kNotFound,
                    fmt::format("the credential \"{}\" cannot be read from {}",
                                credential.name.text, (folder / credential.file.text).string()),
                    credential.file.span});
  }
  std::ostringstream text;
  text << file.rdbuf();
  std::string value = text.str();
  while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
  return value;
}

void CollectAddressed(const std::vector<plan::PlannedStep>& steps, std::set<std::string>& names) {
  for (const plan::PlannedStep& step : steps) {
    if (!step.source->at.empty()) names.insert(step.source->at.text);
    for (const plan::PlannedBlock& block : step.blocks) CollectAddressed(block.steps, names);
  }
}

}  // namespace

const scenario::Environment* EnvironmentNamed(const scenario::Project& project, std::string name) {
  if (name.empty()) name = project.default_environment.text;
  if (name.empty() && project.environments.size() == 1) return &project.environments.front();
  for (const scenario::Environment& one : project.environments) {
    if (one.name.text == name) return &one;
  }
  return nullptr;
}

std::string NewRunId(const fs::path& results, base::WallTime now) {
  std::string id = run::MakeRunId(now, base::StableHash(crypto::RandomBytes(8)));
  std::error_code error;
  while (fs::exists(results / id, error)) id += 'x';
  return id;
}

Pairs AllowedVariables(const scenario::Environment* environment, const Host& host) {
  Pairs out;
  if (environment == nullptr) return out;
  for (const std::string& name : environment->allowed_env) {
    const auto found =
        std::ranges::find(host.environment, name, &std::pair<std::string, std::string>::first);
    if (found != host.environment.end()) out.push_back(*found);
  }
  return out;
}

base::Result<Pairs> ReadCredentials(const scenario::Environment* environment, const fs::path& root,
                                    const Host& host) {
  Pairs out;
  if (environment == nullptr) return out;
  const fs::path file = environment->source != nullptr ? environment->source->name() : "";
  for (const scenario::Credential& credential : environment->credentials) {
    TRY(std::string value, ReadCredential(credential, root / file.parent_path(), host));
    out.emplace_back(credential.name.text, std::move(value));
  }
  return out;
}

std::vector<std::string> AddressedEnvironments(const plan::RunPlan& plan) {
  std::set<std::string> names;
  for (const plan::PlannedScenario& one : plan.scenarios) {
    if (!one.skip_reason.empty()) continue;
    CollectAddressed(one.compiled->steps, names);
    CollectAddressed(one.compiled->cleanup, names);
  }
  if (plan.environment != nullptr) names.erase(plan.environment->name.text);
  return {names.begin(), names.end()};
}

cel::Value MapOf(const Pairs& pairs) {
  cel::MapBuilder out;
  for (const auto& [name, value] : pairs) out.Set(name, cel::Value::String(value));
  return std::move(out).Build();
}

}  // namespace assay::cli
