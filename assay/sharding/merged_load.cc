#include "assay/sharding/merged_load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/workload/figures/metrics.h"
#include "lib/base/units.h"

namespace assay::sharding {
namespace {

using base::ErrorCode;
using boost::json::object;
using history::Disposition;
using history::Event;
using std::chrono::seconds;

// Generators that begin further apart put the load on the system one after the other.
constexpr auto kMostSkew = std::chrono::seconds(1);
constexpr double kMostSkewShare = 0.1;

std::string_view WithoutAttempt(std::string_view path) { return path.substr(0, path.rfind('#')); }

std::string Text(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Whole(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::vector<std::string> TaskNames(const Event& started) {
  std::vector<std::string> names;
  const auto* tasks = started.data.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array()) return names;
  for (const auto& task : tasks->get_array()) {
    if (task.is_object()) names.push_back(Text(task.get_object(), "name"));
  }
  return names;
}

uint64_t Count(const cel::Value& outcome, std::string_view key) {
  const cel::Value* found = outcome.Find(key);
  return found != nullptr && found->is_int() && found->int_value() > 0
             ? static_cast<uint64_t>(found->int_value())
             : 0;
}

std::string Word(const cel::Value& outcome, std::string_view key) {
  const cel::Value* found = outcome.Find(key);
  return found != nullptr && found->is_string() ? std::string(found->string()) : "";
}

/// Adds one load up.
class Sum {
 public:
  explicit Sum(std::span<const LoadPart> parts)
      : parts_(parts), names_(TaskNames(*parts.front().started)), total_(names_.size()) {
    first_ = std::ranges::min(parts, {}, &LoadPart::begin).begin;
  }

  base::Result<MergedLoad> Run() {
    MergedLoad merged;
    merged.events.push_back(Started());
    TRY(AddIntervals(merged.events));
    merged.outcome = Conclude();
    return merged;
  }

 private:
  struct Second {
    explicit Second(size_t tasks) : tally(tasks) {}
    workload::Tally tally;
    int64_t users = 0;
    base::Duration elapsed{};
    base::WallTime time{};
  };

  Event Started() const {
    Event event = *parts_.front().started;
    event.elapsed = first_;
    int64_t users = 0;
    for (const LoadPart& part : parts_) users += Whole(part.started->data, "vus");
    event.data["vus"] = users;
    return event;
  }

  // A second of a part belongs to the second of the whole in which it mostly lies.
  base::Result<void> AddIntervals(std::vector<Event>& into) {
    std::map<int64_t, Second> whole;
    for (const LoadPart& part : parts_) {
      const auto shift = std::chrono::round<seconds>(part.begin - first_).count();
      for (const Event* interval : part.intervals) {
        auto tally = workload::ReadInterval(interval->data, names_);
        if (!tally) {
          return base::Fail(ErrorCode::kCorrupt,
                            fmt::format("event {} of shard {}: {}", interval->seq, part.shard,
                                        tally.error().message));
        }
        const int64_t number = Whole(interval->data, "second") + shift;
        Second& second = whole.try_emplace(number, names_.size()).first->second;
        total_.Add(*tally);
        second.tally.Add(*tally);
        second.users += Whole(interval->data, "vus");
        second.elapsed =
            std::max(second.elapsed, part.begin + interval->elapsed - part.started->elapsed);
        second.time = std::max(second.time, interval->time);
      }
    }
    for (const auto& [number, second] : whole) {
      Event event;
      event.kind = history::kind::kWorkloadInterval;
      event.path = parts_.front().started->path;
      event.time = second.time;
      event.elapsed = second.elapsed;
      event.data = workload::IntervalOf(second.tally, names_, number, second.users);
      into.push_back(std::move(event));
    }
    return {};
  }

  base::Duration End(const LoadPart& part) const { return part.begin + part.answer.duration; }

  base::Duration Elapsed() const {
    base::Duration end = first_;
    for (const LoadPart& part : parts_) end = std::max(end, End(part));
    return std::max<base::Duration>(end - first_, std::chrono::nanoseconds(1));
  }

  // "" when the parts were carried out together.
  std::string Skew() const {
    const base::Duration last = std::ranges::max(parts_, {}, &LoadPart::begin).begin;
    base::Duration longest{};
    for (const LoadPart& part : parts_) longest = std::max(longest, part.answer.duration);
    const auto tolerated = std::max<base::Duration>(
        kMostSkew, std::chrono::round<base::Duration>(longest * kMostSkewShare));
    if (last - first_ <= tolerated) return "";
    return fmt::format(
        "the shards did not load at the same time: the last began {} after the "
        "first, at most {} is meant",
        base::HumanDuration(last - first_), base::HumanDuration(tolerated));
  }

  void AddFailures(const LoadPart& part, workload::LoadState& state) const {
    const cel::Value* list = part.answer.value.Find("failures");
    if (list == nullptr || !list->is_list()) return;
    for (const cel::Value& item : list->list()) {
      const auto at = std::ranges::find(names_, Word(item, "task"));
      if (at == names_.end()) continue;
      const workload::FailureClass what{static_cast<size_t>(at - names_.begin()),
                                        Word(item, "step"), Word(item, "reason")};
      state.failures[what] += Count(item, "count");
    }
  }

  workload::LoadState State() const {
    workload::LoadState state;
    state.tasks = names_;
    state.elapsed = Elapsed();
    std::set<std::string> engines;
    for (const LoadPart& part : parts_) {
      const cel::Value& figures = part.answer.value;
      state.scheduled += Count(figures, "scheduled");
      state.dropped += Count(figures, "dropped");
      state.most_vus += static_cast<int64_t>(Count(figures, "vus"));
      engines.insert(Word(figures, "engine"));
      if (state.engine_reason.empty()) state.engine_reason = Word(figures, "engine_reason");
      if (state.aborted.empty()) state.aborted = Word(figures, "aborted");
      const cel::Value* generator = figures.Find("generator");
      if (state.lagging.empty() && generator != nullptr)
        state.lagging = Word(*generator, "lagging");
      AddFailures(part, state);
      // Statuses that expressions ask for are there even when nothing had them.
      const cel::Value* statuses = figures.Find("status");
      if (statuses == nullptr || !statuses->is_map()) continue;
      for (const auto& [code, ignored] : statuses->map().entries()) {
        state.named_statuses.insert(std::atoi(cel::ToText(code).c_str()));
      }
    }
    state.engine = engines.size() == 1 ? *engines.begin() : "mixed";
    return state;
  }

  history::Outcome Conclude() const {
    history::Outcome outcome;
    workload::LoadState state = State();
    const LoadPart* worst = &parts_.front();
    for (const LoadPart& part : parts_) {
      if (Badness(part) > Badness(*worst)) worst = &part;
    }
    outcome.disposition = worst->answer.disposition;
    if (worst->answer.error) {
      outcome.error = *worst->answer.error;
      outcome.error->message =
          fmt::format("shard {}: {}", worst->shard, worst->answer.error->message);
    }
    if (outcome.disposition == Disposition::kAnswered) {
      if (std::string skew = Skew(); !skew.empty()) {
        state.lagging = skew;
        outcome.disposition = Disposition::kInconclusive;
        outcome.error = base::Error{ErrorCode::kConflict, std::move(skew)};
      }
    }
    outcome.duration = state.elapsed;
    outcome.value = workload::MetricsOf(total_, state);
    return outcome;
  }

  static int Badness(const LoadPart& part) {
    switch (part.answer.disposition) {
      case Disposition::kAnswered:
        return 0;
      case Disposition::kSkipped:
        return 1;
      case Disposition::kInconclusive:
        return 2;
      case Disposition::kInterrupted:
        return 3;
      case Disposition::kError:
        break;
    }
    return 4;
  }

  std::span<const LoadPart> parts_;
  std::vector<std::string> names_;
  workload::Tally total_;
  base::Duration first_{};
};

// The loads of one shard.
base::Result<std::map<std::string, LoadPart>> LoadsOf(const ShardRun& run,
                                                      base::WallTime earliest) {
  std::map<std::string, LoadPart> loads;
  const history::DirectoryBlobs blobs(run.dir / "blobs", nullptr);
  for (const Event& event : run.events) {
    if (event.kind == history::kind::kWorkloadStarted) {
      const auto [at, added] = loads.try_emplace(event.path);
      if (!added) {
        return base::Fail(ErrorCode::kUnsupported,
                          fmt::format("shard {} tried the load {} again: it cannot be merged",
                                      run.shard.index, event.path));
      }
      at->second.shard = run.shard.index;
      at->second.begin = run.Since(earliest, event);
      at->second.started = &event;
    } else if (event.kind == history::kind::kWorkloadInterval) {
      if (const auto at = loads.find(event.path); at != loads.end()) {
        at->second.intervals.push_back(&event);
      }
    } else if (event.kind == history::kind::kOutcome) {
      const auto at = loads.find(std::string(WithoutAttempt(event.path)));
      if (at == loads.end()) continue;
      at->second.outcome = &event;
      TRY(at->second.answer, history::ReadRecordedOutcome(event.data, event.blobs, blobs));
    }
  }
  return loads;
}

}  // namespace

base::Result<std::map<std::string, std::vector<LoadPart>>> FindLoads(
    std::span<const ShardRun> shards, base::WallTime earliest) {
  std::map<std::string, std::vector<LoadPart>> out;
  for (const ShardRun& run : shards) {
    TRY(auto loads, LoadsOf(run, earliest));
    for (auto& [path, part] : loads) {
      if (part.outcome == nullptr) {
        return base::Fail(ErrorCode::kUnsupported,
                          fmt::format("the load {} of shard {} has no outcome: it cannot be merged",
                                      path, run.shard.index));
      }
      std::vector<LoadPart>& parts = out[path];
      if (!parts.empty() && TaskNames(*parts.front().started) != TaskNames(*part.started)) {
        return base::Fail(ErrorCode::kConflict,
                          fmt::format("the load {} has other tasks in shard {} than in shard {}",
                                      path, run.shard.index, parts.front().shard));
      }
      parts.push_back(std::move(part));
    }
  }
  return out;
}

base::Result<MergedLoad> MergeLoad(std::span<const LoadPart> parts) { return Sum(parts).Run(); }

}  // namespace assay::sharding
