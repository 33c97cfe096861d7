#include "assay/cel/value.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

#include "assay/cel/type.h"

namespace assay::cel {
namespace {

using internal::HeapObject;

struct TextObject : HeapObject {
  size_t size = 0;
  char* chars() { return reinterpret_cast<char*>(this + 1); }
};
struct ListObject : HeapObject {
  explicit ListObject(std::vector<Value> list) : elements(std::move(list)) {}
  std::vector<Value> elements;
};
struct MapObject : HeapObject {
  explicit MapObject(std::vector<Map::Entry> entries) : map(std::move(entries)) {}
  Map map;
};
struct TypeObject : HeapObject {
  explicit TypeObject(Type named) : type(std::move(named)) {}
  Type type;
};
struct OptionalObject : HeapObject {
  explicit OptionalObject(Value held) : value(std::move(held)) {}
  Value value;
};
struct OpaqueObject : HeapObject {
  explicit OpaqueObject(std::shared_ptr<const Opaque> held) : object(std::move(held)) {}
  std::shared_ptr<const Opaque> object;
};
struct ErrorObject : HeapObject {
  explicit ErrorObject(base::Error held) : error(std::move(held)) {}
  base::Error error;
};

/// nullptr for the empty text.
TextObject* NewText(std::string_view text) {
  if (text.empty()) return nullptr;
  auto* object = new (::operator new(sizeof(TextObject) + text.size())) TextObject;
  object->size = text.size();
  std::memcpy(object->chars(), text.data(), text.size());
  return object;
}

constexpr size_t kLinearMapSize = 8;

uint64_t Mix(uint64_t bits) {
  // The finaliser of MurmurHash3 (Appleby, public domain).
  bits ^= bits >> 33;
  bits *= 0xff51afd7ed558ccdULL;
  bits ^= bits >> 33;
  bits *= 0xc4ceb9fe1a85ec53ULL;
  return bits ^ (bits >> 33);
}

uint64_t HashText(std::string_view text) { return std::hash<std::string_view>{}(text); }

/// Equal keys hash equally, so a whole double hashes as the integer it equals.
uint64_t HashKey(const Value& key) {
  switch (key.kind()) {
    case Kind::kString:
      return HashText(key.string());
    case Kind::kBool:
      return key.bool_value() ? 1 : 2;
    case Kind::kInt:
      return Mix(std::bit_cast<uint64_t>(key.int_value()));
    case Kind::kUint:
      return Mix(key.uint_value());
    case Kind::kDouble: {
      const double real = key.double_value();
      if (real >= -0x1p63 && real < 0x1p63 && std::trunc(real) == real)
        return Mix(std::bit_cast<uint64_t>(static_cast<int64_t>(real)));
      if (real >= 0 && real < 0x1p64 && std::trunc(real) == real)
        return Mix(static_cast<uint64_t>(real));
      return Mix(std::bit_cast<uint64_t>(real));
    }
    default:
      return 0;
  }
}

std::partial_ordering CompareIntDouble(int64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  // The one place where the language rounds: 2^63 - 1 and 2^63 count as the same number.
  if (b >= 0x1p63) return static_cast<double>(a) <=> b;
  if (b < -0x1p63) return std::partial_ordering::greater;
  const auto whole = static_cast<int64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> (b - static_cast<double>(whole));
}

std::partial_ordering CompareUintDouble(uint64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= 0x1p64) return static_cast<double>(a) <=> b;
  if (b < 0) return std::partial_ordering::greater;
  const auto whole = static_cast<uint64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> (b - static_cast<double>(whole));
}

std::partial_ordering Reverse(std::partial_ordering order) { return 0 <=> order; }

std::partial_ordering CompareNumbers(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      if (b.is_int()) return a.int_value() <=> b.int_value();
      if (b.is_double()) return CompareIntDouble(a.int_value(), b.double_value());
      if (a.int_value() < 0) return std::partial_ordering::less;
      return static_cast<uint64_t>(a.int_value()) <=> b.uint_value();
    case Kind::kUint:
      if (b.is_uint()) return a.uint_value() <=> b.uint_value();
      if (b.is_double()) return CompareUintDouble(a.uint_value(), b.double_value());
      return Reverse(CompareNumbers(b, a));
    default:
      if (b.is_double()) return a.double_value() <=> b.double_value();
      return Reverse(CompareNumbers(b, a));
  }
}

using Equality = bool (*)(const Value&, const Value&);

bool ListsEqual(const Value& a, const Value& b, Equality equal) {
  const auto left = a.list();
  const auto right = b.list();
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i)
    if (!equal(left[i], right[i])) return false;
  return true;
}

bool MapsEqual(const Value& a, const Value& b, Equality equal) {
  if (a.map().size() != b.map().size()) return false;
  for (const Map::Entry& entry : a.map().entries()) {
    const Value* other = b.map().Find(entry.key);
    if (other == nullptr || !equal(entry.value, *other)) return false;
  }
  return true;
}

