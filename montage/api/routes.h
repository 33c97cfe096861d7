#pragma once
// Every operation of Montage's API, one file a resource.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/objects/object_store.h"
#include "montage/analysis/pipeline.h"
#include "montage/api/api.h"
#include "montage/cache/two_level_cache.h"
#include "montage/clinical/records.h"
#include "montage/identity/accounts.h"
#include "montage/jobs/job_queue.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/idempotency.h"

namespace montage::api {

/// One dependency of the service, for /health.
struct ComponentHealth {
  std::string name;  ///< database, database_changes, queue, objects, cache, workers, model
  bool ok = true;
  std::string detail;  ///< for operators; no secrets
  /// Word for everybody, such as the model's none, ready or failed; "": `ok` says all.
  std::string state = {};
};

/// Why submissions are refused at the moment; for everybody.
struct Unavailable {
  std::string message;
  base::Duration retry_after{};
};

/// What handlers work with; everything outlives the Api.
struct Services {
  identity::Accounts& accounts;
  recordings::Recordings& recordings;
  recordings::Validation validate_recording;
  clinical::Records& records;
  jobs::JobQueue& jobs;
  objects::ObjectStore& objects;
  cache::TwoLevelCache& cache;
  const analysis::Registry& analyses;
  /// Called after a submission, so that an idle worker looks.
  std::function<void()> wake_workers;
  std::function<std::vector<ComponentHealth>()> check_health;
  /// Asked at each submission before its recordings are looked up; null: nothing is in the way.
  std::function<std::optional<Unavailable>(base::Deadline)> refuse_submission = {};
  /// Where uploads are spooled while they arrive; exists.
  std::string spool_dir;
  uint64_t max_upload_bytes = 0;
  size_t max_batch_files = 100;
  std::string version;
  /// Answers by Idempotency-Key; null: requests with such a key are refused (501).
  storage::IdempotencyStore* idempotency = nullptr;
};

/// auth/token, auth/refresh, auth/revoke.
void AddAuthRoutes(Api& api, Services& services);
/// eeg/upload, eeg/analyze, eeg/files.
void AddEegRoutes(Api& api, Services& services);
/// eeg/files/{file_id}/clean.
void AddCleaningRoutes(Api& api, Services& services);
/// eeg/features, eeg/files/{file_id}/features.
void AddFeatureRoutes(Api& api, Services& services);
/// cache/stats, cache/entries, cache/files: for administrators.
void AddCacheRoutes(Api& api, Services& services);
/// clinical/records.
void AddClinicalRoutes(Api& api, Services& services);
/// jobs, results, user/analyses.
void AddJobRoutes(Api& api, Services& services);
/// batch/analyze, batch/{id}/status, batch/{id}/results.
void AddBatchRoutes(Api& api, Services& services);
/// users, keys, audit.
void AddAdministrationRoutes(Api& api, Services& services);
/// /health, /health/live, /health/ready, /metrics, /api/v1/openapi.json.
void AddPlatformRoutes(Api& api, Services& services);

/// All of the above.
void AddRoutes(Api& api, Services& services);

}  // namespace montage::api
