#pragma once
// Answers kept by the key that a client sent with its request, so that a request which is sent
// again gets the answer of the first and does nothing.
//
//   (none) -- Begin --> running -- Finish --> answered (kept for a day)
//                          '---- Abandon --> (none)

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/sql/database.h"

namespace montage::storage {

/// What Begin found.
struct IdempotentStart {
  enum class Outcome {
    kNew,       ///< do it, then Finish or Abandon
    kAnswered,  ///< `status` and `response` are the answer
    kRunning,   ///< the first one is not finished, or its process is gone
    kOther,     ///< the key was used for another request
  };
  Outcome outcome = Outcome::kNew;
  int status = 0;
  std::string response;
};

/// Thread-safe; the references outlive it.
class IdempotencyStore {
 public:
  /// How long an answer is kept.
  static constexpr base::Duration kKept = std::chrono::hours(24);
  /// After that a request without an answer counts as lost with its process.
  static constexpr base::Duration kLost = std::chrono::minutes(2);

  IdempotencyStore(sql::Database& database, const base::Clock& clock)
      : database_(database), clock_(clock) {}

  /// `request_hash` tells requests apart; keys of different owners have nothing to do with each
  /// other.
  base::Result<IdempotentStart> Begin(std::string_view owner_id, std::string_view key,
                                      std::string_view request_hash, base::Deadline deadline);
  base::Result<void> Finish(std::string_view owner_id, std::string_view key, int status,
                            std::string_view response, base::Deadline deadline);
  /// The request was refused and may be sent again under the same key.
  base::Result<void> Abandon(std::string_view owner_id, std::string_view key,
                             base::Deadline deadline);
  /// Removes what is not kept any more; returns how many.
  base::Result<int64_t> Sweep(base::Deadline deadline);

 private:
  int64_t Before(base::Duration span) const;

  sql::Database& database_;
  const base::Clock& clock_;
};

}  // namespace montage::storage
