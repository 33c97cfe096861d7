#pragma once
// Plans of random faults in files: what `assay shrink` writes and `assay run --fault-plan` reads.

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "assay/fault/random_plan.h"
#include "assay/history/event.h"
#include "lib/base/result.h"

namespace assay::cli {

/// `{"X/1/chaos": [{"fault": "kill api", "choice": 0, "at_ns": 1, "lasts_ns": 2, "seed": 3}]}`.
/// kInvalid names the file, the step and what is wrong.
base::Result<fault::PlansByPath> ReadFaultPlans(const std::filesystem::path& file);

/// The plans that the steps of a run drew, by their `fault.plan` events. Of several attempts of a
/// step the last.
base::Result<fault::PlansByPath> PlansOf(std::span<const history::Event> events);

/// Names of the faults by their number in the step's list, from the same events.
using FaultNames = std::map<std::string, std::map<size_t, std::string>, std::less<>>;
FaultNames NamesOf(std::span<const history::Event> events);

/// The text of such a file.
std::string FaultPlansText(const fault::PlansByPath& plans, const FaultNames& names);

}  // namespace assay::cli