bool OptionalsEqual(const Value& a, const Value& b, Equality equal) {
  const Value* left = a.optional();
  const Value* right = b.optional();
  if (left == nullptr || right == nullptr) return left == right;
  return equal(*left, *right);
}

bool SameKindEqual(const Value& a, const Value& b, Equality equal) {
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.bool_value() == b.bool_value();
    case Kind::kInt:
      return a.int_value() == b.int_value();
    case Kind::kUint:
      return a.uint_value() == b.uint_value();
    case Kind::kDouble:
      return a.double_value() == b.double_value();
    case Kind::kTimestamp:
      return a.timestamp() == b.timestamp();
    case Kind::kDuration:
      return a.duration() == b.duration();
    case Kind::kString:
    case Kind::kBytes:
      return a.string() == b.string();
    case Kind::kType:
      return a.type().kind() == b.type().kind() && a.type().name() == b.type().name();
    case Kind::kList:
      return ListsEqual(a, b, equal);
    case Kind::kMap:
      return MapsEqual(a, b, equal);
    case Kind::kOptional:
      return OptionalsEqual(a, b, equal);
    case Kind::kOpaque:
      return a.opaque().type_name() == b.opaque().type_name() && a.opaque().Equals(b.opaque());
    case Kind::kError:
      return false;
  }
  std::unreachable();
}

}  // namespace

std::string_view ToString(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kType:
      return "type";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kOptional:
      return "optional_type";
    case Kind::kOpaque:
      return "opaque";
    case Kind::kError:
      return "error";
  }
  std::unreachable();
}

Value Value::Bool(bool value) {
  Value result(Kind::kBool);
  result.bits_.boolean = value;
  return result;
}
Value Value::Int(int64_t value) {
  Value result(Kind::kInt);
  result.bits_.integer = value;
  return result;
}
Value Value::Uint(uint64_t value) {
  Value result(Kind::kUint);
  result.bits_.natural = value;
  return result;
}
Value Value::Double(double value) {
  Value result(Kind::kDouble);
  result.bits_.real = value;
  return result;
}
Value Value::String(std::string_view text) { return {Kind::kString, NewText(text)}; }
Value Value::Bytes(std::string_view bytes) { return {Kind::kBytes, NewText(bytes)}; }

Value Value::Timestamp(TimePoint time) {
  Value result(Kind::kTimestamp);
  result.bits_.integer = time.seconds;
  result.nanos_ = time.nanos;
  return result;
}
Value Value::Timestamp(base::WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return Timestamp(TimePoint{seconds.time_since_epoch().count(),
                             static_cast<int32_t>((time - seconds).count())});
}
Value Value::Duration(std::chrono::nanoseconds duration) {
  Value result(Kind::kDuration);
  result.bits_.integer = duration.count();
  return result;
}
Value Value::OfType(const cel::Type& type) { return {Kind::kType, new TypeObject(type)}; }
Value Value::List(std::vector<Value> elements) {
  return {Kind::kList, elements.empty() ? nullptr : new ListObject(std::move(elements))};
}

Value Value::Map(std::vector<std::pair<Value, Value>> entries) {
  if (entries.empty()) return {Kind::kMap, nullptr};
  std::vector<Map::Entry> list;
  list.reserve(entries.size());
  for (auto& [key, value] : entries) list.push_back({std::move(key), std::move(value)});
  return {Kind::kMap, new MapObject(std::move(list))};
}

Value Value::Object(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  MapBuilder builder;
  for (const auto& [key, value] : entries) builder.Set(key, value);
  return std::move(builder).Build();
}

Value Value::Optional(Value value) {
  return {Kind::kOptional, new OptionalObject(std::move(value))};
}
Value Value::None() { return {Kind::kOptional, nullptr}; }
Value Value::OfOpaque(std::shared_ptr<const cel::Opaque> object) {
  return {Kind::kOpaque, new OpaqueObject(std::move(object))};
}
Value Value::Error(base::Error error) { return {Kind::kError, new ErrorObject(std::move(error))}; }
Value Value::Error(base::ErrorCode code, std::string message) {
  return Error(base::Error{code, std::move(message)});
}

void Value::Destroy() {
  switch (kind_) {
    case Kind::kString:
    case Kind::kBytes: {
      auto* text = static_cast<TextObject*>(bits_.heap);
      text->~TextObject();
      ::operator delete(text);
      return;
    }
    case Kind::kType:
      delete static_cast<TypeObject*>(bits_.heap);
      return;
    case Kind::kList:
      delete static_cast<ListObject*>(bits_.heap);
      return;
    case Kind::kMap:
      delete static_cast<MapObject*>(bits_.heap);
      return;
    case Kind::kOptional:
      delete static_cast<OptionalObject*>(bits_.heap);
      return;
    case Kind::kOpaque:
      delete static_cast<OpaqueObject*>(bits_.heap);
      return;
    case Kind::kError:
      delete static_cast<ErrorObject*>(bits_.heap);
      return;
    default:
      std::unreachable();
  }
}

