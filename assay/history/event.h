#pragma once
// One line of events.jsonl. The kinds and their data are the contract between a run and everything
// that judges or shows it (checkers, reports, evidence, replay).

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::history {

/// A line of the log is the RFC 8785 form of the whole object. `hash` = SHA-256 (hex) over the 64
/// digits of `prev` followed by the RFC 8785 form of the object without `hash`; `prev` of the first
/// event is 64 zeros. All durations in `data` are integers in nanoseconds and end in `_ns`.
struct Event {
  uint64_t seq = 0;                ///< 1, 2, 3, ... without gaps
  base::WallTime time{};           ///< written as RFC 3339 with nanoseconds
  base::Duration elapsed{};        ///< monotonic, since run.started; written as elapsed_ns
  std::string kind;                ///< one of kind::... below
  std::string path;                ///< step path, scenario instance, service name, or ""
  boost::json::object data;        ///< by kind, see below
  std::vector<std::string> blobs;  ///< SHA-256 names in blobs/
  std::string prev;
  std::string hash;
};

// Kinds and their data (clang-format must not join these lines):
//
// clang-format off
//   run.started        manifest {tool, version, host{...}, command_line, inputs[{file, sha256}],
//                      configuration, environment (name), profile, scale, seed (text),
//                      planned[{instance, scenario}], requirements[{id, system, fingerprint}],
//                      filters, jobs, shard{index, count, divided (scenarios|load)};
//                      of a merged run: merged{count, divided}, shards[{index, run, head, events,
//                      log (blob), host}]}. Events that a merged run took from a shard have origin
//                      {shard, seq} in their data; those of environments end in ` [shard 2]`.
//   run.warning        message, where
//   run.finished       verdict, counts{passed, failed, error, inconclusive, skipped}, interrupted,
//                      head (hash of the event before), duration_ns
//   environment.starting|ready|stopping|stopped|failed
//                      path = environment; name, type, profile, duration_ns, error
//   environment.service.starting|started|ready|exited|stopped
//                      path = service; pid, command, ports{}, exit_code, signal, probe_count,
//                      duration_ns, log (blob), error
//   environment.probe  path = service; kind, attempt, ok, message, duration_ns
//   scenario.started   path = instance; id, title, description, system, category, tags[], priority,
//                      verifies[], file, line, attempt, optional, inputs {name: typed JSON}: all
//                      that the scenario saw and that is not an outcome of a step (vars, env, run,
//                      endpoints, fixtures)
//   scenario.skipped   path = instance; the same identifying fields; reason
//   scenario.finished  path = instance; verdict, reason, attempt, flaky, duration_ns
//   step.started       path = step path; name, id, action, head, file, line, verifies[], cleanup,
//                      background, unasserted
//   step.skipped       path; the same identifying fields; reason, stopped (timeout|cancelled: the
//                      scenario or run ended first; absent otherwise)
//   outcome            path = step path with #attempt; disposition, value (typed JSON, see
//                      outcome.h), error{code, message, hint}, duration_ns, transcript (blob),
//                      head (one line for people); mutated outcomes never enter a log
//   expectation        path; expression, file, line, column, role (expect|until|success), verdict,
//                      value, explanation (cel::Explanation JSON), vacuous, attempt
//   saved              path; values {name: typed JSON}
//   step.finished      path; verdict, reason, attempts, duration_ns, exhausted (a poll or retry ran
//                      out), exhausted_at[attempts after which a poll gave up], interrupted
//                      (timeout|cancelled) and interrupted_by (why), absent otherwise
//   ledger             path; attempt, ledger, op, phase (invoke|ok|fail|info), key, value, worker;
//                      problem (why an acknowledged operation has no key or value)
//   checker            path = step path with #attempt; checker, ledger, operations (how many were
//                      looked at: those of its scenario attempt before this event), verdict,
//                      reason, counts {name: number}, witnesses[{kind, subject, text,
//                      operations[{path, op, ending, key, value, attempted_ns, completed_ns}]}],
//                      left_out (witnesses not listed)
//   manual             path; who, decision, comment
//   note               path; text
//   cleanup.started|finished   path = instance; verdict, reason
//   workload.started   path = step; executor, tasks[], span_ns, vus, engine, engine_reason
//   workload.interval  path = step; second (from 0), tasks[{name, finished, failed, latency, service
//                      (histograms: compressed V2, base64, microseconds), status{code: count},
//                      interrupted}], begun, late, vus, delay, think (histograms), cpu,
//                      start_failures, received_bytes, busy_ns, present_ns
//   workload.failure   path = step; one of few that are kept: task, step, reason, status, at_ns, vu,
//                      index, transcript (blob)
//   fault.injected|effect|healed|plan, sample, finding, gate: of later parts; readers pass over kinds
//                      that they do not know
//
// Paths are those of assay/plan/path.h. The path of a scenario is `NS-1/1` in every event of its own;
// a step's is below it, and below `NS-1/1@2` when the whole scenario is tried again. A further try of
// a structure step adds `#2` to its segment: `NS-1/1/group#2/upload`.
// clang-format on
namespace kind {
inline constexpr std::string_view kRunStarted = "run.started";
inline constexpr std::string_view kRunWarning = "run.warning";
inline constexpr std::string_view kRunFinished = "run.finished";
inline constexpr std::string_view kEnvironmentPrefix = "environment.";
inline constexpr std::string_view kScenarioStarted = "scenario.started";
inline constexpr std::string_view kScenarioSkipped = "scenario.skipped";
inline constexpr std::string_view kScenarioFinished = "scenario.finished";
inline constexpr std::string_view kStepStarted = "step.started";
inline constexpr std::string_view kStepSkipped = "step.skipped";
inline constexpr std::string_view kStepFinished = "step.finished";
inline constexpr std::string_view kOutcome = "outcome";
inline constexpr std::string_view kExpectation = "expectation";
inline constexpr std::string_view kSaved = "saved";
inline constexpr std::string_view kLedger = "ledger";
inline constexpr std::string_view kChecker = "checker";
inline constexpr std::string_view kManual = "manual";
inline constexpr std::string_view kNote = "note";
inline constexpr std::string_view kWorkloadPrefix = "workload.";
inline constexpr std::string_view kWorkloadStarted = "workload.started";
inline constexpr std::string_view kWorkloadInterval = "workload.interval";
inline constexpr std::string_view kWorkloadFailure = "workload.failure";
inline constexpr std::string_view kCleanupStarted = "cleanup.started";
inline constexpr std::string_view kCleanupFinished = "cleanup.finished";
}  // namespace kind

/// 64 zeros: `prev` of the first event.
std::string FirstPrev();

/// What `hash` must be, given all other fields.
std::string HashOf(const Event& event);

/// The line of the log, without its line end.
std::string ToLine(const Event& event);

/// Reads a line and checks its shape, not its hash. Errors do not name the line: the reader does.
base::Result<Event> ParseEvent(std::string_view line);

}  // namespace assay::history
