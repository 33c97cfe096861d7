#pragma once
// A stage: one toxic at work on one direction of one connection. It holds what was taken in until
// its time has come. No I/O and no clock: the caller says what time it is.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "assay/fault/toxics/toxic.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"

namespace assay::fault {

enum class ChunkKind {
  kBytes,
  kEnd,    ///< no more bytes from this side; the other direction goes on
  kClose,  ///< both sides of the connection are closed
  kReset,  ///< both sides are closed with RST
};

/// What travels through a chain.
struct Chunk {
  ChunkKind kind = ChunkKind::kBytes;
  std::string bytes = {};
  base::SteadyTime arrived{};  ///< at the proxy
};

/// What connects the two directions of a connection, for rules about HTTP.
class Conversation;

class Stage;

/// What a type of toxic does, and what it remembers of one connection.
class Behaviour {
 public:
  virtual ~Behaviour() = default;
  /// The toxic begins to work on the connection, or its window opened.
  virtual void Begin(Stage& stage, base::SteadyTime now);
  /// Takes the next chunk: emits or drops it.
  virtual void Accept(Chunk chunk, Stage& stage, base::SteadyTime now) = 0;
  /// The toxic goes away; what the stage holds leaves it after this.
  virtual void Finish(Stage& stage, base::SteadyTime now);
  /// Takes over what the behaviour before a change of attributes remembers; it is of the same type.
  virtual void Inherit(const Behaviour& before);
};

/// Chunks go in by Put and come out by Take, in order.
class Stage {
 public:
  /// `seed` also decides whether the connection is one of those that the toxic concerns (see
  /// toxicity); if not, chunks pass untouched. `conversation` may be null.
  Stage(std::shared_ptr<Toxic> toxic, uint64_t seed, Conversation* conversation);

  const Toxic& toxic() const { return *toxic_; }
  /// Whether it will ever touch anything.
  bool is_selected() const { return selected_; }

  void Put(Chunk chunk, base::SteadyTime now);
  /// What may leave by `now`, in order.
  std::optional<Chunk> Take(base::SteadyTime now);
  /// When there is something to take, or its window changes; nothing: not by itself.
  std::optional<base::SteadyTime> due() const;
  /// The toxic's specification changed: what is held is planned anew.
  void Change(base::SteadyTime now);
  /// The toxic goes away: all that is held leaves at once, without what the toxic itself wanted to
  /// do, and what comes later passes.
  void Retire(base::SteadyTime now);
  size_t held_bytes() const { return held_bytes_; }
  bool is_empty() const { return queue_.empty(); }

  // --- for behaviours ---------------------------------------------------------------------------

  /// Lets the chunk leave at `at`, but not before what was emitted earlier.
  void Emit(Chunk chunk, base::SteadyTime at);
  void Drop(const Chunk& chunk);
  /// Closes or resets the connection at `at`, after what was emitted earlier.
  void Cut(ChunkKind kind, base::SteadyTime at);
  /// When what was emitted last leaves; the beginning of time for nothing.
  base::SteadyTime last_due() const {
    return queue_.empty() ? base::SteadyTime::min() : queue_.back().due;
  }
  base::Random& random() { return random_; }
  Conversation* conversation() { return conversation_; }
  Effect& effect() { return toxic_->effect; }
  /// The connection counts as one that the toxic did something to.
  void CountConnection();

 private:
  struct Held {
    Chunk chunk;
    base::SteadyTime entered{};
    base::SteadyTime due{};
    bool own = false;  ///< made by the toxic
  };

  void FollowWindow(base::SteadyTime now);
  void Release(base::SteadyTime now);

  std::shared_ptr<Toxic> toxic_;
  std::unique_ptr<Behaviour> behaviour_;
  base::Random random_;
  double lot_;  ///< drawn once, uniform in [0, 1): it is selected when below the toxicity
  bool selected_;
  std::optional<base::SteadyTime> followed_;  ///< until when `on_` is known
  bool on_ = false;
  bool counted_ = false;
  base::SteadyTime entering_{};  ///< when the chunk that is accepted came to this stage
  Conversation* conversation_;
  std::deque<Held> queue_;
  size_t held_bytes_ = 0;
};

}  // namespace assay::fault
