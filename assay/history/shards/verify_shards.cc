#include "assay/history/shards/verify_shards.h"

#include <map>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/event_log.h"
#include "lib/json/canonical.h"

namespace assay::history {
namespace {

using boost::json::object;

std::string Text(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Whole(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

// What is wrong with the log itself; "" when nothing is.
std::string WrongWith(const EventLog& log, const object& said) {
  if (log.damage) return log.damage->message;
  std::string prev = FirstPrev();
  uint64_t seq = 0;
  for (const Event& event : log.events) {
    if (event.seq != ++seq || event.prev != prev || HashOf(event) != event.hash) {
      return fmt::format("its chain is broken at event {}", event.seq);
    }
    prev = event.hash;
  }
  if (prev != Text(said, "head")) return "its last hash is not the one in the manifest";
  if (static_cast<int64_t>(log.events.size()) != Whole(said, "events")) {
    return fmt::format("it has {} events, the manifest says {}", log.events.size(),
                       Whole(said, "events"));
  }
  return "";
}

class ShardLogs {
 public:
  ShardLogs(std::span<const Event> events, const BlobSource& blobs) : events_(events) {
    if (events.empty()) return;
    const auto* manifest = events.front().data.if_contains("manifest");
    if (manifest == nullptr || !manifest->is_object()) return;
    const auto* shards = manifest->get_object().if_contains("shards");
    if (shards == nullptr || !shards->is_array()) return;
    for (const auto& item : shards->get_array()) {
      if (item.is_object()) Read(item.get_object(), blobs);
    }
  }

  std::vector<ShardProblem> Check() && {
    for (const Event& event : events_) {
      const auto* origin = event.data.if_contains("origin");
      if (origin != nullptr && origin->is_object()) CheckOrigin(event, origin->get_object());
    }
    return std::move(problems_);
  }

 private:
  void Read(const object& said, const BlobSource& blobs) {
    const int64_t index = Whole(said, "index");
    const auto fail = [&](const std::string& why) {
      problems_.push_back(
          {events_.front().seq, fmt::format("the log of shard {}: {}", index, why)});
    };
    auto text = blobs.Get(Text(said, "log"));
    if (!text) return fail(text.error().message);
    EventLog log = ReadEventsFrom(*text, fmt::format("shard {}", index));
    if (const std::string wrong = WrongWith(log, said); !wrong.empty()) return fail(wrong);
    logs_[index] = std::move(log.events);
  }

  void CheckOrigin(const Event& event, const object& origin) {
    const int64_t index = Whole(origin, "shard");
    const int64_t seq = Whole(origin, "seq");
    const auto log = logs_.find(index);
    // A log that cannot be read was reported.
    if (log == logs_.end() && !problems_.empty()) return;
    const bool exists =
        log != logs_.end() && seq >= 1 && static_cast<size_t>(seq) <= log->second.size();
    if (!exists) {
      problems_.push_back(
          {event.seq, fmt::format("its origin, event {} of shard {}, does not exist", seq, index)});
      return;
    }
    if (!Matches(event, log->second[static_cast<size_t>(seq - 1)], index)) {
      problems_.push_back(
          {event.seq, fmt::format("it is not what event {} of shard {} says", seq, index)});
    }
  }

  static bool Matches(const Event& event, const Event& original, int64_t index) {
    std::string path = original.path;
    object data = original.data;
    if (original.kind.starts_with(kind::kEnvironmentPrefix)) {
      const std::string mark = fmt::format(" [shard {}]", index);
      path += mark;
      if (const std::string owner = Text(data, "environment"); !owner.empty()) {
        data["environment"] = owner + mark;
      }
    }
    data["origin"] = event.data.at("origin");
    return event.kind == original.kind && event.path == path && event.time == original.time &&
           event.blobs == original.blobs && json::Canonical(data) == json::Canonical(event.data);
  }

  std::span<const Event> events_;
  std::map<int64_t, std::vector<Event>> logs_;
  std::vector<ShardProblem> problems_;
};

}  // namespace

std::vector<ShardProblem> FindShardProblems(std::span<const Event> events,
                                            const BlobSource& blobs) {
  return ShardLogs(events, blobs).Check();
}

}  // namespace assay::history
