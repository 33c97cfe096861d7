#pragma once
// Histories written by hand, for the tests of checkers: every call is an event one millisecond
// after the one before.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/checker/checkers.h"
#include "lib/json/parse.h"

namespace assay::checker {

/// A value from JSON text.
inline cel::Value Json(std::string_view text) {
  return cel::ParseJson(text).value_or(cel::Value::String("malformed JSON in the test"));
}

class History {
 public:
  /// A whole operation with nothing beside it.
  History& Ok(std::string op, cel::Value key, cel::Value value = {}) {
    return End(Begin(std::move(op), std::move(key), std::move(value)), Ending::kAcknowledged);
  }
  History& Failed(std::string op, cel::Value key, cel::Value value = {}) {
    return End(Begin(std::move(op), std::move(key), std::move(value)), Ending::kFailed);
  }
  History& Unknown(std::string op, cel::Value key, cel::Value value = {}) {
    return End(Begin(std::move(op), std::move(key), std::move(value)), Ending::kIndeterminate);
  }

  /// Gives the number for End; without it the operation goes on for ever.
  size_t Begin(std::string op, cel::Value key, cel::Value value = {}, std::string worker = {}) {
    operations_.push_back({.op = std::move(op),
                           .key = std::move(key),
                           .value = std::move(value),
                           .attempted = Next(),
                           .worker = std::move(worker),
                           .path = fmt::format("S/1/op-{}#1", operations_.size() + 1)});
    return operations_.size() - 1;
  }
  History& End(size_t number, Ending ending) {
    operations_[number].ending = ending;
    operations_[number].completed = Next();
    return *this;
  }

  const std::vector<Operation>& operations() const { return operations_; }
  std::vector<Operation>& operations() { return operations_; }

 private:
  Moment Next() {
    ++seq_;
    return {std::chrono::milliseconds(seq_), seq_};
  }

  std::vector<Operation> operations_;
  uint64_t seq_ = 0;
};

inline cel::Value Int(int64_t value) { return cel::Value::Int(value); }
inline cel::Value Str(std::string_view text) { return cel::Value::String(text); }

/// `failed: 1 lost` without the text of the witness; `passed`.
inline std::string Said(const CheckResult& result) {
  const std::string_view reason = result.reason;
  const std::string verdict(history::ToString(result.verdict));
  if (reason.empty()) return verdict;
  return fmt::format("{}: {}", verdict, reason.substr(0, reason.find(':')));
}

}  // namespace assay::checker
