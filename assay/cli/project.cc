#include "assay/cli/project.h"

#include <algorithm>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "assay/fault/site/fault_action.h"
#include "assay/plan/resolve.h"
#include "assay/scenario/loader.h"
#include "assay/workload/workload_action.h"
#include "lib/base/diagnostic.h"
#include "lib/base/suggest.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr std::string_view kProjectFile = "assay.yaml";

std::vector<scenario::Text> Texts(const std::vector<std::string>& words) {
  std::vector<scenario::Text> out;
  for (const std::string& word : words) out.push_back({word, {}});
  return out;
}

std::string FileOf(const scenario::Scenario& scenario) {
  return scenario.source != nullptr ? scenario.source->name() : std::string();
}

// Paths of the command line as seen from the project root.
base::Result<std::vector<std::string>> RelativePaths(const Choice& choice, const fs::path& root,
                                                     const Host& host) {
  std::vector<std::string> out;
  for (const std::string& path : choice.paths) {
    const fs::path absolute = (host.directory / path).lexically_normal();
    std::error_code error;
    if (!fs::exists(absolute, error)) {
      return base::Fail(ErrorCode::kNotFound, fmt::format("there is no file \"{}\"", path));
    }
    std::string relative = absolute.lexically_relative(root).generic_string();
    if (relative.starts_with("..")) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("\"{}\" is not in the project {}", path, root.string()));
    }
    while (relative.ends_with('/')) relative.pop_back();
    out.push_back(relative == "." ? "" : relative);
  }
  return out;
}

bool IsBelow(std::string_view file, std::string_view folder) {
  return folder.empty() || file == folder ||
         (file.starts_with(folder) && file.size() > folder.size() && file[folder.size()] == '/');
}

}  // namespace

Vocabulary::Vocabulary() {
  action::RegisterBuiltinActions(actions);
  workload::RegisterWorkload(actions);
  fault::RegisterFaultAction(actions);
  // The names are ours: a clash shows in the first test that makes a vocabulary.
  static_cast<void>(scenario::RegisterStructureActions(schemas));
  for (const action::Action* one : actions.All()) {
    static_cast<void>(schemas.AddAction(one->schema()));
  }
}

base::Result<fs::path> FindRoot(const Host& host, const Invocation& invocation) {
  fs::path start = host.directory;
  if (!invocation.project.empty()) {
    start = host.directory / invocation.project;
  } else if (!invocation.choice.paths.empty()) {
    start = host.directory / invocation.choice.paths.front();
  }
  start = start.lexically_normal();
  std::error_code error;
  for (fs::path folder = start;; folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / kProjectFile, error)) {
      std::string text = folder.string();
      while (text.size() > 1 && text.ends_with('/')) text.pop_back();
      return fs::path(text);
    }
    if (folder == folder.parent_path()) break;
  }
  base::Error failure{ErrorCode::kNotFound,
                      fmt::format("no assay.yaml in {} or any folder above", start.string())};
  failure.hint = "make one with `suites: [...]`, or name its folder with --project";
  return base::Fail(std::move(failure));
}

std::shared_ptr<scenario::Project> LoadProject(const fs::path& root, const Vocabulary& vocabulary,
                                               scenario::Problems& problems) {
  const scenario::DiskFiles files(root);
  auto project = std::make_shared<scenario::Project>(
      scenario::Loader(files, vocabulary.schemas).LoadProject(problems));
  project->root = root.string();
  return project;
}

bool InSuite(std::string_view file, std::string_view system, std::string_view suite) {
  if (system == suite) return true;
  return file.starts_with(fmt::format("{}/", suite)) || file.contains(fmt::format("/{}/", suite));
}

