#pragma once
// The manifests of an environment: files that are read, and filled with variables, by Assay, so
// that no text with a secret in it is written to a file again.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace assay::environment {

using ManifestVariables = std::vector<std::pair<std::string, std::string>>;

struct Manifest {
  std::string file;
  std::string text;  ///< YAML or JSON, one document or more
};

/// Replaces `${NAME}` of each variable by its value. Other names stay as they are, because scripts
/// in manifests have `${...}` of their own; `$${NAME}` stands for a literal `${NAME}`.
std::string FillManifest(std::string_view text, const ManifestVariables& variables);

/// The files at these paths, in their order, filled; of a folder its `.yaml`, `.yml` and `.json`
/// files by name, without those of folders in it. kNotFound: a path does not exist, or a folder
/// holds none. kUnsupported: a folder is a kustomization.
base::Result<std::vector<Manifest>> ReadManifests(const std::vector<std::string>& paths,
                                                  const ManifestVariables& variables);

}  // namespace assay::environment
