#include "assay/importing/test_support.h"

#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/action/action.h"

namespace assay::importing {

std::shared_ptr<const base::SourceText> Source(std::string_view text, std::string name) {
  return std::make_shared<const base::SourceText>(std::move(name), std::string(text));
}

Draft Imported(Format format, std::string_view text, ImportOptions options) {
  auto draft = Import(format, Source(text), options);
  if (draft) return *std::move(draft);
  ADD_FAILURE() << draft.error().ToString();
  return {};
}

base::Error Refused(Format format, std::string_view text) {
  auto draft = Import(format, Source(text), {.name = "shop"});
  if (!draft) return draft.error();
  ADD_FAILURE() << "it was imported: " << EverythingOf(*draft);
  return {};
}

plan::CheckReport CheckDraft(const Draft& draft) {
  std::map<std::string, std::string> files{
      {"assay.yaml", ProjectFile(draft, "suites/" + draft.name)}};
  for (const FileDraft& file : draft.files)
    files[fmt::format("suites/{}/{}", draft.name, file.path)] = file.text;
  scenario::SchemaRegistry schemas;
  action::ActionRegistry actions;
  action::RegisterBuiltinActions(actions);
  EXPECT_TRUE(scenario::RegisterStructureActions(schemas));
  for (const action::Action* one : actions.All()) EXPECT_TRUE(schemas.AddAction(one->schema()));
  return plan::Check(scenario::MemoryFiles(files), schemas);
}

std::string ProblemsOf(const Draft& draft) {
  const plan::CheckReport report = CheckDraft(draft);
  std::string out;
  for (const base::Error& error : report.problems.errors()) out += error.ToString() + "\n";
  if (report.scenarios != draft.scenarios)
    out += fmt::format("{} of {} scenarios were loaded\n", report.scenarios, draft.scenarios);
  return out.empty() ? out : out + EverythingOf(draft);
}

std::string FileOf(const Draft& draft, std::string_view path) {
  for (const FileDraft& file : draft.files) {
    if (file.path == path) return file.text;
  }
  return {};
}

std::string EverythingOf(const Draft& draft) {
  std::string out = ProjectFile(draft, "suites/" + draft.name);
  for (const FileDraft& file : draft.files) out += fmt::format("--- {}\n{}", file.path, file.text);
  return out;
}

std::string NotesOf(const Draft& draft) {
  std::string out;
  for (const Note& note : draft.notes) out += fmt::format("{}: {}\n", note.place, note.text);
  return out;
}

}  // namespace assay::importing
