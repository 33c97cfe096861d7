#include "montage/app/service.h"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/net/offload.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "montage/analysis/builtin_analyses.h"
#include "montage/api/routes.h"
#include "montage/app/analysis_runner.h"
#include "montage/app/data_directory.h"
#include "montage/app/entrance.h"
#include "montage/app/housekeeping.h"
#include "montage/app/model.h"
#include "montage/app/stores/cache_setup.h"
#include "montage/app/stores/object_setup.h"
#include "montage/clinical/records.h"
#include "montage/identity/sessions.h"
#include "montage/jobs/sql_job_queue.h"
#include "montage/recordings/edf_recording.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr base::Duration kStartTime = 10min;  ///< migrations and sweeps of a large store
constexpr base::Duration kModelTime = 2min;   ///< to load it, or to fetch it when there is none
constexpr base::Duration kSweepTime = 10min;  ///< of all objects of a large store
constexpr base::Duration kRequestGrace = 20s;
constexpr base::Duration kJobGrace = 5s;

/// Signing keys are sealed by a key derived from the ring; after a rotation of the ring that may be
/// an older one.
Result<identity::TokenSigner> LoadSigner(DataDirectory& directory, const base::Clock& clock,
                                         Deadline deadline) {
  const auto candidates = directory.keys().Derive("token-signing");
  auto signer = identity::TokenSigner::Load(directory.database(), clock,
                                            candidates.at(directory.keys().newest()), deadline);
  for (const auto& [id, key] : candidates) {
    if (signer) break;
    signer = identity::TokenSigner::Load(directory.database(), clock, key, deadline);
  }
  return signer;
}

}  // namespace

Result<void> CheckSupported(const Config& config) {
  TRY(CheckDispatch(config));
  if (!config.objects_url.empty()) TRY(ParseObjectsUrl(config.objects_url));
  return CheckCacheUrl(config);
}

/// Members in the order of their dependence: each one only refers to those above it.
struct Service::Parts {
  Parts(const Config& the_config, Role role, Log& the_log, const base::Clock& the_clock,
        std::unique_ptr<DataDirectory> the_directory, identity::TokenSigner the_signer,
        const Interposers& the_interposers);

  Result<void> Recover(bool alone, Deadline deadline);
  Result<void> SweepObjects();
  void Wake();
  std::vector<api::ComponentHealth> CheckHealth();
  void PrepareModel();
  void StartWorkers();
  net::Task<void> Serve(Entrance& entrance, const net::Cancellation& stop);
  net::Task<void> KeepHouse();
  net::Task<void> EndJobsLater();

  const Config config;
  Log& log;
  const base::Clock& clock;
  std::optional<FileLock> worker_lock;
  std::optional<FileLock> serve_lock;
  std::unique_ptr<DataDirectory> directory;
  telemetry::Metrics metrics;
  inference::ModelStore models;
  identity::TokenSigner signer;
  identity::Accounts accounts;
  identity::Sessions sessions;
  identity::ApiKeys keys;
  audit::AuditLog audit;
  recordings::Recordings recordings;
  clinical::Records records;
  jobs::SqlJobQueue stored_queue;
  std::unique_ptr<jobs::JobQueue> interposed_queue;
  jobs::JobQueue& queue;
  std::function<http::Handler(http::Handler)> interpose_handler;
  std::unique_ptr<cache::FastLevel> fast_cache;
  cache::TwoLevelCache cache;
  storage::IdempotencyStore idempotency;
  analysis::Registry analyses;
  net::ThreadPool pool;
  api::Api api;
  api::Services services;
  Housekeeping housekeeping;
  std::stop_source end_jobs;
  std::optional<jobs::Announcer> announcer;
  std::optional<jobs::Workers> workers;
};

