#include "assay/history/outcome.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/history/blob_store.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::history {
namespace {

constexpr std::array<std::pair<Disposition, std::string_view>, 5> kDispositions = {{
    {Disposition::kAnswered, "answered"},
    {Disposition::kError, "error"},
    {Disposition::kInconclusive, "inconclusive"},
    {Disposition::kSkipped, "skipped"},
    {Disposition::kInterrupted, "interrupted"},
}};

constexpr std::array kErrorCodes = {
    base::ErrorCode::kInvalid,      base::ErrorCode::kNotFound,  base::ErrorCode::kConflict,
    base::ErrorCode::kUnauthorized, base::ErrorCode::kForbidden, base::ErrorCode::kTooLarge,
    base::ErrorCode::kUnsupported,  base::ErrorCode::kTimeout,   base::ErrorCode::kCancelled,
    base::ErrorCode::kUnavailable,  base::ErrorCode::kIo,        base::ErrorCode::kCorrupt,
    base::ErrorCode::kExhausted,    base::ErrorCode::kInternal,
};

// Texts above this leave the event for a blob, so that a line stays readable and bodies are shared.
constexpr size_t kInlineText = 4096;
constexpr size_t kInlineBytes = 1024;
constexpr size_t kInlineValue = 64 * 1024;

base::ErrorCode ParseErrorCode(std::string_view text) {
  const auto found =
      std::ranges::find(kErrorCodes, text, [](base::ErrorCode c) { return base::ToString(c); });
  return found == kErrorCodes.end() ? base::ErrorCode::kInternal : *found;
}

// {"$blob": name, "as": text|bytes|json}: cannot collide, because typed JSON writes a map with a
// `$` key as {"$map": ...}.
boost::json::object BlobMarker(std::string name, std::string_view as) {
  return {{"$blob", std::move(name)}, {"as", as}};
}

class Externaliser {
 public:
  Externaliser(BlobSink& sink, std::vector<std::string>& blobs) : sink_(sink), blobs_(blobs) {}

  base::Result<boost::json::value> Convert(const cel::Value& value) {
    if (value.is_string() && value.string().size() > kInlineText) {
      return Store(value.string(), "text");
    }
    if (value.is_bytes() && value.bytes().size() > kInlineBytes) {
      return Store(value.bytes(), "bytes");
    }
    if (!value.is_map()) return Whole(value);
    boost::json::object object;
    for (const auto& [key, element] : value.map().entries()) {
      if (!key.is_string() || key.string().starts_with('$')) return Whole(value);
      TRY(object[key.string()], Convert(element));
    }
    return boost::json::value(std::move(object));
  }

  base::Result<boost::json::value> Store(std::string_view bytes, std::string_view as) {
    TRY(std::string name, sink_.Put(bytes));
    if (std::ranges::find(blobs_, name) == blobs_.end()) blobs_.push_back(name);
    return boost::json::value(BlobMarker(std::move(name), as));
  }

 private:
  base::Result<boost::json::value> Whole(const cel::Value& value) {
    boost::json::value json = cel::ToTypedJson(value);
    if (!value.is_list() && !value.is_map()) return json;
    const std::string text = json::Canonical(json);
    if (text.size() <= kInlineValue) return json;
    return Store(text, "json");
  }

  BlobSink& sink_;
  std::vector<std::string>& blobs_;
};

base::Result<cel::Value> ReadMarked(const boost::json::object& marker, const BlobSource& source) {
  const auto* name = marker.at("$blob").if_string();
  const auto* as = marker.if_contains("as");
  if (name == nullptr || as == nullptr || !as->is_string()) {
    return base::Fail(base::ErrorCode::kCorrupt, "malformed $blob marker in a recorded value");
  }
  TRY(const std::string bytes, source.Get(*name));
  if (as->get_string() == "text") return cel::Value::String(bytes);
  if (as->get_string() == "bytes") return cel::Value::Bytes(bytes);
  TRY(const boost::json::value json, json::Parse(bytes));
  return cel::FromTypedJson(json);
}

base::Result<std::optional<base::Error>> ErrorFromJson(const boost::json::value* json) {
  if (json == nullptr || json->is_null()) return std::nullopt;
  const auto* object = json->if_object();
  if (object == nullptr) {
    return base::Fail(base::ErrorCode::kCorrupt, "recorded error is not an object");
  }
  const auto text = [&](std::string_view key) {
    const auto* field = object->if_contains(key);
    return field != nullptr && field->is_string() ? std::string(field->get_string())
                                                  : std::string();
  };
  base::Error error{ParseErrorCode(text("code")), text("message")};
  error.hint = text("hint");
  return error;
}

}  // namespace

