#pragma once
// Reads a project or single files into the AST and collects every problem it finds.

#include <optional>
#include <string>

#include "assay/scenario/ast.h"
#include "assay/scenario/file_source.h"
#include "assay/scenario/problems.h"
#include "assay/scenario/schema.h"

namespace assay::scenario {

class Loader {
 public:
  /// Both must outlive the loader. `registry` holds the actions; RegisterStructureActions comes
  /// first.
  Loader(const FileSource& files, const SchemaRegistry& registry)
      : files_(files), registry_(registry) {}

  /// `assay.yaml` and all that it names. Always gives a project; what did not load is missing in it
  /// and named in `problems`.
  Project LoadProject(Problems& problems) const;

  /// Nothing when the file has errors.
  std::optional<Scenario> LoadScenario(const std::string& path, Problems& problems) const;
  std::optional<Fragment> LoadFragment(const std::string& path, Problems& problems) const;
  std::optional<RequirementCatalogue> LoadRequirements(const std::string& path,
                                                       Problems& problems) const;
  std::optional<Plan> LoadPlan(const std::string& path, Problems& problems) const;
  std::optional<Environment> LoadEnvironment(const std::string& path, Problems& problems) const;

 private:
  struct Opened {
    std::shared_ptr<const base::SourceText> source;
    yaml::NodePtr root;
  };
  /// Reads, parses and checks against the table of `kind`.
  std::optional<Opened> Open(const std::string& path, FileKind kind, Problems& problems) const;
  void LoadEnvironments(const Opened& opened, Project& project, Problems& problems) const;
  void LoadSuites(const yaml::Node& root, Project& project, Problems& problems) const;

  const FileSource& files_;
  const SchemaRegistry& registry_;
};

}  // namespace assay::scenario
