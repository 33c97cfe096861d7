#include "assay/scenario/loader.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "assay/scenario/baseline_settings.h"
#include "assay/scenario/build.h"
#include "assay/scenario/tables/tables.h"
#include "assay/scenario/template.h"
#include "assay/scenario/validate.h"

namespace assay::scenario {
namespace {

constexpr std::string_view kProjectFile = "assay.yaml";

// Folders in a suite that hold no scenarios.
constexpr std::string_view kOtherFolders[] = {"fragments", "fixtures", "data", "schemas",
                                              "scripts"};

bool IsYaml(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

std::string_view FileName(std::string_view path) {
  return path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
}

bool InFolder(std::string_view path, std::string_view folder) {
  return path.starts_with(fmt::format("{}/", folder)) || path.contains(fmt::format("/{}/", folder));
}

bool MatchesAny(std::string_view path, const std::vector<Text>& globs) {
  return std::ranges::any_of(globs, [&](const Text& glob) { return MatchesGlob(path, glob.text); });
}

std::vector<Text> GlobsOr(const yaml::Node& root, std::string_view key, std::string fallback) {
  std::vector<Text> globs = ReadTexts(root, key);
  if (globs.empty()) globs.push_back({std::move(fallback), {}});
  return globs;
}

// A glob that was written down and finds nothing is a slip.
void ComplainAboutUnmatched(const std::vector<Text>& globs, const std::vector<std::string>& paths,
                            bool folders, std::string_view what, Problems& problems) {
  for (const Text& glob : globs) {
    if (!glob.span.known()) continue;
    const std::string pattern = folders ? glob.text + "/**" : glob.text;
    const bool found = std::ranges::any_of(
        paths, [&](const std::string& path) { return MatchesGlob(path, pattern); });
    if (!found) {
      problems.Add(base::ErrorCode::kNotFound,
                   fmt::format("found no {} for \"{}\"", what, glob.text), glob.span,
                   "paths are relative to assay.yaml; * and ** are allowed");
    }
  }
}

template <typename T, typename Key>
void RefuseTwins(const std::vector<T>& all, Key key, std::string_view what, Problems& problems) {
  std::map<std::string, base::SourceSpan> first;
  for (const T& one : all) {
    const Text& name = key(one);
    const auto [twin, is_new] = first.emplace(name.text, name.span);
    if (is_new) continue;
    problems.Add(base::ErrorCode::kConflict,
                 fmt::format("found the {} \"{}\" twice", what, name.text), name.span,
                 fmt::format("the first one is {}", twin->second.ToString()));
  }
}

}  // namespace

std::optional<Loader::Opened> Loader::Open(const std::string& path, FileKind kind,
                                           Problems& problems) const {
  const yaml::Limits limits;
  auto text = files_.Read(path, limits.bytes);
  if (!text) {
    problems.Add(std::move(text).error());
    return std::nullopt;
  }
  auto source = std::make_shared<const base::SourceText>(path, *std::move(text));
  yaml::Document document = yaml::Parse(source, limits);
  for (base::Error& error : document.problems) problems.Add(std::move(error));
  if (document.root == nullptr) return std::nullopt;
  // An empty assay.yaml is a project with all defaults.
  if (kind == FileKind::kProject && document.root->is_null()) {
    document.root = yaml::Node::Map({}, document.root->span());
  }
  if (!document.root->is_map()) {
    problems.Add(
        base::ErrorCode::kInvalid,
        fmt::format("expected a {} file (a map), found {}", ToString(kind), document.root->Found()),
        document.root->span());
    return std::nullopt;
  }
  Validator validator(registry_, problems);
  validator.CheckObject(*document.root, TableOf(kind), false);
  const yaml::Node* fixtures = document.root->Find("fixtures");
  const ActionSchema* generate = registry_.FindAction("generate");
  if (kind == FileKind::kScenario && fixtures != nullptr && generate != nullptr) {
    for (const yaml::Entry& fixture : fixtures->entries()) {
      if (fixture.value->is_map()) validator.CheckObject(*fixture.value, generate->params, true);
    }
  }
  return Opened{std::move(source), std::move(document.root)};
}

namespace {

size_t CountOf(const Problems& problems) { return problems.errors().size() + problems.dropped(); }

}  // namespace

std::optional<Scenario> Loader::LoadScenario(const std::string& path, Problems& problems) const {
  const size_t before = CountOf(problems);
  const auto opened = Open(path, FileKind::kScenario, problems);
  if (!opened) return std::nullopt;
  Scenario scenario = BuildScenario(*opened->root, opened->source, registry_, problems);
  if (CountOf(problems) > before) return std::nullopt;
  return scenario;
}

std::optional<Fragment> Loader::LoadFragment(const std::string& path, Problems& problems) const {
  const size_t before = CountOf(problems);
  const auto opened = Open(path, FileKind::kFragment, problems);
  if (!opened) return std::nullopt;
  Fragment fragment = BuildFragment(*opened->root, opened->source, registry_, problems);
  if (fragment.name.empty()) {
    const std::string_view file = FileName(path);
    fragment.name = {std::string(file.substr(0, file.rfind('.'))), opened->root->span()};
  }
  if (CountOf(problems) > before) return std::nullopt;
  return fragment;
}

std::optional<RequirementCatalogue> Loader::LoadRequirements(const std::string& path,
                                                             Problems& problems) const {
  const size_t before = CountOf(problems);
  const auto opened = Open(path, FileKind::kRequirements, problems);
  if (!opened) return std::nullopt;
  RequirementCatalogue catalogue = BuildCatalogue(*opened->root, opened->source, problems);
  if (CountOf(problems) > before) return std::nullopt;
  return catalogue;
}

std::optional<Plan> Loader::LoadPlan(const std::string& path, Problems& problems) const {
  const size_t before = CountOf(problems);
  const auto opened = Open(path, FileKind::kPlan, problems);
  if (!opened) return std::nullopt;
  Plan plan = BuildPlan(*opened->root, opened->source, problems);
  if (CountOf(problems) > before) return std::nullopt;
  return plan;
}

std::optional<Environment> Loader::LoadEnvironment(const std::string& path,
                                                   Problems& problems) const {
  const size_t before = CountOf(problems);
  const auto opened = Open(path, FileKind::kEnvironment, problems);
  if (!opened) return std::nullopt;
  Environment environment = BuildEnvironment(*opened->root, opened->source, problems);
  if (environment.name.empty()) {
    const std::string_view file = FileName(path);
    environment.name = {std::string(file.substr(0, file.rfind('.'))), opened->root->span()};
  }
  if (CountOf(problems) > before) return std::nullopt;
  return environment;
}

void Loader::LoadEnvironments(const Opened& opened, Project& project, Problems& problems) const {
  const yaml::Node* map = opened.root->Find("environments");
  if (map == nullptr) return;
  for (const yaml::Entry& entry : map->entries()) {
    const Text name{entry.key, entry.key_span};
    if (entry.value->is_map()) {
      project.environments.push_back(BuildEnvironment(*entry.value, opened.source, problems));
      project.environments.back().name = name;
      continue;
    }
    auto loaded = LoadEnvironment(entry.value->text(), problems);
    if (!loaded) continue;
    loaded->name = name;
    project.inputs.push_back(loaded->source);
    project.environments.push_back(*std::move(loaded));
  }
}

namespace {

/// The folder before the first segment with a wildcard: `suites/*/x.yaml` -> `suites`.
std::string FixedFolder(std::string_view glob) {
  std::string folder;
  while (glob.contains('/')) {
    const std::string_view segment = glob.substr(0, glob.find('/'));
    if (segment.find_first_of("*?") != std::string_view::npos) return folder;
    if (!folder.empty()) folder += '/';
    folder += segment;
    glob.remove_prefix(segment.size() + 1);
  }
  return folder;
}

/// Only the folders that globs can reach are walked: a project may hold build trees and old
/// results.
base::Result<std::vector<std::string>> ListReachable(
    const FileSource& files, std::initializer_list<std::span<const Text>> globs,
    std::span<const Text> suites) {
  std::set<std::string> folders;
  for (const auto& list : globs) {
    for (const Text& glob : list) folders.insert(FixedFolder(glob.text));
  }
  for (const Text& suite : suites) folders.insert(FixedFolder(suite.text + "/"));
  std::set<std::string> paths;
  for (const std::string& folder : folders) {
    const auto found = files.List(folder);
    if (found) {
      paths.insert(found->begin(), found->end());
    } else if (found.error().code != base::ErrorCode::kNotFound) {
      return base::Fail(found.error());
    }
  }
  return std::vector<std::string>(paths.begin(), paths.end());
}

}  // namespace

void Loader::LoadSuites(const yaml::Node& root, Project& project, Problems& problems) const {
  const auto suites = GlobsOr(root, "suites", "suites/*");
  const auto requirements = GlobsOr(root, "requirements", "suites/*/requirements.yaml");
  const auto plans = GlobsOr(root, "plans", "plans/*.yaml");
  const auto paths = ListReachable(files_, {requirements, plans}, suites);
  if (!paths) return problems.Add(paths.error());
  ComplainAboutUnmatched(suites, *paths, true, "suite", problems);
  ComplainAboutUnmatched(requirements, *paths, false, "requirement file", problems);
  ComplainAboutUnmatched(plans, *paths, false, "plan", problems);
  std::vector<Text> below;
  for (const Text& suite : suites) below.push_back({suite.text + "/**", {}});
  const auto keep = [&project](auto loaded, auto& into) {
    if (!loaded) return;
    project.inputs.push_back(loaded->source);
    into.push_back(*std::move(loaded));
  };
  for (const std::string& path : *paths) {
    if (!IsYaml(path)) continue;
    if (MatchesAny(path, requirements)) {
      keep(LoadRequirements(path, problems), project.catalogues);
    } else if (MatchesAny(path, plans)) {
      keep(LoadPlan(path, problems), project.plans);
    } else if (!MatchesAny(path, below)) {
      continue;
    } else if (InFolder(path, "fragments")) {
      keep(LoadFragment(path, problems), project.fragments);
    } else if (std::ranges::none_of(kOtherFolders,
                                    [&](auto other) { return InFolder(path, other); })) {
      keep(LoadScenario(path, problems), project.scenarios);
    }
  }
}

Project Loader::LoadProject(Problems& problems) const {
  Project project;
  const auto opened = Open(std::string(kProjectFile), FileKind::kProject, problems);
  if (!opened) return project;
  const yaml::Node& root = *opened->root;
  project.source = opened->source;
  project.inputs.push_back(opened->source);
  project.name = ReadText(root, "name");
  project.default_environment = ReadText(root, "environment");
  project.defaults = BuildDefaults(root);
  static_cast<void>(BuildBaseline(root, problems));  // see BaselineOf
  project.vars = ReadNamed(root, "vars", problems);
  LoadEnvironments(*opened, project, problems);
  LoadSuites(root, project, problems);
  RefuseTwins(
      project.scenarios, [](const Scenario& s) -> const Text& { return s.id; }, "scenario",
      problems);
  RefuseTwins(project.plans, [](const Plan& p) -> const Text& { return p.id; }, "plan", problems);
  return project;
}

}  // namespace assay::scenario
