#pragma once
// What one attempt of one action brought back: the only thing that differs between a live run, a
// replay and a mutation run.

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/cel/value.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/result.h"

namespace assay::history {

class BlobSink;
class BlobSource;

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

/// Typed JSON (cel::ToTypedJson) with long texts, bytes and lists moved to `sink`: in their place
/// stands {"$blob": name, "as": "text"|"bytes"|"json"}. Adds the names to `blobs`.
base::Result<boost::json::value> RecordValue(const cel::Value& value, BlobSink& sink,
                                             std::vector<std::string>& blobs);
base::Result<cel::Value> ReadRecordedValue(const boost::json::value& json,
                                           const BlobSource& source);

/// The data of an `outcome` event, without what the step machine adds.
base::Result<boost::json::object> RecordOutcome(const Outcome& outcome, BlobSink& sink,
                                                std::vector<std::string>& blobs);
base::Result<Outcome> ReadRecordedOutcome(const boost::json::object& record,
                                          std::vector<std::string> blobs, const BlobSource& source);

}  // namespace assay::history
