#include "assay/fault/random_plan.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/random.h"
#include "lib/base/units.h"

namespace assay::fault {

namespace {

using base::Duration;
using base::ErrorCode;

base::Result<void> Check(std::span<const FaultChoice> choices) {
  if (choices.empty()) return base::Fail(ErrorCode::kInvalid, "there is no fault to choose from");
  for (const FaultChoice& one : choices) {
    if (!(one.weight > 0)) {
      return base::Fail(ErrorCode::kInvalid, fmt::format("the weight of \"{}\" is not above 0: {}",
                                                         one.name, one.weight));
    }
    if (one.shortest > one.longest || one.shortest < Duration::zero()) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("the durations of \"{}\" are the wrong way round: {} to {}", one.name,
                      base::FormatDuration(one.shortest), base::FormatDuration(one.longest)));
    }
  }
  return {};
}

size_t Draw(std::span<const FaultChoice> choices, base::Random& random) {
  double sum = 0;
  for (const FaultChoice& one : choices) sum += one.weight;
  double rest = random.Uniform(0, sum);
  for (size_t i = 0; i < choices.size(); ++i) {
    rest -= choices[i].weight;
    if (rest < 0) return i;
  }
  return choices.size() - 1;
}

/// Uniform, both bounds included.
Duration Between(Duration low, Duration high, base::Random& random) {
  return low + Duration(static_cast<int64_t>(
                   random.Below(static_cast<uint64_t>((high - low).count()) + 1)));
}

bool Collides(const PlannedFault& one, const FaultPlan& plan, std::span<const FaultChoice> choices,
              Duration calm) {
  return std::ranges::any_of(plan, [&](const PlannedFault& other) {
    return choices[one.choice].target == choices[other.choice].target &&
           one.at < other.at + other.lasts + calm && other.at < one.at + one.lasts + calm;
  });
}

/// The search for a smaller plan, with what it may still spend.
class Shrinker {
 public:
  Shrinker(const FailsUnder& fails, size_t tries) : fails_(fails), tries_(tries) {}

  /// Delta debugging: drops ever smaller parts.
  FaultPlan DropParts(FaultPlan plan) {
    size_t parts = 2;
    while (plan.size() >= 2) {
      const size_t size = (plan.size() + parts - 1) / parts;
      bool smaller = false;
      for (size_t from = 0; from < plan.size(); from += size) {
        FaultPlan rest = Without(plan, from, size);
        if (rest.empty() || !Fails(rest)) continue;
        plan = std::move(rest);
        parts = std::max<size_t>(parts - 1, 2);
        smaller = true;
        break;
      }
      if (smaller) continue;
      if (size == 1) break;
      parts = std::min(parts * 2, plan.size());
    }
    return plan;
  }

  FaultPlan Shorten(FaultPlan plan) {
    constexpr Duration kShortEnough = std::chrono::milliseconds(10);
    for (size_t i = 0; i < plan.size(); ++i) {
      while (plan[i].lasts / 2 >= kShortEnough) {
        FaultPlan shorter = plan;
        shorter[i].lasts /= 2;
        if (!Fails(shorter)) break;
        plan = std::move(shorter);
      }
    }
    return plan;
  }

 private:
  static FaultPlan Without(const FaultPlan& plan, size_t from, size_t size) {
    FaultPlan rest;
    for (size_t i = 0; i < plan.size(); ++i) {
      if (i < from || i >= from + size) rest.push_back(plan[i]);
    }
    return rest;
  }
  bool Fails(const FaultPlan& plan) {
    if (tries_ == 0) return false;
    --tries_;
    return fails_(plan);
  }

  const FailsUnder& fails_;
  size_t tries_;
};

}  // namespace

base::Result<FaultPlan> MakeFaultPlan(std::span<const FaultChoice> choices, const PlanShape& shape,
                                      uint64_t seed) {
  TRY(Check(choices));
  base::Random random(seed);
  FaultPlan plan;
  // A fault that finds no place is drawn again; a span that is full ends the search.
  constexpr size_t kDrawsEach = 20;
  for (size_t draw = 0; plan.size() < shape.faults && draw < shape.faults * kDrawsEach; ++draw) {
    PlannedFault one{.choice = Draw(choices, random)};
    const FaultChoice& choice = choices[one.choice];
    one.lasts = Between(choice.shortest, choice.longest, random);
    one.seed = random.Next() >> 11;  // so that JSON keeps it
    if (one.lasts > shape.span) continue;
    one.at = Between(Duration::zero(), shape.span - one.lasts, random);
    if (!Collides(one, plan, choices, shape.calm)) plan.push_back(one);
  }
  // Not stable_sort, which needs the deprecated std::get_temporary_buffer; the seed settles ties.
  std::ranges::sort(plan, {}, [](const PlannedFault& one) { return std::pair(one.at, one.seed); });
  return plan;
}

boost::json::array PlanJson(const FaultPlan& plan, std::span<const FaultChoice> choices) {
  boost::json::array list;
  for (const PlannedFault& one : plan) {
    boost::json::object entry;
    if (one.choice < choices.size()) entry["fault"] = choices[one.choice].name;
    entry["choice"] = one.choice;
    entry["at_ns"] = one.at.count();
    entry["lasts_ns"] = one.lasts.count();
    entry["seed"] = one.seed;
    list.push_back(std::move(entry));
  }
  return list;
}

base::Result<FaultPlan> ParseFaultPlan(const boost::json::value& json) {
  if (!json.is_array()) {
    return base::Fail(ErrorCode::kInvalid, "a fault plan is a list of faults");
  }
  FaultPlan plan;
  for (const boost::json::value& entry : json.get_array()) {
    const auto whole = [&](std::string_view key) -> base::Result<int64_t> {
      const auto* object = entry.if_object();
      const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
      boost::system::error_code error;
      const int64_t number = value != nullptr ? value->to_number<int64_t>(error) : -1;
      if (!error && number >= 0) return number;
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("\"{}\" of fault {} of the plan is not a whole number from 0",
                                    key, plan.size() + 1));
    };
    PlannedFault one;
    TRY(const int64_t choice, whole("choice"));
    TRY(const int64_t at, whole("at_ns"));
    TRY(const int64_t lasts, whole("lasts_ns"));
    TRY(const int64_t seed, whole("seed"));
    one.choice = static_cast<size_t>(choice);
    one.seed = static_cast<uint64_t>(seed);
    one.at = Duration(at);
    one.lasts = Duration(lasts);
    plan.push_back(one);
  }
  std::ranges::sort(plan, {}, [](const PlannedFault& one) { return std::pair(one.at, one.seed); });
  return plan;
}

FaultPlan ShrinkFaultPlan(FaultPlan plan, const FailsUnder& fails, size_t tries) {
  Shrinker shrinker(fails, tries);
  return shrinker.Shorten(shrinker.DropParts(std::move(plan)));
}

}  // namespace assay::fault
