#include "assay/fault/site/fault_site.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/suggest.h"
#include "lib/net/runtime.h"

namespace assay::fault {

namespace {

using base::ErrorCode;

boost::json::object ProofJson(const Proof& proof) {
  boost::json::object json = proof.facts;
  json["shown"] = proof.shown;
  if (!proof.missing.empty()) json["missing"] = proof.missing;
  return json;
}

}  // namespace

std::string FaultReport::Missing() const {
  if (!effect.shown) {
    return fmt::format("no proof that \"{}\" took effect: {}", description, effect.missing);
  }
  if (!healing.shown) {
    return fmt::format("no proof that \"{}\" was undone: {}", description, healing.missing);
  }
  return {};
}

boost::json::object FaultReport::ToJson() const {
  return {{"name", name},
          {"fault", description},
          {"lasted_ns", lasted.count()},
          {"effect", ProofJson(effect)},
          {"healing", ProofJson(healing)}};
}

FaultSite::FaultSite(Ground ground, environment::EventSink sink)
    : ground_(std::move(ground)), sink_(std::move(sink)) {}

const FaultPlan* FaultSite::GivenPlan(std::string_view path) const {
  const auto found = plans_.find(path.substr(0, path.rfind('#')));
  return found == plans_.end() ? nullptr : &found->second;
}

void FaultSite::Write(std::string_view kind, const Active& active,
                      boost::json::object facts) const {
  facts["name"] = active.name;
  facts["fault"] = active.fault->Describe();
  sink_(kind, active.fault->target(), std::move(facts), {});
}

std::shared_ptr<FaultSite::Active> FaultSite::Find(const std::string& owner,
                                                   const std::string& name) const {
  const auto found = std::ranges::find_if(
      active_, [&](const auto& one) { return one->owner == owner && one->name == name; });
  return found == active_.end() ? nullptr : *found;
}

bool FaultSite::IsActive(const std::string& owner, const std::string& name) const {
  return Find(owner, name) != nullptr;
}

std::vector<std::string> FaultSite::ActiveOf(const std::string& owner) const {
  std::vector<std::string> names;
  for (const auto& one : active_) {
    if (one->owner == owner) names.push_back(one->name);
  }
  return names;
}

net::Task<base::Result<void>> FaultSite::Inject(std::string owner, std::string name,
                                                std::unique_ptr<Fault> fault,
                                                base::Deadline deadline) {
  if (IsActive(owner, name)) {
    co_return base::Fail(base::Error{.code = ErrorCode::kConflict,
                                     .message = fmt::format("the fault \"{}\" is on already", name),
                                     .hint = "give this one another name: `as: NAME`"});
  }
  auto active = std::make_shared<Active>();
  active->owner = std::move(owner);
  active->name = std::move(name);
  active->fault = std::move(fault);
  active->since = ground_.clock.Steady();
  active_.push_back(active);
  Write("fault.injected", *active, {});
  // A process that was killed while nobody waited for its end could not be brought back.
  auto applied = co_await net::Shielded(active->fault->Apply(deadline));
  if (applied) co_return applied;
  const std::string what = active->fault->Describe();
  co_await net::Shielded(HealNow(active, deadline));
  co_return base::Fail(std::move(applied).error().While("applying the fault: " + what));
}

net::Task<FaultReport> FaultSite::HealNow(std::shared_ptr<Active> active, base::Deadline deadline) {
  FaultReport report{.name = active->name, .description = active->fault->Describe()};
  active->healing = true;
  auto healed = co_await active->fault->Heal(deadline);
  if (healed) {
    report.healing = *std::move(healed);
  } else {
    report.healing.missing = healed.error().ToString();
  }
  report.effect = active->fault->Effect();
  report.lasted = ground_.clock.Steady() - active->since;
  Write("fault.effect", *active, ProofJson(report.effect));
  boost::json::object facts = ProofJson(report.healing);
  facts["lasted_ns"] = report.lasted.count();
  Write("fault.healed", *active, std::move(facts));
  std::erase(active_, active);
  active->healed.Set();
  co_return report;
}

net::Task<base::Result<FaultReport>> FaultSite::Heal(std::string owner, std::string name,
                                                     base::Deadline deadline) {
  const auto active = Find(owner, name);
  if (active == nullptr || active->healing) {
    const auto names = ActiveOf(owner);
    co_return base::Fail(
        base::Error{.code = ErrorCode::kNotFound,
                    .message = fmt::format("no fault \"{}\" is on", name),
                    .hint = names.empty() ? "none is on" : base::SuggestionFor(name, names)});
  }
  co_return co_await net::Shielded(HealNow(active, deadline));
}

net::Task<std::vector<FaultReport>> FaultSite::HealAll(std::string owner, base::Deadline deadline) {
  std::vector<FaultReport> reports;
  const auto all = active_;
  for (const auto& one : all | std::views::reverse) {
    if (one->owner != owner || one->healing) continue;
    reports.push_back(co_await net::Shielded(HealNow(one, deadline)));
  }
  co_return reports;
}

net::Task<base::Result<void>> FaultSite::WaitHealed(std::string owner, std::string name,
                                                    base::Deadline deadline) {
  const auto active = Find(owner, name);
  if (active == nullptr) co_return base::Result<void>();
  co_return co_await active->healed.Wait(deadline);
}

}  // namespace assay::fault