Service::Parts::Parts(const Config& the_config, Role role, Log& the_log,
                      const base::Clock& the_clock, std::unique_ptr<DataDirectory> the_directory,
                      identity::TokenSigner the_signer, const Interposers& the_interposers)
    : config(the_config),
      log(the_log),
      clock(the_clock),
      directory(std::move(the_directory)),
      models(ModelOptionsOf(config, &metrics), clock),
      signer(std::move(the_signer)),
      accounts(directory->database(), clock,
               {.max_failures = config.login_max_failures, .lockout = config.login_lockout}),
      sessions(directory->database(), clock, accounts, signer,
               {.access_lifetime = config.access_token_lifetime,
                .refresh_lifetime = config.refresh_token_lifetime}),
      keys(directory->database(), clock, accounts),
      audit(directory->database(), clock),
      recordings(directory->database(), directory->objects(), directory->keys(), clock,
                 config.max_upload_bytes, config.leftover_age),
      records(directory->database(), directory->keys(), clock),
      stored_queue(directory->database(), clock,
                   config.queue_url.empty() ? jobs::Announcing::kNo : jobs::Announcing::kYes),
      interposed_queue(the_interposers.queue ? the_interposers.queue(stored_queue) : nullptr),
      queue(interposed_queue ? *interposed_queue : stored_queue),
      interpose_handler(the_interposers.handler),
      fast_cache(MakeFastLevel(config, clock)),
      cache({.fast = *fast_cache,
             .store = directory->objects(),
             .ring = directory->keys(),
             .metrics = metrics,
             .clock = clock,
             .error_sink = [this](const base::Error& error) { log.Write("cache_failed", error); }},
            {.time_to_live = config.cache_ttl}),
      idempotency(directory->database(), clock),
      analyses(analysis::BuiltInAnalyses()),
      pool(static_cast<size_t>(config.request_threads)),
      api({.sessions = sessions,
           .keys = keys,
           .audit = audit,
           .metrics = metrics,
           .pool = pool,
           .clock = clock,
           .error_sink = [this](const base::Error& error) { log.Write("request_failed", error); }},
          {.format_error = api::FormatServerError}),
      services{.accounts = accounts,
               .recordings = recordings,
               .validate_recording = recordings::EdfValidation(directory->spool()),
               .records = records,
               .jobs = queue,
               .objects = directory->objects(),
               .cache = cache,
               .analyses = analyses,
               .wake_workers = [this] { Wake(); },
               .check_health = [this] { return CheckHealth(); },
               .refuse_submission =
                   [this](Deadline deadline) {
                     return RefuseByModel(
                         models,
                         [this](const base::Error& error) { log.Write("model_failed", error); },
                         deadline);
                   },
               .spool_dir = directory->spool().string(),
               .max_upload_bytes = config.max_upload_bytes,
               .max_batch_files = static_cast<size_t>(config.max_batch_files),
               .version = std::string(kVersion),
               .idempotency = &idempotency},
      housekeeping({.database = directory->database(),
                    .sessions = sessions,
                    .idempotency = idempotency,
                    .cache = cache,
                    .metrics = metrics,
                    .clock = clock,
                    .active_jobs = [this] { return workers ? workers->active() : 0; },
                    .sweep_objects = IsShared(config) && role == Role::kServer
                                         ? [this] { return SweepObjects(); }
                                         : std::function<Result<void>()>()}) {
  if (role == Role::kWorker) {
    api::AddPlatformRoutes(api, services);
  } else {
    api::AddRoutes(api, services);
  }
}

/// What crashes left, beside other servers and workers that are at it.
Result<void> Service::Parts::SweepObjects() {
  const Deadline deadline = Deadline::After(kSweepTime);
  TRY(const int64_t swept, recordings.SweepOldLeftovers(deadline));
  TRY(const int64_t results, jobs::SweepOldResults(directory->database(), directory->objects(),
                                                   config.leftover_age, deadline));
  if (swept + results > 0) {
    log.Write(LogLevel::kInfo, "swept",
              {{"leftover_objects", swept}, {"leftover_results", results}});
  }
  return {};
}

void Service::Parts::Wake() {
  if (announcer) {
    announcer->Wake();
  } else if (workers) {
    workers->Wake();
  }
}

std::vector<api::ComponentHealth> Service::Parts::CheckHealth() {
  const Deadline deadline = Deadline::After(2s);
  std::vector<api::ComponentHealth> health;
  const auto answer = sql::Query(directory->database(), "SELECT 1", {}, deadline);
  health.push_back({"database", answer.has_value(),
                    answer ? std::string(sql::ToString(directory->database().dialect()))
                           : answer.error().message});
  if (auto changes = HealthOfChanges(directory->database(), deadline))
    health.push_back(*std::move(changes));
  if (auto broker = HealthOfQueue(announcer ? &*announcer : nullptr))
    health.push_back(*std::move(broker));
  const auto page = directory->objects().List(recordings::kBucket, {.limit = 1}, deadline);
  const std::string store = config.objects_url.empty() ? "files" : "s3";
  health.push_back({"objects", page.has_value(), page ? store : page.error().message});
  health.push_back(HealthOf(*fast_cache));
  health.push_back({"workers", true,
                    workers ? fmt::format("{} threads, {} busy", config.workers, workers->active())
                            : "none in this process"});
  health.push_back(HealthOf(models));
  return health;
}

void Service::Parts::PrepareModel() {
  models.Prepare(Deadline::After(kModelTime));
  const api::ComponentHealth health = HealthOf(models);
  // A service without its model still has results to show, and says in /health how it is.
  log.Write(health.ok ? LogLevel::kInfo : LogLevel::kError, "model",
            {{"state", health.state}, {"detail", health.detail}});
}

void Service::Parts::StartWorkers() {
  if (!config.queue_url.empty()) {
    announcer.emplace(directory->database(), clock, BrokerOptionsOf(config),
                      AnnouncerOptionsOf(log));
  }
  if (config.workers == 0) return;
  workers.emplace(
      queue, directory->objects(), clock,
      MakeAnalysisRunner({.recordings = recordings,
                          .analyses = [this] { return analysis::BuiltInAnalyses(models.model()); },
                          .metrics = metrics,
                          .clock = clock,
                          .spool_folder = directory->spool(),
                          .stop = end_jobs.get_token()}),
      WorkerOptionsOf(config, stored_queue));
}

