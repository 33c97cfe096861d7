#include "assay/workload/pacing/mix.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/base/random.h"

namespace assay::workload {
namespace {

constexpr uint64_t kNoDeck = ~uint64_t{0};
constexpr int64_t kLargestDeck = 100'000;

}  // namespace

base::Result<Mix> Mix::Create(const std::vector<int64_t>& weights, uint64_t seed) {
  int64_t common = 0;
  int64_t sum = 0;
  for (const int64_t weight : weights) {
    if (weight < 0 || weight > kLargestDeck) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("a weight: expected 0 to {}, found {}", kLargestDeck, weight));
    }
    common = std::gcd(common, weight);
    sum += weight;
  }
  if (sum == 0) return base::Fail(base::ErrorCode::kInvalid, "no task has a weight over zero");
  if (sum / common > kLargestDeck) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("the weights sum up to {}, expected at most {}", sum / common, kLargestDeck));
  }
  std::vector<uint32_t> deck;
  for (size_t task = 0; task < weights.size(); ++task) {
    deck.insert(deck.end(), static_cast<size_t>(weights[task] / common),
                static_cast<uint32_t>(task));
  }
  return Mix(std::move(deck), seed);
}

Mix::Mix(std::vector<uint32_t> deck, uint64_t seed)
    : sorted_(deck), deck_(std::move(deck)), seed_(seed), shuffled_(kNoDeck) {}

void Mix::Shuffle(uint64_t deck) {
  deck_ = sorted_;
  base::Random random(seed_ ^ (deck * 0x9E3779B97F4A7C15ULL));
  for (size_t i = deck_.size(); i > 1; --i) std::swap(deck_[i - 1], deck_[random.Below(i)]);
  shuffled_ = deck;
}

size_t Mix::TaskOf(uint64_t index) {
  if (deck_.size() == 1) return deck_.front();
  const uint64_t deck = index / deck_.size();
  if (deck != shuffled_) Shuffle(deck);
  return deck_[index % deck_.size()];
}

base::Duration Think::After(uint64_t index, uint64_t seed) const {
  if (most <= least) return least;
  base::Random random(seed + index * 0xD1342543DE82EF95ULL);
  const auto width = static_cast<uint64_t>((most - least).count());
  return least + base::Duration(static_cast<int64_t>(random.Below(width + 1)));
}

base::Result<Think> ReadThink(const cel::Value* value) {
  if (value == nullptr || value->is_null()) return Think{};
  const auto refuse = [&] {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("parameter \"think\": expected a duration or {{min, max}} with "
                                  "min <= max, found {}",
                                  cel::DebugString(*value)));
  };
  if (value->is_duration()) {
    if (value->duration() < base::Duration::zero()) return refuse();
    return Think{value->duration(), value->duration()};
  }
  const cel::Value* least = value->Find("min");
  const cel::Value* most = value->Find("max");
  if (least == nullptr || most == nullptr || !least->is_duration() || !most->is_duration()) {
    return refuse();
  }
  if (least->duration() < base::Duration::zero() || most->duration() < least->duration()) {
    return refuse();
  }
  return Think{least->duration(), most->duration()};
}

}  // namespace assay::workload
