#pragma once
// Random sequences of faults that can be repeated and made smaller: the same seed gives the same
// sequence, and of one that makes a system fail the part is found that is needed for it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::fault {

/// What may be drawn.
struct FaultChoice {
  std::string name;    ///< `pause montage`
  std::string target;  ///< two faults of one target are never on at the same time
  double weight = 1;   ///< how often it is drawn, relative to the others; above 0
  base::Duration shortest = std::chrono::milliseconds(100);
  base::Duration longest = std::chrono::seconds(5);
};

struct PlannedFault {
  size_t choice = 0;    ///< index in the list of choices
  base::Duration at{};  ///< since the plan's start
  base::Duration lasts{};
  uint64_t seed = 0;  ///< of the fault's own random choices; below 2^53
  bool operator==(const PlannedFault&) const = default;
};

/// In order of `at`.
using FaultPlan = std::vector<PlannedFault>;

/// Of several steps, by path of the step without attempt.
using PlansByPath = std::map<std::string, FaultPlan, std::less<>>;

struct PlanShape {
  size_t faults = 10;                                    ///< at most; fewer when they do not fit
  base::Duration span = std::chrono::seconds(60);        ///< every fault is over by then
  base::Duration calm = std::chrono::milliseconds(200);  ///< between two faults of one target
};

/// kInvalid: no choices, a weight that is not above 0, bounds of a duration the wrong way round.
base::Result<FaultPlan> MakeFaultPlan(std::span<const FaultChoice> choices, const PlanShape& shape,
                                      uint64_t seed);

/// Whether the system fails under the plan; the same plan must give the same answer.
using FailsUnder = std::function<bool(const FaultPlan&)>;

/// A part of `plan` under which the system still fails, and from which no single fault can be taken
/// away; then with durations halved as long as it fails. By delta debugging (Zeller, Hildebrandt,
/// "Simplifying and isolating failure-inducing input", 2002). At most `tries` calls of `fails`.
/// Requires: the system fails under `plan`.
FaultPlan ShrinkFaultPlan(FaultPlan plan, const FailsUnder& fails, size_t tries = 1000);

/// `[{"fault": "kill montage", "choice": 0, "at_ns": 12, "lasts_ns": 34, "seed": 56}]`
boost::json::array PlanJson(const FaultPlan& plan, std::span<const FaultChoice> choices);
/// What PlanJson gave, in order of time. `fault` may be absent. kInvalid says which entry is wrong.
base::Result<FaultPlan> ParseFaultPlan(const boost::json::value& json);

}  // namespace assay::fault
