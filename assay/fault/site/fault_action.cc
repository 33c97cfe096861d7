#include "assay/fault/site/fault_action.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/fault/site/fault_parameters.h"
#include "assay/fault/site/fault_site.h"
#include "assay/fault/site/random_faults.h"
#include "lib/base/units.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::fault {

namespace {

using base::ErrorCode;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Type;

/// Healing must not depend on how much time the step has left.
constexpr base::Duration kHealTime = std::chrono::seconds(30);

base::Deadline HealDeadline() { return base::Deadline::After(kHealTime); }

Outcome Failed(base::Error error) {
  const bool stopped = error.code == ErrorCode::kCancelled;
  // What this machine or environment cannot do was not evaluated.
  const bool unable = error.code == ErrorCode::kUnsupported;
  return {.disposition = stopped  ? Disposition::kInterrupted
                         : unable ? Disposition::kInconclusive
                                  : Disposition::kError,
          .value = Value::Object({}),
          .error = std::move(error)};
}

Value ToValue(const boost::json::value& json) { return cel::FromJson(json); }

/// The outcome of faults that are over; `rounds` is not empty.
Outcome Judged(const std::vector<FaultReport>& rounds) {
  boost::json::array list;
  std::string missing;
  for (const FaultReport& report : rounds) {
    list.push_back(report.ToJson());
    if (missing.empty()) missing = report.Missing();
  }
  const FaultReport& last = rounds.back();
  Outcome outcome{.value = Value::Object({{"active", Value::Bool(false)},
                                          {"name", Value::String(last.name)},
                                          {"effect", ToValue(last.ToJson().at("effect"))},
                                          {"healing", ToValue(last.ToJson().at("healing"))},
                                          {"faults", ToValue(list)}})};
  if (!missing.empty()) {
    outcome.disposition = Disposition::kInconclusive;
    outcome.error = base::Error{ErrorCode::kUnavailable, missing};
  }
  return outcome;
}

Outcome NothingOn() {
  return {.value = Value::Object({{"active", Value::Bool(false)},
                                  {"name", Value::String("")},
                                  {"effect", Value::Object({})},
                                  {"healing", Value::Object({})},
                                  {"faults", Value::List({})}})};
}

net::Task<Outcome> HealStep(FaultSite& site, const std::string& owner, const std::string& name) {
  if (name == "all") {
    const auto reports = co_await site.HealAll(owner, HealDeadline());
    co_return reports.empty() ? NothingOn() : Judged(reports);
  }
  auto report = co_await site.Heal(owner, name, HealDeadline());
  if (!report) co_return Failed(std::move(report).error());
  co_return Judged({*std::move(report)});
}

/// What was seen of many faults. One that nobody met changes nothing and proves nothing: only when
/// that holds for all of them, or when one was not undone, the step is inconclusive.
Outcome JudgedTogether(const std::vector<FaultReport>& reports, const RandomFaults& faults,
                       const std::string& name) {
  boost::json::array list;
  int64_t effective = 0;
  std::string missing;
  std::string unmet;
  for (const FaultReport& report : reports) {
    list.push_back(report.ToJson());
    if (report.effect.shown) ++effective;
    if (!report.effect.shown && unmet.empty()) unmet = report.Missing();
    if (!report.healing.shown && missing.empty()) missing = report.Missing();
  }
  if (missing.empty() && effective == 0) {
    missing = reports.empty() ? "no fault fitted into the time" : unmet;
  }
  Outcome outcome{
      .value = Value::Object({{"active", Value::Bool(false)},
                              {"name", Value::String(name)},
                              {"effect", Value::Object({{"shown", Value::Bool(effective > 0)},
                                                        {"faults", Value::Int(effective)}})},
                              {"healing", Value::Object({{"shown", Value::Bool(missing.empty())}})},
                              {"faults", ToValue(list)},
                              {"plan", ToValue(PlanJson(faults.plan, faults.choices))}})};
  if (!missing.empty()) {
    outcome.disposition = Disposition::kInconclusive;
    outcome.error = base::Error{ErrorCode::kUnavailable, missing};
  }
  return outcome;
}

net::Task<Outcome> RandomStep(const Value& random, const action::ActionContext& context,
                              const std::string& name) {
  FaultSite& site = *context.faults;
  const auto faults =
      RandomFaultsOf(random, site.ground(), context.seed, site.GivenPlan(context.path));
  if (!faults) co_return Failed(faults.error());
  if (context.emit) {
    context.emit("fault.plan", {{"plan", PlanJson(faults->plan, faults->choices)}}, {});
  }
  context.armed();
  auto reports = co_await CarryOut(site, *faults, context.work_dir, name);
  if (reports) co_return JudgedTogether(*reports, *faults, name);
  Outcome outcome = Failed(std::move(reports).error());
  outcome.value = Value::Object({{"plan", ToValue(PlanJson(faults->plan, faults->choices))}});
  co_return outcome;
}

/// Applies the fault, holds it and undoes it, `times` times.
class Rounds {
 public:
  Rounds(FaultSite& site, const Value& params, const action::ActionContext& context,
         std::string owner, std::string name, FaultTimes times)
      : site_(site),
        params_(params),
        context_(context),
        owner_(std::move(owner)),
        name_(std::move(name)),
        times_(times) {}

