#pragma once
// The checkers: pure functions over the operations of one ledger, each in a file of its own. The
// invariants are those of the checkers of the same names in Jepsen (jepsen.checker and
// jepsen.tests, https://github.com/jepsen-io/jepsen); differences are named where they are.
//
// All of them: operations stand in the order in which they were attempted (`attempted.seq` rises)
// and use the first word of each role (see checker.h). No proof (nothing was added, nothing was
// read, an acknowledged operation whose key is unknown) is inconclusive, never passed. What an
// indeterminate operation could explain is not held against the system.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "assay/checker/finding.h"
#include "assay/checker/operation.h"

namespace assay::checker {

inline constexpr size_t kDefaultWitnesses = 10;

struct SetOptions {
  bool duplicates_allowed = false;  ///< an element may stand twice in a read
  size_t witnesses = kDefaultWitnesses;
};
/// `add` (key = element) and `read` (value = list of all elements). The last acknowledged read must
/// hold every element whose add was acknowledged before that read was attempted, and none that
/// nobody tried to add; an element whose only adds failed counts as never tried.
/// Counts: acknowledged, lost, unexpected, recovered (indeterminate adds that were read),
/// duplicated, unnamed (acknowledged adds without key).
CheckResult CheckSet(std::span<const Operation> operations, const SetOptions& options = {});

struct SetFullOptions {
  bool linearizable = false;  ///< a known element must be in every read that begins later
  bool duplicates_allowed = false;
  size_t witnesses = kDefaultWitnesses;
};
/// The same operations, with reads all along. An element is known from the acknowledgement of its
/// add or from the first read that held it. Lost: missing from a read that began after it was known
/// and after every read that held it. Stale: missing from a read after it was known, and there
/// again later; harmless unless `linearizable`. Never read: known too late for any read.
/// Counts: acknowledged, stable, lost, stale, never_read, unexpected, duplicated, unnamed, and
/// stale_ns_max (the longest time from known to stable).
CheckResult CheckSetFull(std::span<const Operation> operations, const SetFullOptions& options = {});

struct TotalQueueOptions {
  bool duplicates_allowed = true;  ///< delivery at least once
  size_t witnesses = kDefaultWitnesses;
};
/// `enqueue` and `dequeue` (key = element) and `drain` (value = list of elements that came out).
/// What goes in must come out: every acknowledged enqueue, and nothing that nobody put in. An
/// indeterminate dequeue may have taken any one element, or its own when it names one; so many lost
/// elements are in doubt only.
/// Counts: enqueued, dequeued, lost, unexpected, duplicated, recovered (indeterminate enqueues that
/// came out), unnamed.
CheckResult CheckTotalQueue(std::span<const Operation> operations,
                            const TotalQueueOptions& options = {});

struct CounterOptions {
  int64_t initial = 0;
  size_t witnesses = kDefaultWitnesses;
};
/// `add` (value = whole amount, 1 when absent, negative allowed) and `read` (value = whole number),
/// by key. A read must lie between what was certainly added before it was attempted and what may
/// have been added before it completed.
/// Counts: adds, reads, wrong.
CheckResult CheckCounter(std::span<const Operation> operations, const CounterOptions& options = {});

struct UniqueIdsOptions {
  size_t witnesses = kDefaultWitnesses;
};
/// `generate` (value = the id, or key when there is no value): every acknowledged id is new.
/// Counts: acknowledged, duplicated (ids given more than once), unnamed.
CheckResult CheckUniqueIds(std::span<const Operation> operations,
                           const UniqueIdsOptions& options = {});

struct BankOptions {
  std::optional<int64_t> total;  ///< absent: that of the first read
  bool negative_allowed = false;
  size_t witnesses = kDefaultWitnesses;
};
/// `read` (value = map from account to whole balance); `transfer` is counted. Every acknowledged
/// read has the same accounts and the same total, and no balance below zero.
/// Counts: reads, transfers, wrong_total, negative, wrong_accounts.
CheckResult CheckBank(std::span<const Operation> operations, const BankOptions& options = {});

struct MonotonicOptions {
  bool strict = false;      ///< equal values are wrong as well
  bool per_worker = false;  ///< only reads of one worker are compared
  size_t witnesses = kDefaultWitnesses;
};
/// `read` (value = number, text, timestamp or duration), by key: a read that was attempted after
/// another one completed gives no smaller value. A list as value must rise in itself.
/// Counts: reads, regressed, repeated (only `strict`).
CheckResult CheckMonotonic(std::span<const Operation> operations,
                           const MonotonicOptions& options = {});

struct RegisterOptions {
  cel::Value initial;                    ///< of every key
  uint64_t memory_bytes = 64ULL << 20U;  ///< of the search in one key
  size_t witnesses = kDefaultWitnesses;
};
/// `write` (value), `read` (value) and `cas` (value = [expected, new]), by key: there is an order
/// of the operations, within their times, in which every read gives what was written last
/// (linearizability). The search is that of Wing and Gong (1993) with the memory of Lowe (2017,
/// "Testing for linearizability"), one key at a time; over `memory_bytes` the key is inconclusive.
/// Counts: keys, operations, not_linearizable, undecided.
CheckResult CheckRegister(std::span<const Operation> operations,
                          const RegisterOptions& options = {});

struct SamplesOptions {
  std::optional<int64_t> first;  ///< index of the first sample; absent: that of the first segment
  size_t witnesses = kDefaultWitnesses;
};
/// `send` and `receive` (key = stream, value = {start, samples} or {start, count, sha256}): a
/// segment of a signal. `samples` is a list of numbers, or bytes (then a sample is one byte).
/// Received segments of a stream, by their start, leave no gap and do not overlap; every
/// acknowledged sample was received, none that nobody sent, and each with the value that was sent
/// (bit-exact; a digest is compared with a segment of the same bounds).
/// Counts: streams, samples_sent, samples_received, gaps, overlaps, lost, unexpected, altered,
/// not_comparable, malformed.
CheckResult CheckSamples(std::span<const Operation> operations, const SamplesOptions& options = {});

}  // namespace assay::checker
