#include "assay/action/wait_action.h"

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/base/units.h"
#include "lib/net/timer.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

base::Result<base::Duration> DurationOf(const Value& params) {
  const Value* value = params.Find("duration");
  if (value != nullptr && value->is_duration()) return value->duration();
  if (value != nullptr && value->is_string()) return base::ParseDuration(value->string());
  return base::Fail(base::ErrorCode::kInvalid, "parameter \"duration\" is no duration such as 5s");
}

}  // namespace

WaitAction::WaitAction() {
  schema_ = {.name = "wait",
             .doc = "Lets time pass. Waiting for something to happen is what `poll` is for.",
             .shorthand = "duration",
             .shorthand_doc = "how long"};
  schema_.params = {.name = "wait",
                    .doc = "How long to wait.",
                    .fields = {{.name = "duration",
                                .type = scenario::Type::Duration(),
                                .required = true,
                                .doc = "How long."}}};
  schema_.outcome = {
      {.name = "duration", .type = scenario::Type::Duration(), .doc = "How long it really was."}};
  schema_.own_time = true;
}

std::string WaitAction::Head(const Value& params) const {
  const auto duration = DurationOf(params);
  return duration ? "wait " + base::FormatDuration(*duration) : "wait";
}

net::Task<Outcome> WaitAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  const auto duration = DurationOf(params);
  if (!duration)
    co_return Outcome{
        .disposition = Disposition::kError, .value = Value::Object({}), .error = duration.error()};
  const bool too_long = context.deadline.Remaining(context.clock) < *duration;
  const auto slept =
      co_await net::SleepUntil(base::Deadline::After(*duration).Earlier(context.deadline));
  const base::Duration took = context.clock.Steady() - started;
  Outcome outcome{.value = Value::Object({{"duration", Value::Duration(took)}}), .duration = took};
  if (!slept) {
    outcome.disposition = Disposition::kInterrupted;
    outcome.error = slept.error();
  } else if (too_long) {
    outcome.disposition = Disposition::kError;
    outcome.error = base::Error{base::ErrorCode::kTimeout,
                                fmt::format("the time of the step ended before {} had passed",
                                            base::FormatDuration(*duration))};
  }
  co_return outcome;
}

}  // namespace assay::action
