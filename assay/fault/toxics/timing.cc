#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "assay/fault/toxics/attributes.h"
#include "assay/fault/toxics/behaviours.h"

namespace assay::fault {

namespace {

using base::Duration;
using base::SteadyTime;

/// A part of a chunk that arrived with it.
Chunk PartOf(const Chunk& chunk, size_t from, size_t size) {
  return {
      .kind = ChunkKind::kBytes, .bytes = chunk.bytes.substr(from, size), .arrived = chunk.arrived};
}

/// Each chunk leaves `latency` +/- `jitter` (uniform) after it arrived at the proxy.
class Latency final : public Behaviour {
 public:
  explicit Latency(const boost::json::object& attributes)
      : latency_(MillisecondsOf(attributes, "latency")),
        jitter_(MillisecondsOf(attributes, "jitter")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind != ChunkKind::kBytes) {
      // The end is not delayed for itself, but follows the bytes before it.
      stage.Emit(std::move(chunk), now);
      return;
    }
    Duration delay = latency_;
    if (jitter_ > Duration::zero()) {
      const auto spread = static_cast<double>(jitter_.count());
      delay += Duration(static_cast<int64_t>(stage.random().Uniform(-spread, spread)));
    }
    const SteadyTime at = chunk.arrived + std::max(delay, Duration::zero());
    stage.Emit(std::move(chunk), at);
  }

 private:
  Duration latency_;
  Duration jitter_;
};

/// Bytes leave at `rate` KB/s (of 1000 bytes); 0: nothing leaves.
class Bandwidth final : public Behaviour {
 public:
  explicit Bandwidth(const boost::json::object& attributes)
      : bytes_per_second_(1000 * IntegerOf(attributes, "rate")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind != ChunkKind::kBytes) {
      stage.Emit(std::move(chunk), now);
      return;
    }
    if (bytes_per_second_ == 0) {
      stage.Emit(std::move(chunk), SteadyTime::max());
      return;
    }
    // Pieces of a tenth of a second, so that a large chunk flows instead of arriving at once.
    const size_t piece = std::max<size_t>(static_cast<size_t>(bytes_per_second_) / 10, 1);
    for (size_t from = 0; from < chunk.bytes.size(); from += piece) {
      Chunk part = PartOf(chunk, from, piece);
      free_at_ = std::max(free_at_, now) + TimeFor(part.bytes.size());
      stage.Emit(std::move(part), free_at_);
    }
  }

 private:
  Duration TimeFor(size_t bytes) const {
    return Duration(static_cast<int64_t>(1e9 * static_cast<double>(bytes) /
                                         static_cast<double>(bytes_per_second_)));
  }

  int64_t bytes_per_second_;
  SteadyTime free_at_ = SteadyTime::min();
};

/// The end of the stream comes `delay` later.
class SlowClose final : public Behaviour {
 public:
  explicit SlowClose(const boost::json::object& attributes)
      : delay_(MillisecondsOf(attributes, "delay")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    const bool ends = chunk.kind == ChunkKind::kEnd || chunk.kind == ChunkKind::kClose;
    stage.Emit(std::move(chunk), ends ? now + delay_ : now);
  }

 private:
  Duration delay_;
};

/// Chunks are cut into pieces of `average_size` +/- `size_variation` bytes, `delay` microseconds
/// apart.
class Slicer final : public Behaviour {
 public:
  explicit Slicer(const boost::json::object& attributes)
      : average_(IntegerOf(attributes, "average_size")),
        variation_(std::min(IntegerOf(attributes, "size_variation"), average_)),
        pause_(std::chrono::microseconds(IntegerOf(attributes, "delay"))) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind != ChunkKind::kBytes || average_ == 0) {
      stage.Emit(std::move(chunk), now);
      return;
    }
    for (size_t from = 0; from < chunk.bytes.size();) {
      Chunk part = PartOf(chunk, from, NextSize(stage.random()));
      from += part.bytes.size();
      next_at_ = std::max(next_at_, now);
      stage.Emit(std::move(part), next_at_);
      next_at_ += pause_;
    }
  }

 private:
  size_t NextSize(base::Random& random) const {
    const auto span = static_cast<uint64_t>(2 * variation_ + 1);
    const int64_t size = average_ - variation_ + static_cast<int64_t>(random.Below(span));
    return static_cast<size_t>(std::max<int64_t>(size, 1));
  }

  int64_t average_;
  int64_t variation_;
  Duration pause_;
  SteadyTime next_at_ = SteadyTime::min();
};

/// Lost packets as a TCP connection shows them: the stream stalls until the retransmission and then
/// comes in a burst, whole. A chunk is lost with probability `loss_rate`; after a loss the next one
/// is lost with probability `correlation` + (1 - `correlation`) * `loss_rate` (the two-state model
/// of Gilbert, 1960). Each loss of the same chunk doubles the wait (RFC 6298, 5.5).
class PacketLoss final : public Behaviour {
 public:
  explicit PacketLoss(const boost::json::object& attributes)
      : rate_(FractionOf(attributes, "loss_rate")),
        correlation_(FractionOf(attributes, "correlation")),
        timeout_(MillisecondsOf(attributes, "retransmit")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    Duration stall{};
    if (chunk.kind == ChunkKind::kBytes) {
      for (Duration wait = timeout_; stall < kLongest && IsLost(stage.random()); wait *= 2) {
        stall += wait;
        if (timeout_ == Duration::zero()) break;
      }
    }
    stage.Emit(std::move(chunk), now + std::min(stall, kLongest));
  }

 private:
  static constexpr Duration kLongest = std::chrono::seconds(60);

  bool IsLost(base::Random& random) {
    const double chance = lost_ ? correlation_ + (1 - correlation_) * rate_ : rate_;
    lost_ = random.Uniform() < chance;
    return lost_;
  }

  double rate_;
  double correlation_;
  Duration timeout_;
  bool lost_ = false;
};

}  // namespace

MadeBehaviour MakeLatency(const boost::json::object& attributes) {
  return std::make_unique<Latency>(attributes);
}
MadeBehaviour MakeBandwidth(const boost::json::object& attributes) {
  return std::make_unique<Bandwidth>(attributes);
}
MadeBehaviour MakeSlowClose(const boost::json::object& attributes) {
  return std::make_unique<SlowClose>(attributes);
}
MadeBehaviour MakeSlicer(const boost::json::object& attributes) {
  return std::make_unique<Slicer>(attributes);
}
MadeBehaviour MakePacketLoss(const boost::json::object& attributes) {
  return std::make_unique<PacketLoss>(attributes);
}

}  // namespace assay::fault
