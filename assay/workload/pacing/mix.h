#pragma once
// Which task an iteration is, and how long a user thinks after it: both follow from the seed and
// the number of the iteration, never from who was faster.

#include <cstdint>
#include <vector>

#include "assay/cel/value.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::workload {

/// Draws tasks from shuffled decks in which every task lies as often as it weighs, so that the
/// shares are exact after every whole deck: with weights 3, 2, 1 six iterations hold 3, 2 and 1.
/// Not thread-safe: each worker has its own; all of the same seed draw the same.
class Mix {
 public:
  /// kInvalid: no task, a weight under zero, none over zero, or a deck of over 100,000.
  static base::Result<Mix> Create(const std::vector<int64_t>& weights, uint64_t seed);

  /// The task of iteration `index`. Quick when the next index is in the same deck or the next.
  size_t TaskOf(uint64_t index);
  size_t deck_size() const { return deck_.size(); }

 private:
  Mix(std::vector<uint32_t> deck, uint64_t seed);
  void Shuffle(uint64_t deck);

  std::vector<uint32_t> sorted_;
  std::vector<uint32_t> deck_;
  uint64_t seed_;
  uint64_t shuffled_;
};

/// The pause of a user after an iteration, evenly distributed.
struct Think {
  base::Duration least{};
  base::Duration most{};

  bool none() const { return most == base::Duration::zero(); }
  base::Duration After(uint64_t index, uint64_t seed) const;
};

/// `think`: a duration, or {min, max}; null for none.
base::Result<Think> ReadThink(const cel::Value* value);

}  // namespace assay::workload
