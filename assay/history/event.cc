#include "assay/history/event.h"

#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/crypto/hash.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::history {
namespace {

constexpr std::array<std::string_view, 9> kFields = {"blobs", "data", "elapsed_ns", "hash", "kind",
                                                     "path",  "prev", "seq",        "time"};

std::string Quoted(std::string_view text) { return json::Canonical(boost::json::value(text)); }

// The members in the order of RFC 8785, with or without `hash`.
std::string Members(const Event& event, bool with_hash) {
  std::string out = R"({"blobs":[)";
  for (size_t i = 0; i < event.blobs.size(); ++i) {
    if (i > 0) out += ',';
    out += Quoted(event.blobs[i]);
  }
  out += R"(],"data":)";
  out += json::Canonical(event.data);
  out += fmt::format(R"(,"elapsed_ns":{})", event.elapsed.count());
  if (with_hash) out += R"(,"hash":)" + Quoted(event.hash);
  out += fmt::format(R"(,"kind":{},"path":{},"prev":{},"seq":{},"time":"{}"}})", Quoted(event.kind),
                     Quoted(event.path), Quoted(event.prev), event.seq,
                     base::FormatRfc3339(event.time));
  return out;
}

base::Result<std::string> Text(const boost::json::object& object, std::string_view key) {
  const auto* field = object.if_contains(key);
  if (field == nullptr || !field->is_string()) {
    return base::Fail(base::ErrorCode::kCorrupt, fmt::format("event without the text \"{}\"", key));
  }
  return std::string(field->get_string());
}

base::Result<int64_t> Natural(const boost::json::object& object, std::string_view key) {
  const auto* field = object.if_contains(key);
  if (field == nullptr || !field->is_int64() || field->get_int64() < 0) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("event without the whole number \"{}\"", key));
  }
  return field->get_int64();
}

base::Result<void> ReadParts(const boost::json::object& object, Event& event) {
  const auto* data = object.if_contains("data");
  if (data == nullptr || !data->is_object()) {
    return base::Fail(base::ErrorCode::kCorrupt, "event without the object \"data\"");
  }
  event.data = data->get_object();
  const auto* blobs = object.if_contains("blobs");
  if (blobs == nullptr || !blobs->is_array()) {
    return base::Fail(base::ErrorCode::kCorrupt, "event without the list \"blobs\"");
  }
  for (const auto& blob : blobs->get_array()) {
    if (!blob.is_string()) {
      return base::Fail(base::ErrorCode::kCorrupt, "event with a blob name that is no text");
    }
    event.blobs.emplace_back(blob.get_string());
  }
  return {};
}

}  // namespace

std::string FirstPrev() { return std::string(64, '0'); }

std::string HashOf(const Event& event) {
  crypto::Sha256 hash;
  hash.Update(event.prev);
  hash.Update(Members(event, false));
  return hash.FinishHex();
}

std::string ToLine(const Event& event) { return Members(event, true); }

base::Result<Event> ParseEvent(std::string_view line) {
  TRY(const boost::json::value json, json::Parse(line));
  const auto* object = json.if_object();
  if (object == nullptr) return base::Fail(base::ErrorCode::kCorrupt, "event is not an object");
  for (const auto& member : *object) {
    if (std::ranges::find(kFields, std::string_view(member.key())) == kFields.end()) {
      return base::Fail(
          base::ErrorCode::kCorrupt,
          fmt::format("event with the unknown member \"{}\"", std::string_view(member.key())));
    }
  }
  Event event;
  TRY(const int64_t seq, Natural(*object, "seq"));
  event.seq = static_cast<uint64_t>(seq);
  TRY(const int64_t elapsed, Natural(*object, "elapsed_ns"));
  event.elapsed = base::Duration(elapsed);
  TRY(const std::string time, Text(*object, "time"));
  const auto point = cel::ParseTimestamp(time);
  if (!point) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("event time \"{}\" is not RFC 3339", time));
  }
  event.time =
      base::WallTime(std::chrono::seconds(point->seconds) + std::chrono::nanoseconds(point->nanos));
  TRY(event.kind, Text(*object, "kind"));
  TRY(event.path, Text(*object, "path"));
  TRY(event.prev, Text(*object, "prev"));
  TRY(event.hash, Text(*object, "hash"));
  TRY(ReadParts(*object, event));
  return event;
}

}  // namespace assay::history
