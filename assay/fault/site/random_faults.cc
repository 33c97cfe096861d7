#include "assay/fault/site/random_faults.h"

#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/fault/site/fault_parameters.h"
#include "lib/base/units.h"
#include "lib/net/gather.h"
#include "lib/net/timer.h"

namespace assay::fault {

namespace {

using base::ErrorCode;
using cel::Value;

/// To apply a fault, and to undo it: a service may have to come up.
constexpr base::Duration kTime = std::chrono::seconds(60);

base::Result<FaultChoice> ChoiceOf(const Value& params, const Ground& ground) {
  FaultChoice choice;
  TRY(const auto fault, FaultOf(params, ground, 0));
  choice.name = fault->Describe();
  choice.target = fault->target();
  if (params.Find("weight") != nullptr) {
    TRY(choice.weight, NumberAt(params, "weight"));
  }
  TRY(const auto shortest, SpanAt(params, "shortest"));
  TRY(const auto longest, SpanAt(params, "longest"));
  choice.shortest = shortest.value_or(choice.shortest);
  choice.longest = longest.value_or(std::max(choice.longest, choice.shortest));
  return choice;
}

base::Result<PlanShape> ShapeOf(const Value& random) {
  PlanShape shape;
  if (const Value* faults = random.Find("faults"); faults != nullptr && faults->is_int()) {
    if (faults->int_value() < 1) {
      return base::Fail(ErrorCode::kInvalid, "parameter \"faults\" is not above 0");
    }
    shape.faults = static_cast<size_t>(faults->int_value());
  }
  TRY(const auto span, SpanAt(random, "for"));
  TRY(const auto calm, SpanAt(random, "calm"));
  shape.span = span.value_or(shape.span);
  shape.calm = calm.value_or(shape.calm);
  return shape;
}

/// The faults of one target, one after the other.
class Lane {
 public:
  struct Shared {
    FaultSite& site;
    const RandomFaults& faults;
    std::string owner;
    std::string name;
    base::SteadyTime began;
    std::vector<FaultReport> reports = {};
    std::optional<base::Error> error = {};
  };

  static net::Task<void> Run(Shared& shared, std::vector<size_t> numbers) {
    for (const size_t number : numbers) {
      const PlannedFault& planned = shared.faults.plan[number];
      if (!co_await net::SleepUntil(base::Deadline::At(shared.began + planned.at))) co_return;
      auto done = co_await One(shared, planned, fmt::format("{} {}", shared.name, number + 1));
      if (!done && !shared.error) shared.error = std::move(done).error();
    }
  }

 private:
  static net::Task<base::Result<void>> One(Shared& shared, const PlannedFault& planned,
                                           std::string name) {
    CO_TRY(auto fault,
           FaultOf(shared.faults.parameters[planned.choice], shared.site.ground(), planned.seed));
    CO_TRY(co_await shared.site.Inject(shared.owner, name, std::move(fault),
                                       base::Deadline::After(kTime)));
    const auto slept = co_await net::SleepUntil(base::Deadline::After(planned.lasts));
    CO_TRY(FaultReport report,
           co_await shared.site.Heal(shared.owner, name, base::Deadline::After(kTime)));
    shared.reports.push_back(std::move(report));
    co_return slept;
  }
};

}  // namespace

base::Result<RandomFaults> RandomFaultsOf(const Value& random, const Ground& ground, uint64_t seed,
                                          const FaultPlan* given) {
  RandomFaults faults;
  const Value* among = random.Find("among");
  if (among != nullptr && among->is_list()) {
    for (const Value& params : among->list()) {
      TRY(FaultChoice choice, ChoiceOf(params, ground));
      faults.choices.push_back(std::move(choice));
      faults.parameters.push_back(params);
    }
  }
  TRY(const PlanShape shape, ShapeOf(random));
  // Also when the plan is given: the choices must make sense.
  TRY(faults.plan, MakeFaultPlan(faults.choices, shape, seed));
  if (given == nullptr) return faults;
  faults.plan = *given;
  for (const PlannedFault& one : faults.plan) {
    if (one.choice >= faults.choices.size()) {
      return base::Fail(
          base::Error{.code = ErrorCode::kInvalid,
                      .message = fmt::format("the given plan names choice {}, the step has 0 to {}",
                                             one.choice, faults.choices.size() - 1),
                      .hint = "a plan belongs to the scenario as it was when it was drawn"});
    }
  }
  return faults;
}

net::Task<base::Result<std::vector<FaultReport>>> CarryOut(FaultSite& site,
                                                           const RandomFaults& faults,
                                                           std::string owner, std::string name) {
  Lane::Shared shared{.site = site,
                      .faults = faults,
                      .owner = std::move(owner),
                      .name = std::move(name),
                      .began = site.ground().clock.Steady()};
  std::map<std::string, std::vector<size_t>> by_target;
  for (size_t i = 0; i < faults.plan.size(); ++i) {
    by_target[faults.choices[faults.plan[i].choice].target].push_back(i);
  }
  std::vector<net::Task<void>> lanes;
  for (auto& [target, numbers] : by_target) lanes.push_back(Lane::Run(shared, std::move(numbers)));
  co_await net::WhenAll(std::move(lanes));
  if (shared.error) co_return base::Fail(*std::move(shared.error));
  if (shared.reports.size() < faults.plan.size()) {
    co_return base::Fail(ErrorCode::kCancelled, "the faults were interrupted");
  }
  co_return std::move(shared.reports);
}

}  // namespace assay::fault
