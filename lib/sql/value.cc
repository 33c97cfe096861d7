#include "lib/sql/value.h"

#include <cmath>

#include <fmt/format.h>

#include "lib/base/utf8.h"

namespace sql {

using base::ErrorCode;
using base::Fail;

std::string_view KindName(const Value& value) {
  constexpr std::string_view kNames[] = {"null", "integer", "real", "text", "blob"};
  return kNames[value.storage().index()];
}

base::Result<void> CheckStorable(const Value& value) {
  if (const auto* number = std::get_if<double>(&value.storage())) {
    if (!std::isfinite(*number)) return Fail(ErrorCode::kInvalid, "a real must be finite");
  }
  if (const auto* text = std::get_if<std::string>(&value.storage())) {
    if (text->find('\0') != std::string::npos) {
      return Fail(ErrorCode::kInvalid, "a text must not hold a NUL byte");
    }
    if (!base::IsUtf8(*text)) return Fail(ErrorCode::kInvalid, "a text must be valid UTF-8");
  }
  return {};
}

const Value* RowReader::Next() {
  if (at_ < row_.size()) return &row_[at_++];
  if (mismatch_.empty()) {
    mismatch_ = fmt::format("a row has {} columns, more were expected", row_.size());
  }
  return nullptr;
}

bool RowReader::NextIsNull() const { return at_ < row_.size() && row_[at_].is_null(); }

template <typename T>
T RowReader::Read(std::string_view expected) {
  const Value* value = Next();
  if (value == nullptr) return T{};
  if (const T* found = std::get_if<T>(&value->storage())) return *found;
  if (mismatch_.empty()) {
    mismatch_ = fmt::format("column {} is {}, expected {}", at_, KindName(*value), expected);
  }
  return T{};
}

int64_t RowReader::Int() { return Read<int64_t>("integer"); }

double RowReader::Real() {
  if (at_ < row_.size() && std::holds_alternative<int64_t>(row_[at_].storage())) {
    return static_cast<double>(Int());
  }
  return Read<double>("real");
}

std::string RowReader::Text() { return Read<std::string>("text"); }
Blob RowReader::Bytes() { return Read<Blob>("blob"); }

std::optional<int64_t> RowReader::OptionalInt() {
  if (!NextIsNull()) return Int();
  ++at_;
  return std::nullopt;
}

std::optional<double> RowReader::OptionalReal() {
  if (!NextIsNull()) return Real();
  ++at_;
  return std::nullopt;
}

std::optional<std::string> RowReader::OptionalText() {
  if (!NextIsNull()) return Text();
  ++at_;
  return std::nullopt;
}

std::optional<Blob> RowReader::OptionalBytes() {
  if (!NextIsNull()) return Bytes();
  ++at_;
  return std::nullopt;
}

base::Result<void> RowReader::Finish() const {
  if (!mismatch_.empty()) return Fail(ErrorCode::kCorrupt, mismatch_);
  if (at_ != row_.size()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("a row has {} columns, expected {}", row_.size(), at_));
  }
  return {};
}

}  // namespace sql
