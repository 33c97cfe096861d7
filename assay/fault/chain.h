#pragma once
// The chain of toxics on one direction of one connection, in the order in which they were added.
//
//   Put -> [ stage | stage | ... ] -> ready -> Take
//
// It may change while bytes are in it: what a stage holds that goes away passes on to the next one,
// in order.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "assay/fault/toxics/stage.h"

namespace assay::fault {

/// No I/O and no clock: the caller says what time it is. Times never go back.
class Chain {
 public:
  /// `seed` belongs to the connection; `conversation` may be null and outlives the chain.
  Chain(Direction direction, uint64_t seed, Conversation* conversation);

  Direction direction() const { return direction_; }
  /// Toxics of the other direction are passed over.
  void Add(const std::shared_ptr<Toxic>& toxic, base::SteadyTime now);
  void Change(const Toxic& toxic, base::SteadyTime now);
  void Remove(const Toxic& toxic, base::SteadyTime now);

  /// There is no stage, and nothing is held.
  bool is_empty() const { return stages_.empty() && ready_.empty(); }
  /// Nothing is held and no stage can touch anything: chunks need not go through it.
  bool is_clear() const;
  void Put(Chunk chunk, base::SteadyTime now);
  /// Comes out after what is ready, past all stages.
  void PutLast(Chunk chunk) { ready_.push_back(std::move(chunk)); }
  /// The next chunk that may leave by `now`.
  std::optional<Chunk> Take(base::SteadyTime now);
  /// When Take is worth trying, if nothing else happens; nothing: not by itself.
  std::optional<base::SteadyTime> due() const;
  size_t held_bytes() const;

 private:
  void Advance(base::SteadyTime now);
  void PassOn(size_t from, Chunk chunk, base::SteadyTime now);

  Direction direction_;
  uint64_t seed_;
  Conversation* conversation_;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::deque<Chunk> ready_;
};

}  // namespace assay::fault
