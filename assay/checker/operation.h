#pragma once
// What a checker looks at: operations on a ledger, each with the moment it was attempted and the
// moment its end was known.
//
//   time ->      attempted            completed
//                   |--------------------|          the operation took effect somewhere inside,
//                                                    if it was acknowledged
//
// An indeterminate operation may take effect at any moment after it was attempted, or never; one
// that failed never did.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/value.h"
#include "assay/history/blob_store.h"
#include "assay/history/event.h"
#include "lib/base/clock.h"

namespace assay::checker {

enum class Ending {
  kAcknowledged,   ///< the system said that it did it
  kFailed,         ///< the system said that it did not, or it was never asked
  kIndeterminate,  ///< nobody knows
};
/// `acknowledged`, `failed`, `indeterminate`.
std::string_view ToString(Ending ending);

/// A point of the history. Order is decided by `seq`, which no two events share; `elapsed` (since
/// the start of the run) is for people and for latencies.
struct Moment {
  base::Duration elapsed{};
  uint64_t seq = 0;
};

struct Operation {
  std::string op;    ///< `add`, `read`, ... as the checker knows it
  cel::Value key;    ///< what it is about; null when that is not known
  cel::Value value;  ///< what was written or read; null when there was nothing
  Moment attempted;
  std::optional<Moment> completed;  ///< absent: it was still going on
  Ending ending = Ending::kIndeterminate;
  std::string worker;   ///< operations of one worker follow each other; "": not said
  std::string path;     ///< of the step, with `#attempt`
  std::string problem;  ///< why key or value could not be made; "" when they could
  std::string ledger;   ///< its name

  bool acknowledged() const { return ending == Ending::kAcknowledged; }
  /// It did take effect, or may have.
  bool possible() const { return ending != Ending::kFailed; }
};

/// A text that two values share exactly when they are equal as values of the expression language
/// (1 and 1.0 are; "1" and 1 are not; maps ignore their order).
std::string Identity(const cel::Value& value);

/// A value as a witness shows it: short.
std::string Show(const cel::Value& value);

/// Whether a path is that of `prefix` or below it; every path is below "".
bool IsBelow(std::string_view path, std::string_view prefix);

/// The operations of all ledgers, in the order in which they were attempted, from the `ledger`
/// events of a log. kCorrupt or kNotFound when a value cannot be read back.
base::Result<std::vector<Operation>> ReadOperations(std::span<const history::Event> events,
                                                    const history::BlobSource& blobs);

}  // namespace assay::checker
