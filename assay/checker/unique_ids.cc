#include <unordered_map>

#include <fmt/format.h>

#include "assay/checker/checkers.h"

namespace assay::checker {

CheckResult CheckUniqueIds(std::span<const Operation> operations, const UniqueIdsOptions& options) {
  Findings findings(options.witnesses, {"acknowledged", "duplicated", "unnamed"});
  struct Given {
    const Operation* first;
    bool reported = false;
  };
  std::unordered_map<std::string, Given> given;
  for (const Operation& operation : operations) {
    if (operation.op != "generate" || !operation.acknowledged()) continue;
    findings.Count("acknowledged");
    const cel::Value& id = operation.value.is_null() ? operation.key : operation.value;
    if (id.is_null()) {
      findings.Doubt("unnamed", "",
                     fmt::format("{} was acknowledged without an id", operation.path),
                     {&operation});
      continue;
    }
    const auto [at, added] = given.try_emplace(Identity(id), &operation);
    if (added || at->second.reported) continue;
    at->second.reported = true;
    findings.Fail("duplicated", Show(id),
                  fmt::format("{} was given by {} and again by {}", Show(id),
                              at->second.first->path, operation.path),
                  {at->second.first, &operation});
  }
  if (given.empty()) findings.Inconclusive("no id was given");
  return std::move(findings).Finish();
}

}  // namespace assay::checker
