#pragma once
// A recorded run with everything that a report needs.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/run_model.h"
#include "assay/history/trace.h"
#include "assay/report/report.h"
#include "assay/scenario/ast.h"

namespace assay::cli {

struct RecordedRun {
  std::filesystem::path dir;
  std::vector<history::Event> events;
  history::RunModel model;
  std::vector<history::RequirementTrace> trace;
  report::RequirementTexts texts;
  std::shared_ptr<const history::DirectoryBlobs> blobs;

  report::ReportInput Input() const;
};

/// Needs the run directory only: the requirements are those that the log and its blobs hold, of the
/// systems whose scenarios ran.
base::Result<RecordedRun> LoadRun(const std::filesystem::path& dir);

/// The requirements of a project as traceability takes them, of these systems (empty: all).
std::vector<history::CatalogueEntry> CatalogueOf(const scenario::Project& project,
                                                 const std::vector<std::string>& systems);

void AddTexts(const scenario::RequirementCatalogue& catalogue, report::RequirementTexts& texts);

}  // namespace assay::cli