net::Task<void> Service::Parts::KeepHouse() {
  while (co_await net::Sleep(Housekeeping::kEvery)) {
    const auto done = co_await net::Offload(pool, [this] { return housekeeping.Run(); });
    if (!done) log.Write("housekeeping_failed", done.error());
  }
}

net::Task<void> Service::Parts::EndJobsLater() {
  (void)co_await net::Sleep(kJobGrace);
  end_jobs.request_stop();
}

net::Task<void> Service::Parts::Serve(Entrance& entrance, const net::Cancellation& stop) {
  net::TaskGroup tasks(co_await net::CurrentExecutor(),
                       [this](const base::Error& error) { log.Write("task_failed", error); });
  tasks.Spawn(KeepHouse());
  (void)co_await stop.Wait(Deadline::Never());
  log.Write(LogLevel::kInfo, "draining", {{"connections", entrance.connections()}});
  const size_t cut = co_await entrance.Close(Deadline::After(kRequestGrace));
  if (workers) {
    tasks.Spawn(EndJobsLater());
    co_await net::Offload(pool, [this] { workers->Stop(); });
  }
  if (announcer) co_await net::Offload(pool, [this] { announcer->Stop(); });
  tasks.Cancel();
  (void)co_await tasks.Join(Deadline::Never());
  log.Write(LogLevel::kInfo, "stopped", {{"connections_cut", cut}});
}

/// What the one server with workers does before it works. `alone`: nobody else takes uploads.
Result<void> Service::Parts::Recover(bool alone, Deadline deadline) {
  boost::json::object line;
  const bool shared = IsShared(config);
  if (alone) {
    std::error_code ignored;
    for (const auto& left : std::filesystem::directory_iterator(directory->spool(), ignored))
      std::filesystem::remove_all(left.path(), ignored);
    if (!shared) {
      TRY(line["leftover_objects"], recordings.SweepLeftovers(deadline));
    }
  }
  TRY(const jobs::Recovered recovered, queue.Recover(!shared, deadline));
  if (!shared) {
    TRY(line["leftover_results"], jobs::SweepResults(queue, directory->objects(), deadline));
  }
  line["jobs_requeued"] = recovered.requeued;
  line["jobs_failed"] = recovered.failed;
  line["jobs_cancelled"] = recovered.cancelled;
  log.Write(LogLevel::kInfo, "recovered", std::move(line));
  return {};
}

Service::Service(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::Open(const Config& config, Log& log,
                                               const base::Clock& clock, Role role,
                                               const Interposers& interposers) {
  TRY(CheckSupported(config));
  if (role == Role::kWorker && config.workers == 0)
    return base::Fail(ErrorCode::kInvalid, "a worker needs at least 1 thread; workers is 0");
  const Deadline deadline = Deadline::After(kStartTime);
  TRY(auto directory, DataDirectory::Open({.path = config.data_dir,
                                           .database = DatabaseOptionsOf(config, role),
                                           .key_file = config.key_file,
                                           .objects_url = config.objects_url},
                                          clock, deadline));
  std::optional<FileLock> worker_lock;
  if (config.workers > 0 && !IsShared(config)) {
    TRY(worker_lock, directory->LockForWorkers());
  }
  bool alone = false;
  TRY(FileLock serve_lock, directory->LockForServing(alone));
  storage::Migrator migrator(directory->database(), storage::Migrations(), clock);
  TRY(const int64_t migrated, migrator.Up(deadline));
  if (migrated > 0) log.Write(LogLevel::kInfo, "migrated", {{"migrations", migrated}});
  TRY(directory->objects().EnsureBucket(recordings::kBucket, deadline));
  TRY(directory->objects().EnsureBucket(jobs::kResultsBucket, deadline));
  TRY(identity::TokenSigner signer, LoadSigner(*directory, clock, deadline));
  auto parts = std::make_unique<Parts>(config, role, log, clock, std::move(directory),
                                       std::move(signer), interposers);
  TRY(parts->cache.Open(deadline));
  if (config.workers > 0) TRY(parts->Recover(alone, deadline));
  TRY(serve_lock.Share());
  parts->worker_lock = std::move(worker_lock);
  parts->serve_lock = std::move(serve_lock);
  return std::unique_ptr<Service>(new Service(std::move(parts)));
}

net::Task<void> Service::Run(Entrance& entrance, const net::Cancellation& stop,
                             std::function<void(const std::string& url)> ready) {
  co_await net::Offload(parts_->pool, [this] { parts_->PrepareModel(); });
  // No request was handled yet: the entrance is closed.
  parts_->StartWorkers();
  http::Handler handler = parts_->api.AsHandler();
  if (parts_->interpose_handler) handler = parts_->interpose_handler(std::move(handler));
  entrance.OpenTo(std::move(handler));
  parts_->log.Write(
      LogLevel::kInfo, "listening",
      {{"url", entrance.url()}, {"version", kVersion}, {"workers", parts_->config.workers}});
  if (ready) ready(entrance.url());
  co_await parts_->Serve(entrance, stop);
}

boost::json::object Service::OpenApi() const {
  return api::OpenApiDocument(parts_->api.operations(), kVersion);
}

}  // namespace montage::app
