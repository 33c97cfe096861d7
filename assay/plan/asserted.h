#pragma once
// Whether a step can fail by what it found.

#include <algorithm>

#include "assay/plan/plan.h"

namespace assay::plan {

/// Has expectations, a poll, or conditions that are judged like expectations (`thresholds`).
inline bool IsAsserted(const PlannedStep& step) {
  if (!step.expect.empty() || step.poll) return true;
  return std::ranges::any_of(step.conditions, [&](const NamedProgram& condition) {
    const std::string_view name = condition.name;
    const scenario::Field* field = step.action->params.Find(name.substr(0, name.find('[')));
    return field != nullptr && !field->judged_as.empty();
  });
}

}  // namespace assay::plan
