#include "assay/cel/engine/arithmetic.h"

#include <limits>

#include <fmt/format.h>

#include "assay/cel/engine/node.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using std::chrono::nanoseconds;

constexpr int64_t kNanosPerSecond = 1'000'000'000;

Value NoOverload(std::string_view symbol, const Value& a, const Value& b) {
  return ErrorValue(
      fmt::format("no such overload: {} {} {}", ToString(a.kind()), symbol, ToString(b.kind())));
}

Value Overflow(std::string_view what) { return ErrorValue(fmt::format("{} overflow", what)); }

Value CheckedTimestamp(__int128 total_nanos) {
  __int128 seconds = total_nanos / kNanosPerSecond;
  auto nanos = static_cast<int32_t>(total_nanos % kNanosPerSecond);
  if (nanos < 0) {
    nanos += static_cast<int32_t>(kNanosPerSecond);
    --seconds;
  }
  const TimePoint time{static_cast<int64_t>(seconds), nanos};
  if (time < kMinTimestamp || time > kMaxTimestamp) return Overflow("timestamp");
  return Value::Timestamp(time);
}

__int128 TotalNanos(TimePoint time) {
  return static_cast<__int128>(time.seconds) * kNanosPerSecond + time.nanos;
}

Value CheckedDuration(__int128 nanos) {
  if (nanos > INT64_MAX || nanos < INT64_MIN) return Overflow("duration");
  return Value::Duration(nanoseconds(static_cast<int64_t>(nanos)));
}

Value Concatenate(const Value& a, const Value& b, CallContext& context) {
  if (!context.Charge((a.string().size() + b.string().size()) / 16)) return {};
  std::string joined;
  joined.reserve(a.string().size() + b.string().size());
  joined.append(a.string()).append(b.string());
  return a.is_string() ? Value::String(joined) : Value::Bytes(joined);
}

Value ConcatenateLists(const Value& a, const Value& b, CallContext& context) {
  if (a.list().empty()) return b;
  if (b.list().empty()) return a;
  if (!context.Charge(a.list().size() + b.list().size())) return {};
  std::vector<Value> joined;
  joined.reserve(a.list().size() + b.list().size());
  joined.insert(joined.end(), a.list().begin(), a.list().end());
  joined.insert(joined.end(), b.list().begin(), b.list().end());
  return Value::List(std::move(joined));
}

}  // namespace

Value Add(const Value& a, const Value& b, CallContext& context) {
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kInt: {
        int64_t sum = 0;
        if (__builtin_add_overflow(a.int_value(), b.int_value(), &sum)) return Overflow("int");
        return Value::Int(sum);
      }
      case Kind::kUint: {
        uint64_t sum = 0;
        if (__builtin_add_overflow(a.uint_value(), b.uint_value(), &sum)) return Overflow("uint");
        return Value::Uint(sum);
      }
      case Kind::kDouble:
        return Value::Double(a.double_value() + b.double_value());
      case Kind::kString:
      case Kind::kBytes:
        return Concatenate(a, b, context);
      case Kind::kList:
        return ConcatenateLists(a, b, context);
      case Kind::kDuration:
        return CheckedDuration(static_cast<__int128>(a.duration().count()) + b.duration().count());
      default:
        break;
    }
  }
  if (a.is_timestamp() && b.is_duration())
    return CheckedTimestamp(TotalNanos(a.timestamp()) + b.duration().count());
  if (a.is_duration() && b.is_timestamp()) return Add(b, a, context);
  return NoOverload("+", a, b);
}

Value Subtract(const Value& a, const Value& b, CallContext&) {
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kInt: {
        int64_t difference = 0;
        if (__builtin_sub_overflow(a.int_value(), b.int_value(), &difference))
          return Overflow("int");
        return Value::Int(difference);
      }
      case Kind::kUint:
        if (a.uint_value() < b.uint_value()) return Overflow("uint");
        return Value::Uint(a.uint_value() - b.uint_value());
      case Kind::kDouble:
        return Value::Double(a.double_value() - b.double_value());
      case Kind::kDuration:
        return CheckedDuration(static_cast<__int128>(a.duration().count()) - b.duration().count());
      case Kind::kTimestamp:
        return CheckedDuration(TotalNanos(a.timestamp()) - TotalNanos(b.timestamp()));
      default:
        break;
    }
  }
  if (a.is_timestamp() && b.is_duration())
    return CheckedTimestamp(TotalNanos(a.timestamp()) - b.duration().count());
  return NoOverload("-", a, b);
}

Value Multiply(const Value& a, const Value& b, CallContext&) {
  if (a.is_int() && b.is_int()) {
    int64_t product = 0;
    if (__builtin_mul_overflow(a.int_value(), b.int_value(), &product)) return Overflow("int");
    return Value::Int(product);
  }
  if (a.is_uint() && b.is_uint()) {
    uint64_t product = 0;
    if (__builtin_mul_overflow(a.uint_value(), b.uint_value(), &product)) return Overflow("uint");
    return Value::Uint(product);
  }
  if (a.is_double() && b.is_double()) return Value::Double(a.double_value() * b.double_value());
  return NoOverload("*", a, b);
}

Value Divide(const Value& a, const Value& b, CallContext&) {
  if (a.is_int() && b.is_int()) {
    if (b.int_value() == 0) return ErrorValue("division by zero");
    if (a.int_value() == INT64_MIN && b.int_value() == -1) return Overflow("int");
    return Value::Int(a.int_value() / b.int_value());
  }
  if (a.is_uint() && b.is_uint()) {
    if (b.uint_value() == 0) return ErrorValue("division by zero");
    return Value::Uint(a.uint_value() / b.uint_value());
  }
  if (a.is_double() && b.is_double()) {
    static_assert(std::numeric_limits<double>::is_iec559, "x / 0 must be an infinity or NaN");
    return Value::Double(a.double_value() / b.double_value());
  }
  return NoOverload("/", a, b);
}

Value Modulo(const Value& a, const Value& b, CallContext&) {
  if (a.is_int() && b.is_int()) {
    if (b.int_value() == 0) return ErrorValue("modulus by zero");
    if (a.int_value() == INT64_MIN && b.int_value() == -1) return Overflow("int");
    return Value::Int(a.int_value() % b.int_value());
  }
  if (a.is_uint() && b.is_uint()) {
    if (b.uint_value() == 0) return ErrorValue("modulus by zero");
    return Value::Uint(a.uint_value() % b.uint_value());
  }
  return NoOverload("%", a, b);
}

Value Negate(const Value& a) {
  if (a.is_int()) {
    if (a.int_value() == INT64_MIN) return Overflow("int");
    return Value::Int(-a.int_value());
  }
  if (a.is_double()) return Value::Double(-a.double_value());
  if (a.is_duration()) return CheckedDuration(-static_cast<__int128>(a.duration().count()));
  return ErrorValue(fmt::format("no such overload: -{}", ToString(a.kind())));
}

}  // namespace assay::cel
