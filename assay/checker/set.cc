#include <map>
#include <set>

#include <fmt/format.h>

#include "assay/checker/checkers.h"

namespace assay::checker {
namespace {

struct Element {
  const Operation* acknowledged = nullptr;  // an add that certainly happened before the read
  const Operation* attempted = nullptr;     // an add that may have happened before its end
  const Operation* failed = nullptr;
};

using Elements = std::map<std::string, Element, std::less<>>;

const Operation* FinalRead(std::span<const Operation> operations) {
  const Operation* last = nullptr;
  for (const Operation& operation : operations) {
    const bool usable = operation.op == "read" && operation.acknowledged() && operation.completed &&
                        operation.value.is_list();
    if (usable) last = &operation;
  }
  return last;
}

// Adds that may explain an element nobody else explains: their key is unknown.
int64_t CollectAdds(std::span<const Operation> operations, const Operation& read,
                    Elements& elements, Findings& findings) {
  int64_t wildcards = 0;
  for (const Operation& add : operations) {
    if (add.op != "add") continue;
    if (add.acknowledged()) findings.Count("acknowledged");
    if (add.key.is_null()) {
      if (add.acknowledged()) {
        findings.Doubt("unnamed", "", fmt::format("{} was acknowledged without a key", add.path),
                       {&add});
      }
      wildcards += add.possible() && add.attempted.seq < read.completed->seq ? 1 : 0;
      continue;
    }
    Element& element = elements[Identity(add.key)];
    if (add.ending == Ending::kFailed) {
      element.failed = &add;
    } else if (add.acknowledged() && add.completed && add.completed->seq < read.attempted.seq) {
      element.acknowledged = &add;
    } else if (add.attempted.seq < read.completed->seq) {
      element.attempted = &add;
    }
  }
  return wildcards;
}

}  // namespace

CheckResult CheckSet(std::span<const Operation> operations, const SetOptions& options) {
  Findings findings(options.witnesses,
                    {"acknowledged", "lost", "unexpected", "recovered", "duplicated", "unnamed"});
  const Operation* read = FinalRead(operations);
  if (read == nullptr) {
    findings.Inconclusive("no acknowledged read of a list: what was kept is not known");
    return std::move(findings).Finish();
  }
  Elements elements;
  int64_t wildcards = CollectAdds(operations, *read, elements, findings);
  if (elements.empty() && wildcards == 0) findings.Inconclusive("nothing was added");
  std::set<std::string, std::less<>> present;
  for (const cel::Value& item : read->value.list()) {
    const std::string identity = Identity(item);
    const auto known = elements.find(identity);
    const Element element = known == elements.end() ? Element{} : known->second;
    if (!present.insert(identity).second) {
      const std::string text =
          fmt::format("{} stands more than once in {}", Show(item), read->path);
      const auto add = options.duplicates_allowed ? &Findings::Note : &Findings::Fail;
      (findings.*add)("duplicated", Show(item), text, {element.acknowledged, read});
      continue;
    }
    if (element.acknowledged != nullptr) continue;
    if (element.attempted != nullptr) {
      if (!element.attempted->acknowledged()) findings.Count("recovered");
      continue;
    }
    const std::string text = element.failed == nullptr
                                 ? fmt::format("{} was read and nobody added it", Show(item))
                                 : fmt::format("{} was read although adding it failed", Show(item));
    const auto add = wildcards-- > 0 ? &Findings::Doubt : &Findings::Fail;
    (findings.*add)("unexpected", Show(item), text, {element.failed, read});
  }
  for (const auto& [identity, element] : elements) {
    if (element.acknowledged == nullptr || present.contains(identity)) continue;
    const std::string subject = Show(element.acknowledged->key);
    findings.Fail("lost", subject,
                  fmt::format("{} was acknowledged by {} and is missing from {}", subject,
                              element.acknowledged->path, read->path),
                  {element.acknowledged, read});
  }
  return std::move(findings).Finish();
}

}  // namespace assay::checker
