#include "assay/fault/toxics/stage.h"

#include <algorithm>
#include <utility>

namespace assay::fault {

void Behaviour::Begin(Stage&, base::SteadyTime) {}
void Behaviour::Finish(Stage&, base::SteadyTime) {}
void Behaviour::Inherit(const Behaviour&) {}

Stage::Stage(std::shared_ptr<Toxic> toxic, uint64_t seed, Conversation* conversation)
    : toxic_(std::move(toxic)),
      behaviour_(FindToxicType(toxic_->spec.type)->make(toxic_->spec.attributes)),
      random_(base::Random::ForPart(seed, toxic_->spec.name)),
      lot_(random_.Uniform()),
      selected_(lot_ < toxic_->spec.toxicity),
      conversation_(conversation) {}

void Stage::FollowWindow(base::SteadyTime now) {
  followed_ = now;
  const bool on = selected_ && toxic_->spec.window.IsOn(now - toxic_->made);
  if (on == on_) return;
  if (on) {
    on_ = true;
    entering_ = now;
    behaviour_->Begin(*this, now);
  } else {
    Release(now);
  }
}

void Stage::Put(Chunk chunk, base::SteadyTime now) {
  FollowWindow(now);
  entering_ = now;
  if (on_) {
    behaviour_->Accept(std::move(chunk), *this, now);
  } else {
    Emit(std::move(chunk), now);
  }
}

std::optional<Chunk> Stage::Take(base::SteadyTime now) {
  FollowWindow(now);
  if (queue_.empty() || queue_.front().due > now) return std::nullopt;
  Held held = std::move(queue_.front());
  queue_.pop_front();
  held_bytes_ -= held.chunk.bytes.size();
  if (held.own) {
    CountConnection();
    ++(held.chunk.kind == ChunkKind::kReset ? toxic_->effect.reset : toxic_->effect.closed);
  } else if (held.due > held.entered) {
    // Up to when it was due: that it was taken later is not the toxic's doing.
    CountConnection();
    toxic_->effect.bytes_delayed += held.chunk.bytes.size();
    toxic_->effect.delay += held.due - held.entered;
  }
  return std::move(held.chunk);
}

std::optional<base::SteadyTime> Stage::due() const {
  std::optional<base::SteadyTime> when;
  if (!queue_.empty() && queue_.front().due != base::SteadyTime::max()) when = queue_.front().due;
  if (!selected_) return when;
  if (!followed_) return toxic_->made;
  const Window& window = toxic_->spec.window;
  const auto next = window.NextChange(*followed_ - toxic_->made);
  if (!next) return when;
  const base::SteadyTime change = toxic_->made + *next;
  return when ? std::min(*when, change) : change;
}

void Stage::Change(base::SteadyTime now) {
  std::deque<Held> before = std::exchange(queue_, {});
  held_bytes_ = 0;
  auto behaviour = FindToxicType(toxic_->spec.type)->make(toxic_->spec.attributes);
  behaviour->Inherit(*behaviour_);
  behaviour_ = std::move(behaviour);
  selected_ = lot_ < toxic_->spec.toxicity;
  followed_ = now;
  on_ = selected_ && toxic_->spec.window.IsOn(now - toxic_->made);
  entering_ = now;
  if (on_) behaviour_->Begin(*this, now);
  for (Held& held : before) {
    if (held.own) continue;
    entering_ = held.entered;
    if (on_) {
      behaviour_->Accept(std::move(held.chunk), *this, now);
    } else {
      Emit(std::move(held.chunk), now);
    }
  }
}

void Stage::Retire(base::SteadyTime now) {
  Release(now);
  selected_ = false;
}

void Stage::Release(base::SteadyTime now) {
  std::erase_if(queue_, [](const Held& held) { return held.own; });
  for (Held& held : queue_) held.due = std::min(held.due, now);
  if (on_) behaviour_->Finish(*this, now);
  on_ = false;
}

void Stage::Emit(Chunk chunk, base::SteadyTime at) {
  held_bytes_ += chunk.bytes.size();
  const base::SteadyTime due = std::max(at, last_due());
  queue_.push_back({.chunk = std::move(chunk), .entered = entering_, .due = due, .own = false});
}

void Stage::Drop(const Chunk& chunk) {
  CountConnection();
  toxic_->effect.bytes_dropped += chunk.bytes.size();
}

void Stage::Cut(ChunkKind kind, base::SteadyTime at) {
  const base::SteadyTime due = std::max(at, last_due());
  queue_.push_back({.chunk = {.kind = kind, .bytes = {}, .arrived = at},
                    .entered = entering_,
                    .due = due,
                    .own = true});
}

void Stage::CountConnection() {
  if (!std::exchange(counted_, true)) ++toxic_->effect.connections;
}

}  // namespace assay::fault
