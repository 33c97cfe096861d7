#include "assay/run/source/live_source.h"

#include <algorithm>
#include <exception>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cel/text.h"
#include "assay/plan/path.h"
#include "assay/run/source/live_bodies.h"
#include "assay/run/step_machine.h"
#include "lib/base/random.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"
#include "lib/net/timer.h"

namespace assay::run {
namespace {

std::string ScenarioPart(std::string_view path) {
  const plan::PathParts parts = plan::SplitPath(path);
  return fmt::format("{}/{}", parts.scenario, parts.instance);
}

}  // namespace

std::filesystem::path WorkDirOf(const std::filesystem::path& work_root,
                                const plan::PlannedScenario& scenario) {
  return work_root / fmt::format("{}-{}", scenario.source().id.text, scenario.instance);
}

action::Holds LiveSource::HoldsOf(const ActionRequest& request) const {
  if (request.conditions == nullptr || request.conditions->empty()) return {};
  return [&request, seed = context_.seed](
             std::string_view parameter,
             const cel::Value& variables) -> std::optional<base::Result<bool>> {
    const auto found = std::ranges::find(*request.conditions, parameter, &plan::NamedProgram::name);
    if (found == request.conditions->end()) return std::nullopt;
    const VariableScope seen(variables, *request.scope);
    auto value = found->expression.ValueOf({seen, seed, request.path, {}});
    if (!value) return base::Fail(std::move(value).error());
    if (value->is_bool()) return value->bool_value();
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{}: {} gives no bool: {}", parameter,
                                  found->expression.source().text, cel::DebugString(*value)));
  };
}

// Refers to `request`.
action::EmitEvent LiveSource::EmitOf(const ActionRequest& request) const {
  if (!context_.emit) return {};
  return [this, &request](std::string_view kind, boost::json::object content,
                          std::vector<std::string> blobs) {
    const std::string_view path = request.path;
    context_.emit(kind, path.substr(0, path.rfind('#')), std::move(content), std::move(blobs));
  };
}

base::Result<cel::Value> LiveSource::Inputs(
    std::string_view, const std::function<base::Result<cel::Value>()>& compute) {
  return compute();
}

std::optional<StopCause> LiveSource::StopBefore(std::string_view, const Stopper& stopper) {
  return stopper.Cause(context_.clock);
}

base::Deadline LiveSource::DeadlineAfter(base::Duration span) const {
  return base::Deadline::After(context_.clock, span);
}

LiveSource::Session& LiveSource::SessionOf(const plan::PlannedScenario& scenario,
                                           std::string_view path) {
  auto [at, added] = sessions_.try_emplace(ScenarioPart(path));
  if (added) {
    at->second.cookies = context_.make_cookies();
    at->second.work_dir = WorkDirOf(context_.work_root, scenario);
    std::error_code ignored;  // the action that needs the directory reports what is wrong with it
    std::filesystem::create_directories(at->second.work_dir, ignored);
  }
  return at->second;
}

void LiveSource::Close(const plan::PlannedScenario& scenario) {
  const std::string own = scenario.path;
  std::erase_if(sessions_, [&](const auto& session) {
    return session.first == own || session.first.starts_with(own + "@");
  });
  if (context_.keep_work) return;
  std::error_code ignored;
  std::filesystem::remove_all(WorkDirOf(context_.work_root, scenario), ignored);
}

base::Result<const OtherEnvironment*> LiveSource::FindOther(std::string_view environment) const {
  if (environment.empty() || environment == context_.environment) return nullptr;
  std::vector<std::string> names{context_.environment};
  for (const OtherEnvironment& other : context_.others) {
    if (other.name == environment) return &other;
    names.push_back(other.name);
  }
  return base::Fail(base::ErrorCode::kUnsupported,
                    fmt::format("the environment \"{}\" is not up in this run, only {}",
                                environment, fmt::join(names, ", ")));
}

base::Result<action::Endpoint> LiveSource::FindEndpoint(const OtherEnvironment* other,
                                                        std::string_view name) const {
  const std::vector<action::Endpoint>& all =
      other != nullptr ? other->endpoints : context_.endpoints;
  if (name.empty()) {
    name = other != nullptr ? other->default_endpoint : context_.default_endpoint;
  }
  if (name.empty() && !all.empty()) return all.front();
  std::vector<std::string> names;
  for (const action::Endpoint& endpoint : all) {
    if (endpoint.name == name) return endpoint;
    names.push_back(endpoint.name);
  }
  base::Error error{base::ErrorCode::kNotFound,
                    name.empty() ? "this run has no endpoints"
                                 : fmt::format("this run has no endpoint \"{}\"", name)};
  if (other != nullptr) {
    error.message = fmt::format("the environment \"{}\" has no endpoint \"{}\"", other->name, name);
  }
  error.hint = base::SuggestionFor(name, names);
  return base::Fail(std::move(error));
}

