#include "assay/cli/onboard/draft_files.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cli/project.h"
#include "assay/plan/resolve.h"
#include "lib/json/canonical.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using importing::Draft;

std::string Plural(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// What the project's environment lacks of the draft.
Draft Lacking(const Draft& draft, const scenario::Project& project) {
  Draft out;
  const auto found =
      std::ranges::find_if(project.environments, [&](const scenario::Environment& one) {
        return project.default_environment.empty() ||
               one.name.text == project.default_environment.text;
      });
  if (found == project.environments.end()) return draft;
  for (const auto& one : draft.credentials) {
    const auto known =
        std::ranges::find(found->credentials, one.name, [](const auto& c) { return c.name.text; });
    if (known == found->credentials.end()) out.credentials.push_back(one);
  }
  for (size_t i = 0; i < draft.endpoints.size(); ++i) {
    // Steps do not name the first endpoint: they use the default one of the environment.
    if (i == 0 && !found->endpoints.empty()) continue;
    const auto known = std::ranges::find(found->endpoints, draft.endpoints[i].name,
                                         [](const auto& e) { return e.name.text; });
    if (known == found->endpoints.end()) out.endpoints.push_back(draft.endpoints[i]);
  }
  return out;
}

void PrintJson(const Draft& draft, const std::vector<std::string>& files, const Draft& lacking,
               size_t errors, const Host& host) {
  boost::json::array notes;
  for (const auto& note : draft.notes)
    notes.push_back({{"place", note.place}, {"text", note.text}});
  boost::json::array variables;
  for (const auto& one : draft.credentials) variables.emplace_back(one.variable);
  host.out(
      json::Pretty(boost::json::object{{"files", boost::json::array(files.begin(), files.end())},
                                       {"scenarios", draft.scenarios},
                                       {"steps", draft.steps},
                                       {"notes", std::move(notes)},
                                       {"credentials", std::move(variables)},
                                       {"add_to_environment", importing::EnvironmentLines(lacking)},
                                       {"errors", errors}}) +
      "\n");
}

void PrintNotes(const Draft& draft, const Host& host) {
  if (draft.notes.empty()) return;
  host.out(fmt::format("\n{} for you:\n", Plural(draft.notes.size(), "note")));
  for (const auto& note : draft.notes) {
    host.out(note.place.empty() ? fmt::format("  {}\n", note.text)
                                : fmt::format("  {}: {}\n", note.place, note.text));
  }
}

void PrintNextSteps(const Draft& draft, const DraftPlace& place, const Draft& lacking,
                    bool is_included, const Host& host) {
  if (place.has_project && !is_included) {
    host.out(fmt::format(
        "\nadd \"{}\" to `suites` in assay.yaml: it does not cover the new files\n", place.folder));
  }
  if (const std::string lines = importing::EnvironmentLines(lacking);
      place.has_project && !lines.empty()) {
    host.out("\nadd to the environment in assay.yaml:\n");
    for (size_t start = 0; start < lines.size();) {
      const size_t end = std::min(lines.find('\n', start), lines.size());
      host.out("  " + lines.substr(start, end - start) + "\n");
      start = end + 1;
    }
  }
  host.out("\nnext:\n");
  for (const auto& one : draft.credentials)
    host.out(fmt::format("  export {}=...\n", one.variable));
  std::string where;
  const fs::path relative = place.root.lexically_relative(host.directory);
  if (!relative.empty() && relative != ".") where = fmt::format(" --project {}", relative.string());
  host.out(fmt::format("  assay check{}\n  assay run{}\n", where, where));
}

}  // namespace

DraftPlace PlaceOf(const fs::path& folder) {
  const fs::path start = folder.lexically_normal();
  std::error_code error;
  for (fs::path at = start;; at = at.parent_path()) {
    if (fs::is_regular_file(at / "assay.yaml", error)) return {.root = at, .has_project = true};
    if (at == at.parent_path()) return {.root = start};
  }
}

base::Result<void> WriteFiles(const fs::path& root,
                              const std::vector<std::pair<std::string, std::string>>& files,
                              bool force) {
  std::error_code error;
  for (const auto& [path, text] : files) {
    if (force || !fs::exists(root / path, error)) continue;
    base::Error failure{ErrorCode::kConflict, fmt::format("{} exists already; nothing was written",
                                                          (root / path).string())};
    failure.hint = "choose another place or name, or replace it with --force";
    return base::Fail(std::move(failure));
  }
  for (const auto& [path, text] : files) {
    const fs::path file = root / path;
    fs::create_directories(file.parent_path(), error);
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.flush();
    if (!stream)
      return base::Fail(ErrorCode::kIo, fmt::format("{} cannot be written", file.string()));
  }
  return {};
}

ExitCode Deliver(const Draft& draft, const DraftPlace& place, const Invocation& invocation,
                 const Host& host) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& file : draft.files)
    files.emplace_back((fs::path(place.folder) / file.path).generic_string(), file.text);
  if (!place.has_project)
    files.emplace_back("assay.yaml", importing::ProjectFile(draft, place.folder));
  std::ranges::sort(files);
  if (const auto written = WriteFiles(place.root, files, invocation.force); !written) {
    PrintError(written.error(), host, invocation.no_color);
    return written.error().code == ErrorCode::kConflict ? ExitCode::kUsage : ExitCode::kError;
  }
  const Vocabulary vocabulary;
  const scenario::DiskFiles disk(place.root);
  const plan::CheckReport report = plan::Check(disk, vocabulary.schemas);
  const Draft lacking = Lacking(draft, *report.project);
  std::vector<std::string> names;
  for (const auto& [path, text] : files) names.push_back(path);
  if (invocation.json) {
    PrintJson(draft, names, lacking, report.problems.errors().size(), host);
    return report.problems.ok() ? ExitCode::kPassed : ExitCode::kFiles;
  }
  for (const std::string& name : names) host.out(fmt::format("wrote {}\n", name));
  host.out(
      fmt::format("{}, {}\n", Plural(draft.scenarios, "scenario"), Plural(draft.steps, "step")));
  PrintNotes(draft, host);
  const bool is_included =
      std::ranges::any_of(report.project->scenarios, [&](const scenario::Scenario& one) {
        return one.source != nullptr && std::ranges::find(names, one.source->name()) != names.end();
      });
  if (!report.problems.ok()) PrintProblems(report.problems, host, invocation.no_color);
  PrintNextSteps(draft, place, lacking, is_included || !report.problems.ok(), host);
  return report.problems.ok() ? ExitCode::kPassed : ExitCode::kFiles;
}

}  // namespace assay::cli
