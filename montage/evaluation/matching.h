#pragma once
// Which events of a truth were found.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace montage::evaluation {

/// Something that happens in a recording, seconds from its start.
struct TimedEvent {
  std::string kind = {};
  double onset_s = 0;
  double duration_s = 0;
  double end_s() const { return onset_s + duration_s; }
  bool operator==(const TimedEvent&) const = default;
};

struct Matching {
  std::vector<std::pair<size_t, size_t>> pairs = {};  ///< truth and found, by truth
  std::vector<size_t> missed = {};                    ///< of the truth
  std::vector<size_t> false_alarms = {};              ///< of what was found
};

/// One to one, as many pairs as possible (Kuhn's augmenting paths), each with onsets no more than
/// `tolerance_s` apart; for events that last a moment. The kinds are not compared.
Matching MatchOnsets(std::span<const TimedEvent> truth, std::span<const TimedEvent> found,
                     double tolerance_s);

/// How much of an event the other side must cover.
struct Coverage {
  double of_truth = 0.3;
  double of_found = 0.3;  ///< 0: any overlap
};

/// For events that a reader may report in pieces or joined (the any-overlap scoring of Wilson et
/// al. 2003, Clinical Neurophysiology 114:2156, with least shares): a true event is found when
/// found events together cover `of_truth` of it; a found event is a false alarm when true events
/// cover less than `of_found` of it, or nothing. Pairs name for each true event that was found the
/// found event that covers most of it. Events without duration count as 1 ms.
Matching MatchCoverage(std::span<const TimedEvent> truth, std::span<const TimedEvent> found,
                       Coverage least = {});

/// Those of one kind, in order.
std::vector<TimedEvent> OfKind(std::span<const TimedEvent> events, std::string_view kind);

}  // namespace montage::evaluation
