#pragma once
// What one attempt of one action brought back: the only thing that differs between a live run, a
// replay and a mutation run.

#include <optional>
#include <string>
#include <vector>

#include "assay/cel/value.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"

namespace assay::history {

/// How an attempt ended.
enum class Disposition {
  kAnswered,      ///< the system answered; `value` holds the outcome variables
  kError,         ///< could not be carried out; `error` says why
  kInconclusive,  ///< carried out, but a proof is missing; `error` says which
  kSkipped,       ///< not carried out (a manual step without operator); `error` holds the reason
  kInterrupted,   ///< the run or the scenario ended first; `error` is kCancelled or kTimeout
};

std::string_view ToString(Disposition disposition);
std::optional<Disposition> ParseDisposition(std::string_view text);

struct Outcome {
  Disposition disposition = Disposition::kAnswered;
  /// A map: the variables of the action's outcome table. Empty map unless kAnswered, but an action
  /// may leave what it knows (an exec that timed out still has its stdout).
  cel::Value value;
  std::optional<base::Error> error;
  base::Duration duration{};
  /// SHA-256 names of blobs that belong to this outcome (bodies, transcripts, logs), also named in
  /// `value` or in the transcript.
  std::vector<std::string> blobs;
  /// Name of the blob that holds the transcript (JSON, see transcript.h), or "".
  std::string transcript;

  /// The variable `error` as expressions see it: null, or {code, message}.
  cel::Value ErrorValue() const;
};

}  // namespace assay::history