std::string_view ToString(Disposition disposition) {
  return kDispositions[static_cast<size_t>(disposition)].second;
}

std::optional<Disposition> ParseDisposition(std::string_view text) {
  for (const auto& [disposition, name] : kDispositions) {
    if (name == text) return disposition;
  }
  return std::nullopt;
}

cel::Value Outcome::ErrorValue() const {
  if (!error) return cel::Value::Null();
  return cel::Value::Object({{"code", cel::Value::String(base::ToString(error->code))},
                             {"message", cel::Value::String(error->message)}});
}

base::Result<boost::json::value> RecordValue(const cel::Value& value, BlobSink& sink,
                                             std::vector<std::string>& blobs) {
  Externaliser externaliser(sink, blobs);
  TRY(boost::json::value json, externaliser.Convert(value));
  const std::string text = json::Canonical(json);
  if (text.size() <= kInlineValue) return json;
  return externaliser.Store(json::Canonical(cel::ToTypedJson(value)), "json");
}

base::Result<cel::Value> ReadRecordedValue(const boost::json::value& json,
                                           const BlobSource& source) {
  const auto* object = json.if_object();
  if (object == nullptr) return cel::FromTypedJson(json);
  if (object->contains("$blob")) return ReadMarked(*object, source);
  if (object->size() == 1 && object->begin()->key().starts_with('$')) {
    return cel::FromTypedJson(json);
  }
  cel::MapBuilder map;
  for (const auto& [key, element] : *object) {
    TRY(cel::Value value, ReadRecordedValue(element, source));
    map.Set(key, std::move(value));
  }
  return std::move(map).Build();
}

base::Result<boost::json::object> RecordOutcome(const Outcome& outcome, BlobSink& sink,
                                                std::vector<std::string>& blobs) {
  boost::json::object record;
  record["disposition"] = ToString(outcome.disposition);
  blobs.insert(blobs.end(), outcome.blobs.begin(), outcome.blobs.end());
  if (!outcome.transcript.empty()) {
    if (std::ranges::find(blobs, outcome.transcript) == blobs.end()) {
      blobs.push_back(outcome.transcript);
    }
  }
  TRY(record["value"], RecordValue(outcome.value, sink, blobs));
  if (outcome.error) {
    record["error"] = {{"code", base::ToString(outcome.error->code)},
                       {"message", outcome.error->message},
                       {"hint", outcome.error->hint}};
  } else {
    record["error"] = nullptr;
  }
  record["duration_ns"] = outcome.duration.count();
  record["transcript"] = outcome.transcript;
  return record;
}

base::Result<Outcome> ReadRecordedOutcome(const boost::json::object& record,
                                          std::vector<std::string> blobs,
                                          const BlobSource& source) {
  Outcome outcome;
  const auto* disposition = record.if_contains("disposition");
  const auto parsed = disposition != nullptr && disposition->is_string()
                          ? ParseDisposition(disposition->get_string())
                          : std::nullopt;
  if (!parsed) return base::Fail(base::ErrorCode::kCorrupt, "outcome without a known disposition");
  outcome.disposition = *parsed;
  const auto* value = record.if_contains("value");
  if (value == nullptr) return base::Fail(base::ErrorCode::kCorrupt, "outcome without value");
  TRY(outcome.value, ReadRecordedValue(*value, source));
  TRY(outcome.error, ErrorFromJson(record.if_contains("error")));
  if (const auto* duration = record.if_contains("duration_ns"); duration && duration->is_int64()) {
    outcome.duration = base::Duration(duration->get_int64());
  }
  if (const auto* transcript = record.if_contains("transcript");
      transcript != nullptr && transcript->is_string()) {
    outcome.transcript = std::string(transcript->get_string());
  }
  outcome.blobs = std::move(blobs);
  return outcome;
}

}  // namespace assay::history
