#pragma once
// From requirement to evidence: which requirements the logs prove, by which events.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/history/run_model.h"

namespace assay::history {

/// A requirement of today's catalogue; `fingerprint` is the digest of its text.
struct CatalogueEntry {
  std::string id;
  std::string system;
  std::string fingerprint;
};

enum class TraceVerdict {
  kVerified,     ///< every scenario that names it passed, and at least one did
  kFailed,       ///< one of them failed
  kNotVerified,  ///< skipped, error, inconclusive, or passed without any expectation
  kStale,        ///< the requirement changed since it was proved
  kUncovered,    ///< no scenario names it
};

/// `verified`, `failed`, `not_verified`, `stale`, `uncovered`.
std::string_view ToString(TraceVerdict verdict);

/// What one scenario of one run says about one requirement.
struct TraceEvidence {
  std::string run;
  std::string instance;
  Verdict verdict = Verdict::kSkipped;
  std::string reason;  ///< why it does not verify; "" when it does
  bool flaky = false;
  bool stale = false;
  std::vector<uint64_t> events;  ///< the expectations that were evaluated, and the verdict
};

struct RequirementTrace {
  std::string id;
  std::string system;
  TraceVerdict verdict = TraceVerdict::kUncovered;
  bool flaky = false;  ///< verified, but by a scenario that needed a retry
  std::vector<TraceEvidence> evidence;
};

/// One entry a catalogue entry, in its order, then one for each id that scenarios name and the
/// catalogue does not have (with an empty system). Of the same instance in several runs only the
/// latest counts.
std::vector<RequirementTrace> Trace(std::span<const CatalogueEntry> catalogue,
                                    std::span<const RunModel> runs);

/// {counts{...}, requirements[{id, system, verdict, flaky, evidence[...]}]}
boost::json::object ToJson(std::span<const RequirementTrace> matrix);

}  // namespace assay::history