std::string_view Value::string() const {
  auto* text = static_cast<TextObject*>(bits_.heap);
  return text == nullptr ? std::string_view() : std::string_view(text->chars(), text->size);
}
const Type& Value::type() const { return static_cast<TypeObject*>(bits_.heap)->type; }
std::span<const Value> Value::list() const {
  if (bits_.heap == nullptr) return {};
  return static_cast<ListObject*>(bits_.heap)->elements;
}
const Map& Value::map() const {
  static const cel::Map kEmpty{{}};
  return bits_.heap == nullptr ? kEmpty : static_cast<MapObject*>(bits_.heap)->map;
}
const Value* Value::optional() const {
  return bits_.heap == nullptr ? nullptr : &static_cast<OptionalObject*>(bits_.heap)->value;
}
const Opaque& Value::opaque() const { return *static_cast<OpaqueObject*>(bits_.heap)->object; }
const base::Error& Value::error() const { return static_cast<ErrorObject*>(bits_.heap)->error; }

std::optional<double> Value::AsDouble() const {
  if (is_double()) return bits_.real;
  if (is_int()) return static_cast<double>(bits_.integer);
  if (is_uint()) return static_cast<double>(bits_.natural);
  return std::nullopt;
}

const Value* Value::Find(std::string_view key) const {
  return is_map() ? map().Find(key) : nullptr;
}

Map::Map(std::vector<Entry> entries) {
  entries_.reserve(entries.size());
  const bool indexed = entries.size() > kLinearMapSize;
  if (indexed) index_.assign(std::bit_ceil(entries.size() * 2), 0);
  const size_t mask = index_.size() - 1;
  for (Entry& entry : entries) {
    if (const Value* known = Find(entry.key)) {
      const_cast<Value&>(*known) = std::move(entry.value);
      continue;
    }
    entries_.push_back(std::move(entry));
    if (!indexed) continue;
    size_t slot = HashKey(entries_.back().key) & mask;
    while (index_[slot] != 0) slot = (slot + 1) & mask;
    index_[slot] = static_cast<uint32_t>(entries_.size());
  }
}

template <typename Same>
const Map::Entry* Map::Probe(uint64_t hash, const Same& same) const {
  const size_t mask = index_.size() - 1;
  for (size_t slot = hash & mask; index_[slot] != 0; slot = (slot + 1) & mask)
    if (same(entries_[index_[slot] - 1].key)) return &entries_[index_[slot] - 1];
  return nullptr;
}

const Value* Map::Find(std::string_view key) const {
  const auto same = [&](const Value& other) { return other.is_string() && other.string() == key; };
  if (index_.empty()) {
    for (const Entry& entry : entries_)
      if (same(entry.key)) return &entry.value;
    return nullptr;
  }
  const Entry* entry = Probe(HashText(key), same);
  return entry == nullptr ? nullptr : &entry->value;
}

const Value* Map::Find(const Value& key) const {
  if (key.is_string()) return Find(key.string());
  const auto same = [&](const Value& other) { return Equals(other, key); };
  if (index_.empty()) {
    for (const Entry& entry : entries_)
      if (same(entry.key)) return &entry.value;
    return nullptr;
  }
  const Entry* entry = Probe(HashKey(key), same);
  return entry == nullptr ? nullptr : &entry->value;
}

MapBuilder& MapBuilder::Set(std::string_view key, Value value) {
  return Set(Value::String(key), std::move(value));
}
MapBuilder& MapBuilder::Set(Value key, Value value) {
  entries_.emplace_back(std::move(key), std::move(value));
  return *this;
}
Value MapBuilder::Build() && { return Value::Map(std::move(entries_)); }

bool Equals(const Value& a, const Value& b) {
  if (a.kind() == b.kind()) return SameKindEqual(a, b, &Equals);
  return a.is_number() && b.is_number() && CompareNumbers(a, b) == 0;
}

bool Identical(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_double()) {
    if (std::isnan(a.double_value())) return std::isnan(b.double_value());
    return a.double_value() == b.double_value() &&
           std::signbit(a.double_value()) == std::signbit(b.double_value());
  }
  if (a.is_error())
    return a.error().code == b.error().code && a.error().message == b.error().message;
  return SameKindEqual(a, b, &Identical);
}

std::optional<std::partial_ordering> Compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return CompareNumbers(a, b);
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool:
      return a.bool_value() <=> b.bool_value();
    case Kind::kString:
    case Kind::kBytes:
      return a.string() <=> b.string();
    case Kind::kTimestamp:
      return a.timestamp() <=> b.timestamp();
    case Kind::kDuration:
      return a.duration() <=> b.duration();
    default:
      return std::nullopt;
  }
}

}  // namespace assay::cel
