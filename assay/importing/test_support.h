#pragma once
// What the tests of imports share: a draft must load as every project does.

#include <memory>
#include <string>
#include <string_view>

#include "assay/importing/importer.h"
#include "assay/plan/resolve.h"

namespace assay::importing {

/// The text as a file that is imported.
std::shared_ptr<const base::SourceText> Source(std::string_view text, std::string name = "input");

/// Imports for a suite "shop"; a failure of the test when that is an error.
Draft Imported(Format format, std::string_view text, ImportOptions options = {.name = "shop"});
/// The error of an import; a failure of the test when there is none.
base::Error Refused(Format format, std::string_view text);

/// Checks the draft as a new project with the real loader and planner, all actions known.
plan::CheckReport CheckDraft(const Draft& draft);
/// Its problems as text; "" when it loads without errors.
std::string ProblemsOf(const Draft& draft);

/// The text of a file of the draft; "" when there is none.
std::string FileOf(const Draft& draft, std::string_view path);
/// All files and assay.yaml as one text, to look for what must not be there.
std::string EverythingOf(const Draft& draft);
/// All notes, one a line.
std::string NotesOf(const Draft& draft);

}  // namespace assay::importing