net::Task<base::Result<history::Outcome>> LiveSource::Carry(
    const action::Action& action, cel::Value params, const action::ActionContext& context) const {
  std::string bug;
  try {
    co_return co_await action.Run(std::move(params), context);
  } catch (const std::exception& exception) {
    bug = exception.what();
  }
  co_return FailedOutcome(
      {base::ErrorCode::kInternal,
       fmt::format("the action {} failed in a way it should not: {}", action.schema().name, bug)});
}

// An interrupted action does not know why: the cause is here.
history::Outcome LiveSource::Explain(history::Outcome outcome, const ActionRequest& request) const {
  if (outcome.value.is_null()) outcome.value = cel::Value::Object({});
  const bool interrupted = outcome.disposition == history::Disposition::kInterrupted;
  const bool overdue = outcome.disposition == history::Disposition::kError && outcome.error &&
                       outcome.error->code == base::ErrorCode::kTimeout;
  if (!interrupted && !overdue) return outcome;
  const auto cause = request.stopper->Cause(context_.clock);
  if (!cause) {
    // The step's own time is over. The action noticed it itself or was cancelled a moment before:
    // both are the same outcome.
    if (request.timeout == base::Duration::zero()) return outcome;
    outcome.disposition = history::Disposition::kError;
    outcome.error =
        base::Error{base::ErrorCode::kTimeout,
                    fmt::format("no result within {}", base::FormatDuration(request.timeout))};
    return outcome;
  }
  if (!interrupted) return outcome;
  const bool late = cause->kind == StopCause::Kind::kTimeout;
  outcome.error =
      base::Error{late ? base::ErrorCode::kTimeout : base::ErrorCode::kCancelled, cause->reason};
  return outcome;
}

net::Task<Performed> LiveSource::Perform(const ActionRequest& request) {
  const base::SteadyTime started = context_.clock.Steady();
  Performed performed;
  performed.head = request.action->name;
  auto params = request.params->Evaluate({*request.scope, context_.seed, request.path, {}});
  if (!params) {
    performed.outcome = FailedOutcome(params.error());
    co_return performed;
  }
  const action::Action* action = context_.actions.Find(request.action->name);
  if (action == nullptr) {
    performed.outcome =
        FailedOutcome({base::ErrorCode::kUnsupported,
                       fmt::format("this program cannot do \"{}\"", request.action->name)});
    co_return performed;
  }
  performed.head = action->Head(*params);
  const auto other = FindOther(request.environment);
  if (!other) {
    performed.outcome = FailedOutcome(other.error());
    co_return performed;
  }
  base::Deadline deadline = request.stopper->deadline();
  if (request.timeout > base::Duration::zero()) {
    deadline = deadline.Earlier(DeadlineAfter(request.timeout));
  }
  const Session& session = SessionOf(*request.scenario, request.path);
  const auto& source = request.scenario->source().source;
  const std::string file = source ? source->name() : "";
  const auto armed = [&] {
    if (!performed.armed) performed.armed = context_.clock.Steady() - started;
    if (request.armed) request.armed();
  };
  std::optional<LiveBodies> bodies;
  if (request.step != nullptr && !request.step->blocks.empty()) bodies.emplace(context_, request);
  const action::ActionContext context{
      .clock = context_.clock,
      .deadline = deadline,
      .blobs = context_.blobs,
      .http = context_.http,
      .cookies = *session.cookies,
      .work_dir = session.work_dir.string(),
      .source_dir = (context_.project_root / std::filesystem::path(file).parent_path()).string(),
      .seed = base::StableHash(request.path, context_.seed),
      .path = request.path,
      .find_endpoint =
          [this, other = *other](std::string_view name) { return FindEndpoint(other, name); },
      .process_environment = context_.process_environment,
      .ask_operator = context_.ask_operator,
      .armed = armed,
      .holds = HoldsOf(request),
      .emit = EmitOf(request),
      .bodies = bodies ? &*bodies : nullptr,
      .faults = *other == nullptr ? context_.faults : nullptr};
  auto outcome =
      co_await net::WithDeadline(net::WithCancellation(Carry(*action, *std::move(params), context),
                                                       request.stopper->cancellation()),
                                 deadline);
  performed.outcome = outcome ? *std::move(outcome) : FailedOutcome(outcome.error());
  performed.outcome = Explain(std::move(performed.outcome), request);
  if (performed.outcome.duration == base::Duration::zero()) {
    performed.outcome.duration = context_.clock.Steady() - started;
  }
  co_return performed;
}

net::Task<PauseEnd> LiveSource::Pause(const PauseRequest& request) {
  if (auto cause = request.stopper->Cause(context_.clock)) {
    co_return PauseEnd{PauseEnd::Kind::kStopped, *std::move(cause)};
  }
  const base::Deadline until = DeadlineAfter(request.wait);
  if (request.limit.time() < until.time()) co_return PauseEnd{PauseEnd::Kind::kExhausted, {}};
  static_cast<void>(
      co_await net::WithCancellation(net::SleepUntil(until.Earlier(request.stopper->deadline())),
                                     request.stopper->cancellation()));
  if (auto cause = request.stopper->Cause(context_.clock)) {
    co_return PauseEnd{PauseEnd::Kind::kStopped, *std::move(cause)};
  }
  co_return PauseEnd{};
}

}  // namespace assay::run
