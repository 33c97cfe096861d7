#include "assay/run/source/recorded_source.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/outcome.h"
#include "assay/plan/path.h"
#include "assay/run/step_machine.h"

namespace assay::run {
namespace {

using boost::json::object;

std::string Text(const object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

int64_t Whole(const object& data, std::string_view key, int64_t fallback) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_int64() ? field->get_int64() : fallback;
}

StopCause::Kind KindOf(std::string_view text) {
  return text == "timeout" ? StopCause::Kind::kTimeout : StopCause::Kind::kCancelled;
}

// Scenario events carry the path of the instance; outcomes that of the attempt.
std::string AttemptPath(const history::Event& started) {
  const int64_t attempt = Whole(started.data, "attempt", 1);
  if (attempt <= 1) return started.path;
  return fmt::format("{}@{}", started.path, attempt);
}

bool GaveUpAfter(const object& finished, size_t attempt) {
  const auto* list = finished.if_contains("exhausted_at");
  if (list == nullptr || !list->is_array()) return false;
  return std::ranges::any_of(list->get_array(), [&](const boost::json::value& item) {
    return item.is_int64() && item.get_int64() == static_cast<int64_t>(attempt);
  });
}

}  // namespace

RecordedSource::RecordedSource(std::span<const history::Event> events,
                               const history::BlobSource& blobs)
    : blobs_(blobs) {
  for (const history::Event& event : events) {
    if (event.kind == history::kind::kOutcome) {
      outcomes_[event.path] = &event;
    } else if (event.kind == history::kind::kStepFinished) {
      finished_[event.path] = &event;
    } else if (event.kind == history::kind::kStepSkipped) {
      if (const std::string stopped = Text(event.data, "stopped"); !stopped.empty()) {
        stopped_[event.path] = {KindOf(stopped), Text(event.data, "reason")};
      }
    } else if (event.kind == history::kind::kScenarioStarted) {
      started_[AttemptPath(event)] = &event;
    }
  }
}

base::Result<cel::Value> RecordedSource::Inputs(std::string_view scenario_path,
                                                const std::function<base::Result<cel::Value>()>&) {
  const auto found = started_.find(scenario_path);
  const auto* inputs =
      found == started_.end() ? nullptr : found->second->data.if_contains("inputs");
  if (inputs == nullptr || !inputs->is_object()) {
    missing_.emplace_back(scenario_path);
    return base::Fail(base::ErrorCode::kNotFound,
                      fmt::format("the recording has no start of {}", scenario_path));
  }
  cel::MapBuilder map;
  for (const auto& [name, json] : inputs->get_object()) {
    TRY(cel::Value value, history::ReadRecordedValue(json, blobs_));
    map.Set(name, std::move(value));
  }
  return std::move(map).Build();
}

// A further attempt of a whole scenario is asked for by its path as well: it was begun, or not.
std::optional<StopCause> RecordedSource::StopBefore(std::string_view path, const Stopper&) {
  if (const auto found = stopped_.find(path); found != stopped_.end()) return found->second;
  const plan::PathParts parts = plan::SplitPath(path);
  if (parts.step.empty() && parts.instance.contains('@') && !started_.contains(path)) {
    return StopCause{StopCause::Kind::kCancelled, "the run ended"};
  }
  return std::nullopt;
}

net::Task<Performed> RecordedSource::Perform(const ActionRequest& request) {
  Performed performed;
  const auto found = outcomes_.find(request.path);
  if (found == outcomes_.end()) {
    missing_.push_back(request.path);
    // Whether it listened is unknown; the steps after it have records of their own.
    if (request.armed) request.armed();
    performed.outcome =
        FailedOutcome({base::ErrorCode::kNotFound,
                       fmt::format("the recording has no outcome for {}", request.path)});
    co_return performed;
  }
  const history::Event& event = *found->second;
  performed.head = Text(event.data, "head");
  auto outcome = history::ReadRecordedOutcome(event.data, event.blobs, blobs_);
  if (!outcome) missing_.push_back(request.path);
  performed.outcome = outcome ? *std::move(outcome) : FailedOutcome(outcome.error());
  if (event.data.contains("armed_ns")) {
    performed.armed = base::Duration(Whole(event.data, "armed_ns", 0));
    if (request.armed) request.armed();
  }
  co_return performed;
}

net::Task<PauseEnd> RecordedSource::Pause(const PauseRequest& request) {
  const auto found = finished_.find(request.path);
  if (found == finished_.end()) {
    // The log was cut off inside this step.
    if (outcomes_.contains(plan::WithAttempt(request.path, request.next_attempt))) {
      co_return PauseEnd{};
    }
    co_return PauseEnd{PauseEnd::Kind::kStopped,
                       {StopCause::Kind::kCancelled, "the recording ends here"}};
  }
  const object& data = found->second->data;
  if (request.poll && GaveUpAfter(data, request.next_attempt - 1)) {
    co_return PauseEnd{PauseEnd::Kind::kExhausted, {}};
  }
  const auto next = static_cast<int64_t>(request.next_attempt);
  if (next <= Whole(data, "attempts", 0)) co_return PauseEnd{};
  if (const std::string stopped = Text(data, "interrupted"); !stopped.empty()) {
    co_return PauseEnd{PauseEnd::Kind::kStopped, {KindOf(stopped), Text(data, "interrupted_by")}};
  }
  co_return PauseEnd{PauseEnd::Kind::kExhausted, {}};
}

}  // namespace assay::run
