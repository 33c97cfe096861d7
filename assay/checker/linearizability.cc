#include "assay/checker/linearizability.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_set>
#include <utility>

namespace assay::checker {
namespace {

constexpr size_t kShownSteps = 8;
// What a set of the standard library costs for an entry besides its contents.
constexpr uint64_t kEntryOverhead = 64;

// Which steps are placed, and what the register holds: equal configurations have equal futures.
struct Configuration {
  std::vector<uint64_t> placed;
  ValueNumber value = 0;

  bool operator==(const Configuration&) const = default;
};

struct ConfigurationHash {
  size_t operator()(const Configuration& one) const {
    uint64_t hash = 0x9e3779b97f4a7c15ULL ^ one.value;
    for (const uint64_t word : one.placed) {
      hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
      hash ^= hash >> 32U;
    }
    return static_cast<size_t>(hash);
  }
};

std::optional<ValueNumber> Apply(const RegisterStep& step, ValueNumber value) {
  switch (step.kind) {
    case RegisterStep::Kind::kRead:
      return step.value == value ? std::optional(value) : std::nullopt;
    case RegisterStep::Kind::kWrite:
      return step.value;
    case RegisterStep::Kind::kCas:
      break;
  }
  return step.expected == value ? std::optional(step.value) : std::nullopt;
}

// Calls and returns by their moments, as a doubly linked list from which placed steps are lifted.
// Node 0 is the head; indexes stand for pointers.
class Timeline {
 public:
  explicit Timeline(std::span<const RegisterStep> steps) {
    struct Point {
      uint64_t moment;
      size_t step;
      bool is_return;
    };
    std::vector<Point> points;
    for (size_t i = 0; i < steps.size(); ++i) {
      points.push_back({steps[i].call, i, false});
      if (steps[i].ret != RegisterStep::kOpen) points.push_back({steps[i].ret, i, true});
    }
    std::ranges::sort(points, {}, &Point::moment);
    nodes_.resize(points.size() + 1);
    returns_.assign(steps.size(), 0);
    for (size_t i = 0; i < points.size(); ++i) {
      Node& node = nodes_[i + 1];
      node = {points[i].step, points[i].is_return, i, i + 2};
      if (points[i].is_return) returns_[points[i].step] = i + 1;
    }
    nodes_[0].next = points.empty() ? 0 : 1;
    if (!points.empty()) nodes_.back().next = 0;
  }

  struct Node {
    size_t step = 0;
    bool is_return = false;
    size_t before = 0;
    size_t next = 0;
  };

  size_t first() const { return nodes_[0].next; }
  const Node& at(size_t node) const { return nodes_[node]; }
  /// Takes out the call and its return.
  void Lift(size_t call) {
    Unlink(call);
    if (const size_t ret = returns_[nodes_[call].step]; ret != 0) Unlink(ret);
  }
  /// Undoes the last Lift that was not undone.
  void Unlift(size_t call) {
    if (const size_t ret = returns_[nodes_[call].step]; ret != 0) Relink(ret);
    Relink(call);
  }

 private:
  void Unlink(size_t at) {
    nodes_[nodes_[at].before].next = nodes_[at].next;
    if (nodes_[at].next != 0) nodes_[nodes_[at].next].before = nodes_[at].before;
  }
  void Relink(size_t at) {
    nodes_[nodes_[at].before].next = at;
    if (nodes_[at].next != 0) nodes_[nodes_[at].next].before = at;
  }

  std::vector<Node> nodes_;
  std::vector<size_t> returns_;  // by step; 0: it has none
};

class Search {
 public:
  Search(std::span<const RegisterStep> steps, ValueNumber initial, uint64_t memory_bytes)
      : steps_(steps), timeline_(steps), most_bytes_(memory_bytes) {
    now_.placed.assign((steps.size() + 63) / 64, 0);
    now_.value = initial;
    left_ = static_cast<size_t>(std::ranges::count_if(
        steps, [](const RegisterStep& step) { return step.ret != RegisterStep::kOpen; }));
  }

  LinearOrder Run() {
    size_t at = timeline_.first();
    while (left_ > 0) {
      if (at != 0 && !timeline_.at(at).is_return) {
        const Placing placing = Place(at);
        if (placing == Placing::kOverMemory) {
          result_.answer = LinearOrder::Answer::kUndecided;
          break;
        }
        at = placing == Placing::kPlaced ? timeline_.first() : timeline_.at(at).next;
        continue;
      }
      // The next return belongs to a step that is not placed: this order leads nowhere.
      if (at != 0) Remember(timeline_.at(at).step);
      if (order_.empty()) {
        result_.answer = LinearOrder::Answer::kNone;
        break;
      }
      at = TakeBack();
    }
    result_.states = seen_.size();
    return std::move(result_);
  }

 private:
  enum class Placing { kPlaced, kImpossible, kOverMemory };
  struct Placed {
    size_t call;
    ValueNumber before;
  };

  Placing Place(size_t call) {
    const size_t step = timeline_.at(call).step;
    const auto value = Apply(steps_[step], now_.value);
    if (!value) return Placing::kImpossible;
    const ValueNumber before = now_.value;
    Flip(step);
    now_.value = *value;
    const uint64_t entry = now_.placed.size() * sizeof(uint64_t) + kEntryOverhead;
    if ((seen_.size() + 1) * entry > most_bytes_) return Placing::kOverMemory;
    if (!seen_.insert(now_).second) {
      Flip(step);
      now_.value = before;
      return Placing::kImpossible;
    }
    order_.push_back({call, before});
    timeline_.Lift(call);
    if (steps_[step].ret != RegisterStep::kOpen) --left_;
    return Placing::kPlaced;
  }

  // The call to go on with.
  size_t TakeBack() {
    const Placed last = order_.back();
    order_.pop_back();
    const size_t step = timeline_.at(last.call).step;
    timeline_.Unlift(last.call);
    if (steps_[step].ret != RegisterStep::kOpen) ++left_;
    Flip(step);
    now_.value = last.before;
    return timeline_.at(last.call).next;
  }

  void Remember(size_t stuck) {
    if (furthest_ && order_.size() <= *furthest_) return;
    furthest_ = order_.size();
    result_.stuck = stuck;
    result_.held = now_.value;
    result_.last.clear();
    const size_t from = order_.size() - std::min(order_.size(), kShownSteps);
    for (size_t i = from; i < order_.size(); ++i) {
      result_.last.push_back(timeline_.at(order_[i].call).step);
    }
  }

  void Flip(size_t step) { now_.placed[step / 64] ^= uint64_t{1} << (step % 64); }

  std::span<const RegisterStep> steps_;
  Timeline timeline_;
  uint64_t most_bytes_;
  Configuration now_;
  size_t left_ = 0;  // steps with a return that are not placed
  std::vector<Placed> order_;
  std::unordered_set<Configuration, ConfigurationHash> seen_;
  std::optional<size_t> furthest_;
  LinearOrder result_;
};

}  // namespace

LinearOrder FindLinearOrder(std::span<const RegisterStep> steps, ValueNumber initial,
                            uint64_t memory_bytes) {
  return Search(steps, initial, memory_bytes).Run();
}

}  // namespace assay::checker
