#include "assay/cli/baseline/measured.h"

#include <fmt/format.h>

#include "assay/baseline/measure.h"
#include "assay/baseline/run_store.h"
#include "assay/cli/project.h"
#include "assay/history/event_log.h"

namespace assay::cli {

base::Result<MeasuredFolder> MeasureFolder(const std::filesystem::path& dir) {
  MeasuredFolder out;
  out.dir = dir;
  TRY(const history::EventLog log, history::ReadEvents(dir / "events.jsonl"));
  TRY(out.model, history::BuildRunModel(dir.filename().string(), log.events));
  out.run = baseline::MeasureRun(out.model, history::DirectoryBlobs(dir / "blobs", nullptr));
  return out;
}

base::Result<MeasuredFolder> MeasureFolder(const std::string& name, const Invocation& invocation,
                                           const Host& host) {
  Invocation named = invocation;
  named.run = name;
  TRY(const std::filesystem::path dir, FindRun(named, host));
  return MeasureFolder(dir);
}

std::filesystem::path StoreOf(const std::filesystem::path& results) {
  return results / baseline::kStoreFile;
}

void EnterRun(const RecordedRun& recorded, const Host& host) {
  const auto deadline = base::Deadline::After(std::chrono::seconds(10));
  const auto entered = [&]() -> base::Result<void> {
    TRY(baseline::RunStore store,
        baseline::RunStore::Open(StoreOf(recorded.dir.parent_path()), deadline));
    return store.Enter(baseline::MeasureRun(recorded.model, *recorded.blobs), deadline);
  }();
  if (entered) return;
  host.err(fmt::format("note: the run is not in the history: {}; `assay history add` enters it\n",
                       entered.error().ToString()));
}

}  // namespace assay::cli
