#include "assay/fault/chain.h"

#include <algorithm>
#include <utility>

#include "lib/base/random.h"

namespace assay::fault {

Chain::Chain(Direction direction, uint64_t seed, Conversation* conversation)
    : direction_(direction),
      seed_(base::StableHash(ToString(direction), seed)),
      conversation_(conversation) {}

void Chain::Add(const std::shared_ptr<Toxic>& toxic, base::SteadyTime now) {
  if (toxic->spec.stream != direction_) return;
  // What is ready has passed all toxics that there were.
  Advance(now);
  stages_.push_back(std::make_unique<Stage>(toxic, seed_, conversation_));
}

void Chain::Change(const Toxic& toxic, base::SteadyTime now) {
  for (const auto& stage : stages_) {
    if (&stage->toxic() == &toxic) stage->Change(now);
  }
}

void Chain::Remove(const Toxic& toxic, base::SteadyTime now) {
  const auto found =
      std::ranges::find_if(stages_, [&](const auto& stage) { return &stage->toxic() == &toxic; });
  if (found == stages_.end()) return;
  const auto index = static_cast<size_t>(found - stages_.begin());
  const std::unique_ptr<Stage> gone = std::move(*found);
  stages_.erase(found);
  gone->Retire(now);
  while (auto chunk = gone->Take(now)) PassOn(index, *std::move(chunk), now);
}

bool Chain::is_clear() const {
  return ready_.empty() && std::ranges::all_of(stages_, [](const auto& stage) {
           return !stage->is_selected() && stage->is_empty();
         });
}

void Chain::PassOn(size_t to, Chunk chunk, base::SteadyTime now) {
  if (to < stages_.size()) {
    stages_[to]->Put(std::move(chunk), now);
  } else {
    ready_.push_back(std::move(chunk));
  }
}

void Chain::Put(Chunk chunk, base::SteadyTime now) { PassOn(0, std::move(chunk), now); }

void Chain::Advance(base::SteadyTime now) {
  for (size_t i = 0; i < stages_.size(); ++i) {
    while (auto chunk = stages_[i]->Take(now)) PassOn(i + 1, *std::move(chunk), now);
  }
}

std::optional<Chunk> Chain::Take(base::SteadyTime now) {
  if (ready_.empty()) Advance(now);
  if (ready_.empty()) return std::nullopt;
  Chunk chunk = std::move(ready_.front());
  ready_.pop_front();
  return chunk;
}

std::optional<base::SteadyTime> Chain::due() const {
  if (!ready_.empty()) return base::SteadyTime::min();
  std::optional<base::SteadyTime> first;
  for (const auto& stage : stages_) {
    const auto due = stage->due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

size_t Chain::held_bytes() const {
  size_t bytes = 0;
  for (const auto& stage : stages_) bytes += stage->held_bytes();
  for (const Chunk& chunk : ready_) bytes += chunk.bytes.size();
  return bytes;
}

}  // namespace assay::fault
