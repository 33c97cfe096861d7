#pragma once
// All requirements of a project by id, with the fingerprint of each text.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"

namespace assay::plan {

struct RequirementEntry {
  const scenario::Requirement* requirement = nullptr;
  const scenario::RequirementCatalogue* catalogue = nullptr;
  /// SHA-256 (hex) of id, text and acceptance with blanks normalised: reflowing a line keeps
  /// evidence valid, changing a word makes it stale.
  std::string fingerprint;
};

class RequirementIndex {
 public:
  RequirementIndex() = default;
  /// `project` must outlive it. An id in two catalogues is a problem.
  RequirementIndex(const scenario::Project& project, scenario::Problems& problems);

  const RequirementEntry* Find(std::string_view id) const;
  const std::map<std::string, RequirementEntry, std::less<>>& all() const { return entries_; }
  std::vector<std::string> Ids() const;

 private:
  std::map<std::string, RequirementEntry, std::less<>> entries_;
};

std::string Fingerprint(const scenario::Requirement& requirement);

}  // namespace assay::plan
