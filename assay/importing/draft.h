#pragma once
// What an import is about to write, and what it could not translate.

#include <cstddef>
#include <string>
#include <vector>

#include "assay/importing/exchange.h"
#include "assay/importing/yaml.h"
#include "lib/base/result.h"

namespace assay::importing {

/// Something that the reader has to do by hand, or should know.
struct Note {
  std::string place;  ///< in the imported file
  std::string text;
};

/// A secret of the imported file: only its name is written.
struct CredentialDraft {
  std::string name;
  std::string variable;  ///< of the process environment
};

struct EndpointDraft {
  std::string name;
  std::string url;
};

/// One file, relative to the folder of the suite.
struct FileDraft {
  std::string path;
  std::string text;
};

struct Draft {
  std::string name;  ///< of the suite's folder, and part of scenario ids
  std::vector<FileDraft> files;
  std::vector<EndpointDraft> endpoints;  ///< the first is the default one
  std::vector<CredentialDraft> credentials;
  std::vector<std::string> redact;  ///< keys whose values a run must not show
  std::vector<Note> notes;
  size_t scenarios = 0;
  size_t steps = 0;
};

/// `assay.yaml` for a project that holds only this draft. `suites` are its globs.
std::string ProjectFile(const Draft& draft, const std::string& suites);

/// The lines of an environment for a project that exists: endpoints and credentials. "" when there
/// are none.
std::string EnvironmentLines(const Draft& draft);

/// A file name: lower case letters, digits and `-`; "x" for nothing.
std::string ToSlug(std::string_view text);

}  // namespace assay::importing
