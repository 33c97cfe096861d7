#include <algorithm>
#include <utility>

#include "assay/fault/toxics/attributes.h"
#include "assay/fault/toxics/behaviours.h"

namespace assay::fault {

namespace {

using base::Duration;
using base::SteadyTime;

/// Nothing gets through, and the connection is closed after `timeout`; 0: when the toxic goes away,
/// because what was dropped cannot be made good.
class Timeout final : public Behaviour {
 public:
  explicit Timeout(const boost::json::object& attributes)
      : timeout_(MillisecondsOf(attributes, "timeout")) {}

  void Begin(Stage& stage, SteadyTime now) override {
    if (timeout_ > Duration::zero()) stage.Cut(ChunkKind::kClose, now + timeout_);
  }
  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind == ChunkKind::kBytes) {
      stage.Drop(chunk);
    } else {
      stage.Emit(std::move(chunk), now);
    }
  }
  void Finish(Stage& stage, SteadyTime now) override { stage.Cut(ChunkKind::kClose, now); }

 private:
  Duration timeout_;
};

/// The first bytes are answered with RST, `timeout` after they came.
class ResetPeer final : public Behaviour {
 public:
  explicit ResetPeer(const boost::json::object& attributes)
      : timeout_(MillisecondsOf(attributes, "timeout")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    stage.Drop(chunk);
    if (!std::exchange(cut_, true)) stage.Cut(ChunkKind::kReset, now + timeout_);
  }

 private:
  Duration timeout_;
  bool cut_ = false;
};

/// The connection is closed when `bytes` bytes have passed.
class ByteLimit final : public Behaviour {
 public:
  explicit ByteLimit(const boost::json::object& attributes)
      : limit_(static_cast<uint64_t>(IntegerOf(attributes, "bytes"))) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind != ChunkKind::kBytes) {
      stage.Emit(std::move(chunk), now);
      return;
    }
    const auto room = static_cast<size_t>(limit_ > passed_ ? limit_ - passed_ : 0);
    if (chunk.bytes.size() > room) {
      stage.Drop({.kind = ChunkKind::kBytes, .bytes = chunk.bytes.substr(room), .arrived = now});
      chunk.bytes.resize(room);
    }
    passed_ += chunk.bytes.size();
    if (!chunk.bytes.empty()) stage.Emit(std::move(chunk), now);
    if (passed_ >= limit_ && !std::exchange(cut_, true)) stage.Cut(ChunkKind::kClose, now);
  }
  void Inherit(const Behaviour& before) override {
    passed_ = static_cast<const ByteLimit&>(before).passed_;
  }

 private:
  uint64_t limit_;
  uint64_t passed_ = 0;
  bool cut_ = false;
};

/// Chunks are missing from the stream, with probability `loss_rate`: what no TCP connection shows,
/// but a broken middlebox or driver does. The receiver gets damaged data.
class StreamGap final : public Behaviour {
 public:
  explicit StreamGap(const boost::json::object& attributes)
      : rate_(FractionOf(attributes, "loss_rate")) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (chunk.kind == ChunkKind::kBytes && stage.random().Uniform() < rate_) {
      stage.Drop(chunk);
    } else {
      stage.Emit(std::move(chunk), now);
    }
  }

 private:
  double rate_;
};

/// As if the peer's machine had lost its power: what is sent is still taken by the kernel, nothing
/// comes out, and the other side does not learn that this one closed. When the toxic goes away, it
/// does.
class HalfOpen final : public Behaviour {
 public:
  explicit HalfOpen(const boost::json::object&) {}

  void Accept(Chunk chunk, Stage& stage, SteadyTime) override {
    stage.CountConnection();
    if (chunk.kind == ChunkKind::kBytes) {
      stage.Drop(chunk);
    } else {
      stage.Emit(std::move(chunk), SteadyTime::max());
    }
  }
};

}  // namespace

MadeBehaviour MakeTimeout(const boost::json::object& attributes) {
  return std::make_unique<Timeout>(attributes);
}
MadeBehaviour MakeResetPeer(const boost::json::object& attributes) {
  return std::make_unique<ResetPeer>(attributes);
}
MadeBehaviour MakeLimitData(const boost::json::object& attributes) {
  return std::make_unique<ByteLimit>(attributes);
}
MadeBehaviour MakeStreamGap(const boost::json::object& attributes) {
  return std::make_unique<StreamGap>(attributes);
}
MadeBehaviour MakeHalfOpen(const boost::json::object& attributes) {
  return std::make_unique<HalfOpen>(attributes);
}

}  // namespace assay::fault
