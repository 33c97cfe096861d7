#include "assay/plan/requirements.h"

#include <utility>

#include <fmt/format.h>

#include "lib/crypto/hash.h"

namespace assay::plan {
namespace {

// Runs of blanks as one, none at the ends.
std::string Normalized(std::string_view text) {
  std::string out;
  bool gap = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      gap = !out.empty();
      continue;
    }
    if (std::exchange(gap, false)) out += ' ';
    out += c;
  }
  return out;
}

}  // namespace

std::string Fingerprint(const scenario::Requirement& requirement) {
  return crypto::Sha256Hex(fmt::format("{}\n{}\n{}", requirement.id.text,
                                       Normalized(requirement.text.text),
                                       Normalized(requirement.accept)));
}

RequirementIndex::RequirementIndex(const scenario::Project& project, scenario::Problems& problems) {
  for (const scenario::RequirementCatalogue& catalogue : project.catalogues) {
    for (const scenario::Requirement& requirement : catalogue.requirements) {
      const auto [place, is_new] =
          entries_.emplace(requirement.id.text,
                           RequirementEntry{&requirement, &catalogue, Fingerprint(requirement)});
      if (is_new) continue;
      problems.Add(
          base::ErrorCode::kConflict,
          fmt::format("found the requirement {} in two catalogues", requirement.id.text),
          requirement.id.span,
          fmt::format("the other one is {}", place->second.requirement->id.span.ToString()));
    }
  }
}

const RequirementEntry* RequirementIndex::Find(std::string_view id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> RequirementIndex::Ids() const {
  std::vector<std::string> ids;
  ids.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  return ids;
}

}  // namespace assay::plan
