#pragma once
// The project of the command line: found, loaded, and the scenarios that were chosen.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "assay/action/action.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/file_source.h"
#include "assay/scenario/problems.h"
#include "assay/scenario/schema.h"

namespace assay::cli {

/// Everything that files can use: built-in actions and structure.
struct Vocabulary {
  Vocabulary();
  action::ActionRegistry actions;
  scenario::SchemaRegistry schemas;
};

/// The nearest folder upwards that holds assay.yaml; kNotFound naming where it was looked for.
base::Result<std::filesystem::path> FindRoot(const Host& host, const Invocation& invocation);

/// Loads it; problems are collected.
std::shared_ptr<scenario::Project> LoadProject(const std::filesystem::path& root,
                                               const Vocabulary& vocabulary,
                                               scenario::Problems& problems);

/// The selection in terms of the plan. kNotFound when nothing fits, saying what there is.
base::Result<scenario::Selection> Select(const scenario::Project& project, const Choice& choice,
                                         const std::filesystem::path& root, const Host& host);

/// Whether the file belongs to the suite: its system, or a folder of that name above it.
bool InSuite(std::string_view file, std::string_view system, std::string_view suite);

/// Compiler-style, warnings first, then errors and a line with both counts. Returns whether there
/// were errors.
bool PrintProblems(const scenario::Problems& problems, const Host& host, bool no_color,
                   const std::vector<std::string>& suites = {});

/// One error, as every command shows it.
void PrintError(const base::Error& error, const Host& host, bool no_color);

/// Folder of all runs.
std::filesystem::path ResultsFolder(const Invocation& invocation, const Host& host,
                                    const std::filesystem::path& root,
                                    const scenario::Project* project);

/// The directory of a recorded run: a path, the name of a run, or nothing for the latest.
base::Result<std::filesystem::path> FindRun(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
