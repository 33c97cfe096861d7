#pragma once
// A finished (or cut off) run as reports, traceability and comparison read it: built from events
// alone.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "assay/history/event.h"
#include "assay/history/verdict.h"
#include "lib/base/result.h"

namespace assay::history {

struct ExpectationResult {
  std::string expression;
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
  std::string role;  ///< expect, until or success
  Verdict verdict = Verdict::kPassed;
  boost::json::value explanation;  ///< cel::Explanation as JSON; null when it held
  bool vacuous = false;            ///< held only because a list was empty
  int attempt = 1;
  uint64_t seq = 0;
};

struct AttemptResult {
  int attempt = 1;
  std::string disposition;
  boost::json::value value;  ///< typed JSON of the outcome variables
  boost::json::value error;  ///< null or {code, message, hint}
  std::string transcript;    ///< blob name or ""
  std::vector<std::string> blobs;
  base::Duration duration{};
  uint64_t seq = 0;
};

struct StepResult {
  std::string path;
  std::string name;  ///< "" when the file gives none
  std::string id;
  std::string action;  ///< http, exec, group, ...
  std::string head;    ///< one line: `POST /api/v1/eeg/upload`
  std::string file;
  uint32_t line = 0;
  Verdict verdict = Verdict::kSkipped;
  std::string reason;
  base::Duration started{};  ///< since run start
  base::Duration duration{};
  std::vector<AttemptResult> attempts;
  std::vector<ExpectationResult> expectations;
  boost::json::object saved;  ///< typed JSON
  std::vector<std::string> verifies;
  std::vector<Event> records;        ///< its other events, in order: workload.*
  std::vector<StepResult> children;  ///< of group, parallel, for_each, repeat, use
  bool cleanup = false;
  bool background = false;
  bool unasserted = false;
  bool finished = false;  ///< false: the run was cut off here
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;
};

struct ScenarioResult {
  std::string instance;  ///< path of the scenario, unique in the run: `NS-1/1`
  std::string id;
  std::string title;
  std::string description;
  std::string system;
  std::string category;
  std::string priority;
  std::vector<std::string> tags;
  std::vector<std::string> verifies;  ///< of the scenario itself; steps have their own
  std::string file;
  uint32_t line = 0;
  Verdict verdict = Verdict::kSkipped;
  std::string reason;
  bool flaky = false;
  bool optional = false;
  int attempts = 1;
  base::Duration started{};
  base::Duration duration{};
  std::vector<StepResult> steps;  ///< of the last attempt
  std::vector<StepResult> cleanup;
  std::vector<ExpectationResult> success;
  bool finished = false;
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;

  /// The scenario's ids and those of all its steps, sorted, each once.
  std::vector<std::string> AllVerifies() const;
};

struct ServiceRecord {
  std::string name;
  std::string command;
  boost::json::object facts;  ///< merged data of its events: ports, pid, exit_code, log, ...
  std::vector<Event> events;
};

struct EnvironmentRecord {
  std::string name;
  std::string type;
  std::string profile;
  bool ready = false;
  std::vector<ServiceRecord> services;
};

struct RunModel {
  std::string id;  ///< name of the run directory
  boost::json::object manifest;
  base::WallTime started{};
  base::Duration duration{};
  std::vector<ScenarioResult> scenarios;  ///< in planned order
  std::vector<EnvironmentRecord> environments;
  std::vector<std::string> warnings;
  std::map<Verdict, int> counts;
  Verdict verdict = Verdict::kSkipped;
  bool complete = false;  ///< run.finished was read
  bool interrupted = false;
  std::string head_hash;
  uint64_t event_count = 0;
};

/// Pure function of the log. Unknown kinds are ignored (they belong to newer versions). A log that
/// was cut off gives what is there, with `finished` false on what was open.
base::Result<RunModel> BuildRunModel(std::string run_id, std::span<const Event> events);

/// The verdict of a run: the worst of its scenarios. Skipped ones are listed, not counted as
/// passed, but do not spoil a run in which others passed; a run in which nothing was carried out is
/// skipped.
Verdict RunVerdict(std::span<const ScenarioResult> scenarios);

/// What run.json holds.
boost::json::object SummaryJson(const RunModel& model);

/// One entry of a ledger: an operation was attempted (invoke), acknowledged (ok), refused (fail),
/// or nobody knows (info).
struct LedgerOp {
  std::string ledger;
  std::string op;
  std::string phase;
  boost::json::value key;    ///< typed JSON
  boost::json::value value;  ///< typed JSON
  std::string path;
  base::Duration elapsed{};
  uint64_t seq = 0;
};

/// All ledger events, in order of the log.
std::vector<LedgerOp> ExtractLedger(std::span<const Event> events);

/// Calls `visit` for each step of the tree, parents first.
void ForEachStep(std::span<const StepResult> steps,
                 const std::function<void(const StepResult&)>& visit);

}  // namespace assay::history
