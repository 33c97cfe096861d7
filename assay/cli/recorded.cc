#include "assay/cli/recorded.h"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>

#include "assay/cli/project.h"
#include "assay/plan/requirements.h"
#include "assay/scenario/loader.h"

namespace assay::cli {
namespace {

std::string Text(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

template <typename Visit>
void ForEachObject(const boost::json::object& manifest, std::string_view key, const Visit& visit) {
  const auto* list = manifest.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (const auto& item : list->get_array()) {
    if (const auto* one = item.if_object()) visit(*one);
  }
}

std::vector<history::CatalogueEntry> RecordedCatalogue(const history::RunModel& model) {
  std::set<std::string> systems;
  for (const auto& scenario : model.scenarios) systems.insert(scenario.system);
  std::vector<history::CatalogueEntry> out;
  ForEachObject(model.manifest, "requirements", [&](const boost::json::object& one) {
    const std::string system = Text(one, "system");
    if (!systems.contains(system)) return;
    out.push_back({Text(one, "id"), system, Text(one, "fingerprint")});
  });
  return out;
}

// The catalogues as they were, from the blobs of the run.
void ReadRecordedTexts(RecordedRun& run) {
  std::map<std::string, std::string> files;
  ForEachObject(run.model.manifest, "inputs", [&](const boost::json::object& one) {
    const std::string file = Text(one, "file");
    if (!file.contains("requirements")) return;
    const std::string blob = Text(one, "blob");
    auto text = run.blobs->Get(blob.empty() ? Text(one, "sha256") : blob);
    if (text) files[file] = *std::move(text);
  });
  const Vocabulary vocabulary;
  const scenario::MemoryFiles source(files);
  const scenario::Loader loader(source, vocabulary.schemas);
  for (const auto& [file, text] : files) {
    scenario::Problems ignored;
    if (const auto catalogue = loader.LoadRequirements(file, ignored)) {
      AddTexts(*catalogue, run.texts);
    }
  }
}

}  // namespace

report::ReportInput RecordedRun::Input() const {
  return {.model = model,
          .trace = trace,
          .read_blob = [store = blobs](std::string_view name) { return store->Get(name); },
          .requirements = &texts};
}

void AddTexts(const scenario::RequirementCatalogue& catalogue, report::RequirementTexts& texts) {
  for (const scenario::Requirement& one : catalogue.requirements) {
    texts[one.id.text] = {one.text.text, one.section, one.risk};
  }
}

base::Result<RecordedRun> LoadRun(const std::filesystem::path& dir) {
  RecordedRun run;
  run.dir = dir;
  TRY(history::EventLog log, history::ReadEvents(dir / "events.jsonl"));
  TRY(run.model, history::BuildRunModel(dir.filename().string(), log.events));
  run.events = std::move(log.events);
  run.blobs = std::make_shared<history::DirectoryBlobs>(dir / "blobs", nullptr);
  const auto catalogue = RecordedCatalogue(run.model);
  if (!catalogue.empty()) run.trace = history::Trace(catalogue, std::span(&run.model, 1));
  ReadRecordedTexts(run);
  return run;
}

std::vector<history::CatalogueEntry> CatalogueOf(const scenario::Project& project,
                                                 const std::vector<std::string>& systems) {
  scenario::Problems ignored;
  const plan::RequirementIndex index(project, ignored);
  std::vector<history::CatalogueEntry> out;
  for (const auto& [id, entry] : index.all()) {
    const std::string& system = entry.catalogue->system.text;
    const std::string file =
        entry.catalogue->source != nullptr ? entry.catalogue->source->name() : "";
    const bool wanted = systems.empty() || std::ranges::any_of(systems, [&](const auto& suite) {
                          return InSuite(file, system, suite);
                        });
    if (wanted) out.push_back({id, system, entry.fingerprint});
  }
  return out;
}

}  // namespace assay::cli
