#pragma once
// The values of the expression language: what an expression reads, computes and returns, and what
// the outcome of an action is made of.

#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/error.h"

namespace assay::cel {

class Type;
class Value;
class Map;
class Opaque;

/// What a Value holds at run time. Everything from kString on lives on the heap.
enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kTimestamp,
  kDuration,
  kString,
  kBytes,
  kType,
  kList,
  kMap,
  kOptional,
  kOpaque,
  kError,
};

/// The language's name of a kind: `int`, `list`, `google.protobuf.Timestamp`, ...
std::string_view ToString(Kind kind);

/// A point in time, UTC: seconds since the Unix epoch, and 0 <= nanos < 1e9.
/// The language allows 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
struct TimePoint {
  int64_t seconds = 0;
  int32_t nanos = 0;
  auto operator<=>(const TimePoint&) const = default;
};
inline constexpr TimePoint kMinTimestamp{-62'135'596'800, 0};
inline constexpr TimePoint kMaxTimestamp{253'402'300'799, 999'999'999};

namespace internal {
/// The shared head of everything on the heap; counts its owners.
struct HeapObject {
  std::atomic<uint32_t> owners{1};
};
}  // namespace internal

/// An immutable value, 16 bytes, cheap to copy; copies share their heap part and may be used from
/// any thread.
class Value {
 public:
  Value() : bits_{.integer = 0} {}
  Value(const Value& other) : kind_(other.kind_), nanos_(other.nanos_), bits_(other.bits_) {
    Retain();
  }
  Value(Value&& other) noexcept : kind_(other.kind_), nanos_(other.nanos_), bits_(other.bits_) {
    other.kind_ = Kind::kNull;
  }
  Value& operator=(const Value& other) {
    Value copy(other);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Value() { Release(); }
  void swap(Value& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(nanos_, other.nanos_);
    std::swap(bits_, other.bits_);
  }

  static Value Null() { return {}; }
  static Value Bool(bool value);
  static Value Int(int64_t value);
  static Value Uint(uint64_t value);
  static Value Double(double value);
  /// UTF-8; invalid sequences are the caller's fault and are passed through.
  static Value String(std::string_view text);
  static Value Bytes(std::string_view bytes);
  static Value Timestamp(TimePoint time);
  static Value Timestamp(base::WallTime time);
  static Value Duration(std::chrono::nanoseconds duration);
  static Value OfType(const Type& type);
  static Value List(std::vector<Value> elements);
  /// Keys must be bool, int, uint or string and differ; of equal keys the last one stays.
  static Value Map(std::vector<std::pair<Value, Value>> entries);
  /// `Value::Object({{"status", Value::Int(200)}})`.
  static Value Object(std::initializer_list<std::pair<std::string_view, Value>> entries);
  static Value Optional(Value value);
  static Value None();
  static Value OfOpaque(std::shared_ptr<const Opaque> object);
  /// An error in the language: it propagates through operators, and `&&`/`||` may absorb it.
  static Value Error(base::Error error);
  static Value Error(base::ErrorCode code, std::string message);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_int() const { return kind_ == Kind::kInt; }
  bool is_uint() const { return kind_ == Kind::kUint; }
  bool is_double() const { return kind_ == Kind::kDouble; }
  bool is_number() const { return is_int() || is_uint() || is_double(); }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_bytes() const { return kind_ == Kind::kBytes; }
  bool is_timestamp() const { return kind_ == Kind::kTimestamp; }
  bool is_duration() const { return kind_ == Kind::kDuration; }
  bool is_type() const { return kind_ == Kind::kType; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_map() const { return kind_ == Kind::kMap; }
  bool is_optional() const { return kind_ == Kind::kOptional; }
  bool is_opaque() const { return kind_ == Kind::kOpaque; }
  bool is_error() const { return kind_ == Kind::kError; }
  bool is_true() const { return kind_ == Kind::kBool && bits_.boolean; }
  bool is_false() const { return kind_ == Kind::kBool && !bits_.boolean; }

  // Each accessor requires its kind. Views and references live as long as any copy of this value.
  bool bool_value() const { return bits_.boolean; }
  int64_t int_value() const { return bits_.integer; }
  uint64_t uint_value() const { return bits_.natural; }
  double double_value() const { return bits_.real; }
  std::string_view string() const;
  std::string_view bytes() const { return string(); }
  TimePoint timestamp() const { return {bits_.integer, nanos_}; }
  std::chrono::nanoseconds duration() const { return std::chrono::nanoseconds(bits_.integer); }
  const Type& type() const;
  std::span<const Value> list() const;
  const cel::Map& map() const;
  /// nullptr for none.
  const Value* optional() const;
  const Opaque& opaque() const;
  const base::Error& error() const;

  /// The number of int, uint or double as a double; nullopt for other kinds.
  std::optional<double> AsDouble() const;
  /// The entry of a map with string keys; nullptr when this is no map or has no such key.
  const Value* Find(std::string_view key) const;

 private:
  union Bits {
    bool boolean;
    int64_t integer;
    uint64_t natural;
    double real;
    internal::HeapObject* heap;
  };

  explicit Value(Kind kind) : kind_(kind), bits_{.integer = 0} {}
  Value(Kind kind, internal::HeapObject* heap) : kind_(kind), bits_{.heap = heap} {}
  bool on_heap() const { return kind_ >= Kind::kString && bits_.heap != nullptr; }
  void Retain() const {
    if (on_heap()) bits_.heap->owners.fetch_add(1, std::memory_order_relaxed);
  }
  void Release() {
    if (on_heap() && bits_.heap->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy();
  }
  void Destroy();

  Kind kind_ = Kind::kNull;
  int32_t nanos_ = 0;
  Bits bits_;
};

/// The entries of a map value, in insertion order. Numeric keys that are equal as numbers are the
/// same key, whatever their kind.
class Map {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  explicit Map(std::vector<Entry> entries);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::span<const Entry> entries() const { return entries_; }
  const Value* Find(const Value& key) const;
  const Value* Find(std::string_view key) const;

 private:
  template <typename Same>
  const Entry* Probe(uint64_t hash, const Same& same) const;

  std::vector<Entry> entries_;
  std::vector<uint32_t> index_;  // open addressing, entry number + 1; empty for small maps
};

/// Collects the entries of a map; a key that comes again replaces the value and keeps its place.
class MapBuilder {
 public:
  MapBuilder& Set(std::string_view key, Value value);
  MapBuilder& Set(Value key, Value value);
  size_t size() const { return entries_.size(); }
  Value Build() &&;

 private:
  std::vector<std::pair<Value, Value>> entries_;
};

/// A value of a type that a library adds (an IP address). Immutable.
class Opaque {
 public:
  virtual ~Opaque() = default;
  /// Must have static storage.
  virtual std::string_view type_name() const = 0;
  /// Only called with an object of the same type name.
  virtual bool Equals(const Opaque& other) const = 0;
  virtual std::string ToText() const = 0;
};

/// Equality of the language: numbers compare across kinds, NaN differs from itself, maps ignore
/// order, values of unrelated kinds differ. Errors are never equal.
bool Equals(const Value& a, const Value& b);
inline bool operator==(const Value& a, const Value& b) { return Equals(a, b); }

/// The same, but kinds must agree and NaN equals itself: for tests and comparing records.
bool Identical(const Value& a, const Value& b);

/// The order of `<`: numbers across kinds, bool, string, bytes, timestamp, duration. Unordered with
/// a NaN; nullopt when the kinds have no order.
std::optional<std::partial_ordering> Compare(const Value& a, const Value& b);

}  // namespace assay::cel
