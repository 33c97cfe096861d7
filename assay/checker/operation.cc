#include "assay/checker/operation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/history/outcome.h"

namespace assay::checker {
namespace {

using cel::Kind;
using cel::Value;

// Whole numbers look alike, whatever kind holds them.
std::string NumberIdentity(const Value& value) {
  if (value.is_int()) return fmt::format("n{}", value.int_value());
  if (value.is_uint()) return fmt::format("n{}", value.uint_value());
  const double real = value.double_value();
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (std::trunc(real) == real && real >= -kTwoTo63 && real < kTwoTo63) {
    return fmt::format("n{}", static_cast<int64_t>(real));
  }
  return "n" + cel::FormatDouble(real);
}

std::string MapIdentity(const cel::Map& map) {
  std::vector<std::string> entries;
  entries.reserve(map.size());
  for (const auto& [key, value] : map.entries()) {
    entries.push_back(Identity(key) + Identity(value));
  }
  std::ranges::sort(entries);
  std::string text = fmt::format("m{}", entries.size());
  for (const std::string& entry : entries) text += fmt::format(":{}:{}", entry.size(), entry);
  return text;
}

std::string Text(const boost::json::object& data, std::string_view key) {
  const auto* field = data.if_contains(key);
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

int64_t Whole(const boost::json::object& data, std::string_view key, int64_t fallback) {
  const auto* field = data.if_contains(key);
  if (field != nullptr && field->is_uint64()) return static_cast<int64_t>(field->get_uint64());
  return field != nullptr && field->is_int64() ? field->get_int64() : fallback;
}

base::Result<void> ReadFields(const history::Event& event, const history::BlobSource& blobs,
                              Operation& operation) {
  if (const auto* key = event.data.if_contains("key")) {
    TRY(operation.key, history::ReadRecordedValue(*key, blobs));
  }
  if (const auto* value = event.data.if_contains("value")) {
    TRY(operation.value, history::ReadRecordedValue(*value, blobs));
  }
  operation.problem = Text(event.data, "problem");
  return {};
}

Ending EndingOf(std::string_view phase) {
  if (phase == "ok") return Ending::kAcknowledged;
  return phase == "fail" ? Ending::kFailed : Ending::kIndeterminate;
}

}  // namespace

std::string_view ToString(Ending ending) {
  switch (ending) {
    case Ending::kAcknowledged:
      return "acknowledged";
    case Ending::kFailed:
      return "failed";
    case Ending::kIndeterminate:
      break;
  }
  return "indeterminate";
}

std::string Identity(const Value& value) {
  if (value.is_number()) return NumberIdentity(value);
  switch (value.kind()) {
    case Kind::kString:
      return fmt::format("s{}:{}", value.string().size(), value.string());
    case Kind::kBytes:
      return fmt::format("b{}:{}", value.bytes().size(), value.bytes());
    case Kind::kList: {
      std::string text = fmt::format("l{}", value.list().size());
      for (const Value& item : value.list()) text += Identity(item) + ";";
      return text;
    }
    case Kind::kMap:
      return MapIdentity(value.map());
    default:
      return fmt::format("{}={}", cel::ToString(value.kind()),
                         cel::DebugString(value, cel::TextLimits::None()));
  }
}

std::string Show(const Value& value) {
  return cel::DebugString(value,
                          {.string_bytes = 80, .elements = 8, .depth = 2, .total_bytes = 160});
}

bool IsBelow(std::string_view path, std::string_view prefix) {
  if (prefix.empty()) return true;
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || path[prefix.size()] == '/' || path[prefix.size()] == '#';
}

base::Result<std::vector<Operation>> ReadOperations(std::span<const history::Event> events,
                                                    const history::BlobSource& blobs) {
  std::vector<Operation> operations;
  std::map<std::string, size_t, std::less<>> open;  // by path with its attempt
  for (const history::Event& event : events) {
    if (event.kind != history::kind::kLedger) continue;
    const std::string path = fmt::format("{}#{}", event.path, Whole(event.data, "attempt", 1));
    const std::string phase = Text(event.data, "phase");
    if (phase == "invoke") {
      Operation operation{.op = Text(event.data, "op"),
                          .attempted = {event.elapsed, event.seq},
                          .worker = Text(event.data, "worker"),
                          .path = path,
                          .ledger = Text(event.data, "ledger")};
      TRY(ReadFields(event, blobs, operation));
      open[path] = operations.size();
      operations.push_back(std::move(operation));
      continue;
    }
    const auto found = open.find(path);
    if (found == open.end()) {
      return base::Fail(base::ErrorCode::kCorrupt,
                        fmt::format("event {}: {} ends an operation that {} never began", event.seq,
                                    phase, path));
    }
    Operation& operation = operations[found->second];
    // The key that the attempt knew stays when its end does not tell one.
    const Operation before = operation;
    TRY(ReadFields(event, blobs, operation));
    if (operation.key.is_null()) operation.key = before.key;
    if (operation.value.is_null()) operation.value = before.value;
    operation.ending = EndingOf(phase);
    operation.completed = Moment{event.elapsed, event.seq};
    open.erase(found);
  }
  return operations;
}

}  // namespace assay::checker