base::Result<scenario::Selection> Select(const scenario::Project& project, const Choice& choice,
                                         const fs::path& root, const Host& host) {
  scenario::Selection select;
  select.tags = Texts(choice.tags);
  select.categories = Texts(choice.categories);
  select.priorities = Texts(choice.priorities);
  select.verifies = Texts(choice.verifies);
  select.exclude = Texts(choice.exclude);
  TRY(const auto paths, RelativePaths(choice, root, host));
  std::set<std::string> systems;
  std::vector<scenario::Text> chosen;
  for (const scenario::Scenario& one : project.scenarios) {
    systems.insert(one.system.text);
    const std::string file = FileOf(one);
    const auto fits = [](const auto& list, const auto& test) {
      return list.empty() || std::ranges::any_of(list, test);
    };
    if (!fits(paths, [&](const std::string& path) { return IsBelow(file, path); })) continue;
    if (!fits(choice.suites,
              [&](const std::string& suite) { return InSuite(file, one.system.text, suite); })) {
      continue;
    }
    if (!fits(choice.filters,
              [&](const std::string& glob) { return scenario::MatchesGlob(one.id.text, glob); })) {
      continue;
    }
    if (plan::Selects(select, one)) chosen.push_back({one.id.text, {}});
  }
  if (!chosen.empty()) {
    select.ids = std::move(chosen);
    return select;
  }
  base::Error error{ErrorCode::kNotFound, "no scenario fits what was asked for"};
  if (project.scenarios.empty()) {
    error.message = fmt::format("the project {} has no scenarios", root.string());
  } else if (choice.suites.size() == 1 && !systems.contains(choice.suites.front())) {
    const std::vector<std::string> known(systems.begin(), systems.end());
    error.message = fmt::format("no scenario of suite \"{}\"", choice.suites.front());
    error.hint = base::SuggestionFor(choice.suites.front(), known);
  } else {
    error.hint = fmt::format("`assay list` shows all {}", project.scenarios.size());
  }
  return base::Fail(std::move(error));
}

void PrintError(const base::Error& error, const Host& host, bool no_color) {
  host.err(base::RenderDiagnostic(error, {LookOf(host, host.err_is_terminal, no_color).color}));
}

bool PrintProblems(const scenario::Problems& problems, const Host& host, bool no_color,
                   const std::vector<std::string>& suites) {
  const base::DiagnosticStyle style{LookOf(host, host.err_is_terminal, no_color).color};
  const auto concerns = [&](const base::Error& error) {
    if (suites.empty() || error.span.source == nullptr) return true;
    const std::string& file = error.span.source->name();
    return !file.contains('/') || std::ranges::any_of(suites, [&](const std::string& suite) {
      return InSuite(file, "", suite);
    });
  };
  const auto plural = [](size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  size_t warnings = 0;
  size_t errors = problems.dropped();
  size_t elsewhere = 0;
  for (const base::Error& warning : problems.warnings()) {
    if (!concerns(warning)) continue;
    ++warnings;
    std::string text = base::RenderDiagnostic(warning, style);
    if (const size_t at = text.find("error"); at != std::string::npos) {
      text.replace(at, 5, "warning");
    }
    host.err(text + "\n");
  }
  for (const base::Error& error : problems.errors()) {
    if (!concerns(error)) {
      ++elsewhere;
      continue;
    }
    ++errors;
    host.err(base::RenderDiagnostic(error, style) + "\n");
  }
  if (problems.dropped() > 0) {
    host.err(fmt::format("and {} that are not shown\n", plural(problems.dropped(), "error")));
  }
  if (elsewhere > 0) {
    host.err(fmt::format("{} in other suites: see `assay check`\n", plural(elsewhere, "error")));
  }
  if (errors > 0) {
    host.err(fmt::format("{}{}\n", plural(errors, "error"),
                         warnings > 0 ? ", " + plural(warnings, "warning") : ""));
  }
  return errors > 0;
}

fs::path ResultsFolder(const Invocation& invocation, const Host& host, const fs::path& root,
                       const scenario::Project* project) {
  if (!invocation.results.empty()) return (host.directory / invocation.results).lexically_normal();
  return (root / (project != nullptr ? project->defaults.results_directory : "results"))
      .lexically_normal();
}

base::Result<fs::path> FindRun(const Invocation& invocation, const Host& host) {
  std::error_code error;
  const std::string name = invocation.run.empty() ? "latest" : invocation.run;
  std::vector<fs::path> candidates;
  if (!invocation.run.empty()) candidates.push_back(host.directory / name);
  if (!invocation.results.empty()) candidates.push_back(host.directory / invocation.results / name);
  if (const auto root = FindRoot(host, invocation)) {
    scenario::Problems ignored;
    const Vocabulary vocabulary;
    const auto project = LoadProject(*root, vocabulary, ignored);
    candidates.push_back(ResultsFolder(invocation, host, *root, project.get()) / name);
  }
  candidates.push_back(host.directory / "results" / name);
  for (const fs::path& candidate : candidates) {
    if (!fs::exists(candidate / "events.jsonl", error)) continue;
    const fs::path real = fs::canonical(candidate, error);
    return error ? candidate : real;
  }
  base::Error failure{ErrorCode::kNotFound, invocation.run.empty()
                                                ? "there is no run yet"
                                                : fmt::format("there is no run \"{}\"", name)};
  failure.hint = "`assay run` makes one; name its directory, or its folder with --results";
  return base::Fail(std::move(failure));
}

}  // namespace assay::cli