  net::Task<Outcome> Run() {
    const auto began = base::Deadline::After(times_.after);
    for (int64_t round = 0; round < times_.times; ++round) {
      const auto begin =
          base::Deadline::At(began.time() + times_.every.value_or(base::Duration::zero()) * round);
      if (auto slept = co_await net::SleepUntil(begin); !slept) co_return Failed(slept.error());
      auto done = co_await One(static_cast<uint64_t>(round));
      if (!done) co_return Failed(std::move(done).error());
    }
    co_return times_.lasts ? Judged(reports_) : StillOn();
  }

 private:
  net::Task<base::Result<void>> One(uint64_t round) {
    const uint64_t seed = base::StableHash(std::to_string(round), context_.seed);
    CO_TRY(auto fault, FaultOf(params_, site_.ground(), seed));
    CO_TRY(co_await site_.Inject(owner_, name_, std::move(fault), context_.deadline));
    context_.armed();
    if (!times_.lasts) co_return base::Result<void>();
    // Ends early when a step heals it by its name.
    const auto waited =
        co_await site_.WaitHealed(owner_, name_, base::Deadline::After(*times_.lasts));
    if (waited) {
      co_return base::Fail(ErrorCode::kConflict,
                           fmt::format("the fault \"{}\" was healed by another step", name_));
    }
    CO_TRY(FaultReport report, co_await site_.Heal(owner_, name_, HealDeadline()));
    reports_.push_back(std::move(report));
    if (waited.error().code == ErrorCode::kCancelled) co_return base::Fail(waited.error());
    co_return base::Result<void>();
  }

  Outcome StillOn() const {
    Outcome outcome = NothingOn();
    outcome.value = Value::Object({{"active", Value::Bool(true)},
                                   {"name", Value::String(name_)},
                                   {"effect", Value::Object({})},
                                   {"healing", Value::Object({})},
                                   {"faults", Value::List({})}});
    return outcome;
  }

  FaultSite& site_;
  const Value& params_;
  const action::ActionContext& context_;
  std::string owner_;
  std::string name_;
  FaultTimes times_;
  std::vector<FaultReport> reports_;
};

}  // namespace

FaultAction::FaultAction() {
  schema_ = {.name = "fault",
             .doc =
                 "Breaks something on purpose: a link, a process, a disk. What it did and that "
                 "it was undone must be seen; without that proof the step is inconclusive. "
                 "Whatever is still on when the scenario ends is undone then."};
  schema_.params = FaultTable();
  schema_.outcome = {
      {.name = "active", .type = Type::Bool(), .doc = "It is still on."},
      {.name = "name", .type = Type::String(), .doc = "For `heal`."},
      {.name = "effect", .type = Type::Map(Type::Any()), .doc = "What it did, the last time."},
      {.name = "healing", .type = Type::Map(Type::Any()), .doc = "How it was undone."},
      {.name = "faults",
       .type = Type::List(Type::Any()),
       .doc = "Every fault that is over: name, fault, lasted_ns, effect, healing."},
      {.name = "plan",
       .type = Type::List(Type::Any()),
       .doc = "random: what was drawn, in order of time: fault, choice, at_ns, lasts_ns, seed."}};
  schema_.own_time = true;
  // The steps after a fault in the background begin when it is there.
  schema_.listens = true;
  schema_.listening_params = {"for", "random"};
  schema_.limit_param = "for";
}

std::string FaultAction::Head(const Value& params) const { return HeadOf(params); }

net::Task<Outcome> FaultAction::Run(Value params, const action::ActionContext& context) const {
  if (context.faults == nullptr) {
    co_return Failed(
        {.code = ErrorCode::kUnsupported,
         .message = "nothing can be broken here: the run did not start the environment",
         .hint = "leave out --up"});
  }
  const auto started = context.clock.Steady();
  // Each scenario attempt has a directory of its own.
  const std::string& owner = context.work_dir;
  Outcome outcome;
  const Value* heal = params.Find("heal");
  if (heal != nullptr && !heal->is_null()) {
    outcome = co_await HealStep(*context.faults, owner, cel::ToText(*heal));
  } else if (const Value* random = params.Find("random")) {
    const Value* as = params.Find("as");
    outcome = co_await RandomStep(*random, context, as != nullptr ? cel::ToText(*as) : "random");
  } else {
    const auto times = TimesOf(params);
    if (!times) co_return Failed(times.error());
    const Value* as = params.Find("as");
    const std::string name = as != nullptr ? cel::ToText(*as) : HeadOf(params);
    Rounds rounds(*context.faults, params, context, owner, name, *times);
    outcome = co_await rounds.Run();
  }
  outcome.duration = context.clock.Steady() - started;
  co_return outcome;
}

void RegisterFaultAction(action::ActionRegistry& registry) {
  registry.Add(std::make_unique<FaultAction>());
}

}  // namespace assay::fault
