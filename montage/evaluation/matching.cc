#include "montage/evaluation/matching.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

namespace montage::evaluation {
namespace {

constexpr double kShortestS = 1e-3;

double EndOf(const TimedEvent& event) {
  return event.onset_s + std::max(event.duration_s, kShortestS);
}

double Shared(const TimedEvent& a, const TimedEvent& b) {
  return std::max(0.0, std::min(EndOf(a), EndOf(b)) - std::max(a.onset_s, b.onset_s));
}

/// A largest set of pairs in a bipartite graph.
class Pairing {
 public:
  Pairing(size_t left, size_t right) : edges_(left), of_left_(left), of_right_(right) {}

  void Allow(size_t left, size_t right) { edges_[left].push_back(right); }

  const std::vector<std::optional<size_t>>& Solve() {
    for (size_t left = 0; left < edges_.size(); ++left) Augment(left);
    return of_left_;
  }

 private:
  /// Breadth first along alternating paths from a free node on the left to a free one on the right.
  void Augment(size_t start) {
    std::vector<std::optional<size_t>> came_from(of_right_.size());
    std::deque<size_t> open = {start};
    while (!open.empty()) {
      const size_t left = open.front();
      open.pop_front();
      for (const size_t right : edges_[left]) {
        if (came_from[right]) continue;
        came_from[right] = left;
        if (of_right_[right]) {
          open.push_back(*of_right_[right]);
        } else {
          return Flip(right, came_from);
        }
      }
    }
  }

  void Flip(size_t right, const std::vector<std::optional<size_t>>& came_from) {
    for (std::optional<size_t> next = right; next;) {
      const size_t left = *came_from[*next];
      const std::optional<size_t> before = of_left_[left];
      of_left_[left] = next;
      of_right_[*next] = left;
      next = before;
    }
  }

  std::vector<std::vector<size_t>> edges_;
  std::vector<std::optional<size_t>> of_left_;
  std::vector<std::optional<size_t>> of_right_;
};

/// The share of `event` that lies under the union of `others`.
double Covered(const TimedEvent& event, std::span<const TimedEvent> others) {
  std::vector<std::pair<double, double>> parts;
  for (const TimedEvent& other : others) {
    if (Shared(event, other) > 0)
      parts.emplace_back(std::max(event.onset_s, other.onset_s),
                         std::min(EndOf(event), EndOf(other)));
  }
  std::ranges::sort(parts);
  double covered = 0;
  double until = event.onset_s;
  for (const auto& [from, to] : parts) {
    covered += std::max(0.0, to - std::max(from, until));
    until = std::max(until, to);
  }
  return covered / (EndOf(event) - event.onset_s);
}

}  // namespace

Matching MatchOnsets(std::span<const TimedEvent> truth, std::span<const TimedEvent> found,
                     double tolerance_s) {
  Pairing pairing(truth.size(), found.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    // The nearest first, so that ties are resolved as a reader would.
    std::vector<size_t> candidates;
    for (size_t j = 0; j < found.size(); ++j)
      if (std::abs(truth[i].onset_s - found[j].onset_s) <= tolerance_s) candidates.push_back(j);
    std::ranges::sort(candidates, [&](size_t a, size_t b) {
      const double to_a = std::abs(found[a].onset_s - truth[i].onset_s);
      const double to_b = std::abs(found[b].onset_s - truth[i].onset_s);
      return to_a != to_b ? to_a < to_b : a < b;
    });
    for (const size_t j : candidates) pairing.Allow(i, j);
  }
  Matching out;
  std::vector<bool> used(found.size());
  const auto& partners = pairing.Solve();
  for (size_t i = 0; i < truth.size(); ++i) {
    if (!partners[i]) {
      out.missed.push_back(i);
      continue;
    }
    used[*partners[i]] = true;
    out.pairs.emplace_back(i, *partners[i]);
  }
  for (size_t j = 0; j < found.size(); ++j)
    if (!used[j]) out.false_alarms.push_back(j);
  return out;
}

Matching MatchCoverage(std::span<const TimedEvent> truth, std::span<const TimedEvent> found,
                       Coverage least) {
  Matching out;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double covered = Covered(truth[i], found);
    if (covered <= 0 || covered < least.of_truth) {
      out.missed.push_back(i);
      continue;
    }
    size_t best = 0;
    for (size_t j = 1; j < found.size(); ++j)
      if (Shared(truth[i], found[j]) > Shared(truth[i], found[best])) best = j;
    out.pairs.emplace_back(i, best);
  }
  for (size_t j = 0; j < found.size(); ++j) {
    const double covered = Covered(found[j], truth);
    if (covered <= 0 || covered < least.of_found) out.false_alarms.push_back(j);
  }
  return out;
}

std::vector<TimedEvent> OfKind(std::span<const TimedEvent> events, std::string_view kind) {
  std::vector<TimedEvent> out;
  std::ranges::copy_if(events, std::back_inserter(out),
                       [&](const TimedEvent& event) { return event.kind == kind; });
  return out;
}

}  // namespace montage::evaluation
