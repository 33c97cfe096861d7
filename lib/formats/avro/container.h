#pragma once
// Avro object container files (Avro 1.11 specification, "Object Container Files"):
//
//   "Obj\x01" | metadata map (avro.schema, avro.codec, ...) | 16 bytes of marker
//   then blocks: records long | bytes long | data, perhaps deflated | the same marker
//
// The container is read here, within limits; avro-c reads the schema and the records.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace formats::avro {

struct Value;
struct Field;
/// `bytes` and `fixed`.
struct Bytes {
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};
using List = std::vector<Value>;
/// Records and maps, in the order of the schema or of the file.
using Fields = std::vector<Field>;

/// A datum; of a union the branch that was taken, of an enum its symbol. Logical types are what
/// they are stored as.
struct Value {
  std::variant<std::monostate, bool, int64_t, double, std::string, Bytes, List, Fields> datum;
  bool operator==(const Value& other) const;
};
struct Field {
  std::string name;
  Value value;
  bool operator==(const Field&) const = default;
};

struct Container {
  std::string schema;  ///< JSON, as in the file
  std::string codec;   ///< `null`, `deflate`
  std::vector<Value> records;
};

struct Limits {
  size_t bytes = size_t{64} << 20;     ///< of the file
  size_t decoded = size_t{256} << 20;  ///< of all blocks, decompressed
  size_t records = 1'000'000;
  size_t values = 10'000'000;  ///< of all records, each about 40 bytes in memory
};

/// kInvalid names the byte of the file, or the record, that is wrong; kUnsupported: another codec,
/// or a schema that refers to itself; kTooLarge beyond the limits; kTimeout between two blocks.
base::Result<Container> Read(std::string_view bytes, base::Deadline deadline,
                             const Limits& limits = {});

}  // namespace formats::avro
