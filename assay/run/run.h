#pragma once
// A whole run: from a plan to a results directory.
//
//   results/<run-id>/   events.jsonl   the log, append-only and chained
//                       blobs/         bodies, transcripts, logs
//                       run.json       summary, made from the log
//                       run.sig        with a key
//                       work/          scratch directories, gone at the end unless kept
//   results/latest -> <run-id>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/action/action.h"
#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/run_model.h"
#include "assay/plan/plan.h"
#include "assay/plan/resolve.h"
#include "assay/run/source/live_source.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/crypto/secret.h"
#include "lib/net/cancellation.h"
#include "lib/net/task.h"

namespace assay::run {

/// What is known once the system under test is up.
struct EnvironmentState {
  std::vector<action::Endpoint> endpoints;
  std::string default_endpoint;       ///< "": the first
  std::vector<std::string> services;  ///< names that a scenario's `needs` may ask for
  cel::Value service_facts;           ///< `environment.services`: a map by name
  cel::Value credentials;             ///< `environment.credentials`: a map of texts
  std::vector<OtherEnvironment> others;
  fault::FaultSite* faults = nullptr;  ///< null: nothing can be broken
};

/// Brings the system under test up and down. Its events and blobs go where those of the run go.
class EnvironmentDriver {
 public:
  virtual ~EnvironmentDriver() = default;
  virtual net::Task<base::Result<EnvironmentState>> Start(history::EventWriter& events,
                                                          history::BlobSink& blobs) = 0;
  /// Called once after Start, also when that failed. Not interrupted.
  virtual net::Task<void> Stop() = 0;
};

struct RunOptions {
  std::string run_id;  ///< name of the directory; see MakeRunId
  std::filesystem::path results_dir;
  uint64_t seed = 0;
  size_t jobs = 1;
  bool fail_fast = false;
  bool keep_work = false;
  base::Duration cleanup_timeout = std::chrono::minutes(1);
  /// Values that must not be written anywhere; those under 4 bytes cannot be hidden and give a
  /// warning.
  std::vector<std::string> secrets;
  /// Besides those of the project.
  std::vector<std::string> redact_keys;
  std::vector<std::string> redact_patterns;
  std::vector<std::pair<std::string, std::string>> env;        ///< what expressions see as `env`
  std::vector<std::pair<std::string, std::string>> overrides;  ///< for the manifest
  std::vector<std::pair<std::string, std::string>> process_environment;  ///< for exec
  boost::json::object manifest;  ///< see ManifestFacts::more
  /// The part of each load that this machine carries out, see plan::SharesLoads.
  plan::Shard load_share = {};
  std::optional<crypto::SigningKey> signing_key;
};

/// What a run works with; all of it outlives the run.
struct RunContext {
  const base::Clock& clock;
  const action::ActionRegistry& actions;
  http::Client& http;
  std::function<std::shared_ptr<http::CookieJar>()> make_cookies;
  EnvironmentDriver* environment = nullptr;      ///< null: nothing to bring up
  const net::Cancellation* interrupt = nullptr;  ///< Ctrl-C
  history::EventObserver observer;               ///< sees each event as it is written
  action::AskOperator ask_operator = {};         ///< for manual steps; empty: nobody is there
};

struct RunSummary {
  std::filesystem::path dir;
  history::RunModel model;
};

/// `20261121-035501-7f3a90c2`: sorts by time. Unique on the machine, because the guardian ends
/// every process that carries it: `entropy` must not be the seed, which two runs may share.
std::string MakeRunId(base::WallTime now, uint64_t entropy);

/// What makes a written log a finished run: run.json, the signature, `latest`.
base::Result<RunSummary> SealRun(const std::filesystem::path& results_dir,
                                 const std::string& run_id,
                                 const std::optional<crypto::SigningKey>& signing_key);

/// Runs the plan. An error when the results cannot be written; whatever happens to the system under
/// test is in the summary. Interrupted once: running steps end, cleanups run, the rest is skipped;
/// twice: cleanups end as well. The caller must not cancel this task: it interrupts.
net::Task<base::Result<RunSummary>> RunPlan(const plan::RunPlan& plan, RunOptions options,
                                            RunContext context);

}  // namespace assay::run
