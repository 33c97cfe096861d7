#include "montage/app/dispatch.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/queue/connection.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

/// Threads that use the database besides those of requests and analyses: heartbeats, announcements,
/// housekeeping.
constexpr int kOtherThreads = 3;

Result<void> CheckPostgresUrl(std::string_view key, const std::string& url) {
  if (url.empty() || url.starts_with("postgresql://") || url.starts_with("postgres://")) return {};
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("configuration {} is \"{}\", expected "
                                "postgresql://user:password@host:port/database",
                                key, MaskPassword(url)));
}

}  // namespace

Result<void> CheckDispatch(const Config& config) {
  TRY(CheckPostgresUrl("database", config.database_url));
  TRY(CheckPostgresUrl("database_replica", config.database_replica_url));
  if (config.database_url.empty() && !config.database_replica_url.empty()) {
    return base::Fail(
        base::Error{ErrorCode::kInvalid, "a replica is configured, but no database that it follows"}
            .Hint("set database to the PostgreSQL URL of the primary"));
  }
  if (config.queue_url.empty()) return {};
  if (config.database_url.empty()) {
    return base::Fail(
        base::Error{ErrorCode::kInvalid,
                    "a queue is configured, but the database is a file of this machine"}
            .Hint("set database to a PostgreSQL URL, or leave queue empty: SQLite is its own "
                  "queue"));
  }
  const auto target = queue::ParseTarget(config.queue_url);
  if (!target) return base::Fail(base::Error(target.error()).While("reading configuration queue"));
  return {};
}

DatabaseOptions DatabaseOptionsOf(const Config& config, Role role) {
  return {.url = config.database_url,
          .replica_url = config.database_replica_url,
          .connections =
              static_cast<size_t>(config.database_url.empty()
                                      ? config.request_threads
                                      : config.request_threads + config.workers + kOtherThreads),
          .durability = config.survives_power_loss ? sql::Durability::kPowerLoss
                                                   : sql::Durability::kProcessDeath,
          .application_name = role == Role::kWorker ? "montage worker" : "montage serve"};
}

bool IsShared(const Config& config) { return !config.database_url.empty(); }

jobs::BrokerOptions BrokerOptionsOf(const Config& config) {
  return {.target = queue::ParseTarget(config.queue_url).value(), .name = config.queue_name};
}

jobs::AnnouncerOptions AnnouncerOptionsOf(Log& log) {
  return {.on_change = [&log](const base::Error* trouble) {
    if (trouble != nullptr) {
      log.Write("queue_lost", *trouble);
    } else {
      log.Write(LogLevel::kInfo, "queue_found", {});
    }
  }};
}

jobs::WorkerOptions WorkerOptionsOf(const Config& config, jobs::SqlJobQueue& queue) {
  char host[65] = {};
  (void)::gethostname(host, sizeof(host) - 1);
  jobs::WorkerOptions options{.name = fmt::format("{}-{}", host, ::getpid()),
                              .threads = static_cast<size_t>(config.workers),
                              .lease_time = config.job_lease,
                              .heartbeat_every = config.job_lease / 6};
  if (!config.queue_url.empty()) {
    options.poll_every = base::Duration::zero();
    options.sources = [&queue, broker = BrokerOptionsOf(config)] {
      return std::make_unique<jobs::BrokerSource>(queue, broker);
    };
  }
  return options;
}

std::optional<api::ComponentHealth> HealthOfChanges(sql::Database& database,
                                                    base::Deadline deadline) {
  if (database.dialect() == sql::Dialect::kSqlite) return std::nullopt;
  const auto answer =
      sql::Change(database, "SELECT 1 WHERE NOT pg_catalog.pg_is_in_recovery()", {}, deadline);
  const bool taken = answer && !answer->empty();
  std::string detail = taken ? "taken" : "the server only follows another one";
  if (!answer) detail = answer.error().message;
  return api::ComponentHealth{"database_changes", taken, std::move(detail)};
}

std::optional<api::ComponentHealth> HealthOfQueue(const jobs::Announcer* announcer) {
  if (announcer == nullptr) return std::nullopt;
  const std::string trouble = announcer->trouble();
  return api::ComponentHealth{"queue", trouble.empty(), trouble.empty() ? "rabbitmq" : trouble};
}

}  // namespace montage::app
