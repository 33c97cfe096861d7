#pragma once
// From the configuration to the parts that let several processes share work: database, broker,
// worker threads.

#include "lib/base/result.h"
#include "montage/api/routes.h"
#include "montage/app/config.h"
#include "montage/app/database.h"
#include "montage/app/log.h"
#include "montage/jobs/announcer.h"
#include "montage/jobs/worker.h"

namespace montage::app {

/// What a process does: answers requests (and analyses, with `workers` above 0), or only analyses.
enum class Role { kServer, kWorker };

/// kInvalid names what is wrong with the keys of database and queue, or what does not go together.
base::Result<void> CheckDispatch(const Config& config);

DatabaseOptions DatabaseOptionsOf(const Config& config, Role role);

/// Whether other processes, also on other machines, may work on the same jobs.
bool IsShared(const Config& config);

/// Requires: CheckDispatch, and a queue is configured.
jobs::BrokerOptions BrokerOptionsOf(const Config& config);

/// Writes to the log when the broker is lost and when it is back. The log outlives the announcer.
jobs::AnnouncerOptions AnnouncerOptionsOf(Log& log);

/// For the worker threads of this process; `queue` outlives them.
jobs::WorkerOptions WorkerOptionsOf(const Config& config, jobs::SqlJobQueue& queue);

/// For /health: whether changes are taken. On SQLite nothing, because it is as the database is.
std::optional<api::ComponentHealth> HealthOfChanges(sql::Database& database,
                                                    base::Deadline deadline);
/// For /health; `announcer` is null without a broker.
std::optional<api::ComponentHealth> HealthOfQueue(const jobs::Announcer* announcer);

}  // namespace montage::app
