#pragma once
// The faults of a run: which are on, whose they are, and the events that tell of them.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/fault/random_plan.h"
#include "assay/fault/site/fault.h"
#include "lib/net/event.h"

namespace assay::fault {

/// What a fault did and how it ended.
struct FaultReport {
  std::string name;
  std::string description;
  base::Duration lasted{};
  Proof effect;
  Proof healing;

  bool is_proven() const { return effect.shown && healing.shown; }
  /// What is missing; "" when nothing is.
  std::string Missing() const;
  boost::json::object ToJson() const;
};

/// Belongs to one loop. Every fault is written to the log before it is applied.
class FaultSite {
 public:
  FaultSite(Ground ground, environment::EventSink sink);

  const Ground& ground() const { return ground_; }

  /// Plans that steps carry out instead of drawing one.
  void GivePlans(PlansByPath plans) { plans_ = std::move(plans); }
  /// Null: the step draws its own.
  const FaultPlan* GivenPlan(std::string_view path) const;

  /// Applies it; not interrupted by cancellation. `owner` is whoever heals what is left of it;
  /// kConflict: the owner has a fault of that name. A fault that could not be applied as a whole is
  /// healed again.
  net::Task<base::Result<void>> Inject(std::string owner, std::string name,
                                       std::unique_ptr<Fault> fault, base::Deadline deadline);
  /// Heals it; not interrupted by cancellation. kNotFound: the owner has no such fault.
  net::Task<base::Result<FaultReport>> Heal(std::string owner, std::string name,
                                            base::Deadline deadline);
  /// All of the owner's, the latest first. What cannot be healed is in the report.
  net::Task<std::vector<FaultReport>> HealAll(std::string owner, base::Deadline deadline);
  /// Names, in the order in which they were applied.
  std::vector<std::string> ActiveOf(const std::string& owner) const;
  bool IsActive(const std::string& owner, const std::string& name) const;
  /// Returns when the fault is no longer on: somebody healed it.
  net::Task<base::Result<void>> WaitHealed(std::string owner, std::string name,
                                           base::Deadline deadline);

 private:
  struct Active {
    std::string owner;
    std::string name;
    std::unique_ptr<Fault> fault;
    base::SteadyTime since{};
    net::Event healed;
    bool healing = false;
  };

  std::shared_ptr<Active> Find(const std::string& owner, const std::string& name) const;
  net::Task<FaultReport> HealNow(std::shared_ptr<Active> active, base::Deadline deadline);
  void Write(std::string_view kind, const Active& active, boost::json::object facts) const;

  Ground ground_;
  environment::EventSink sink_;
  std::vector<std::shared_ptr<Active>> active_;
  PlansByPath plans_;
};

}  // namespace assay::fault
