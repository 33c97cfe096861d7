#pragma once
// Records of one schema, over avro-c; for .cc files.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/avro/container.h"

namespace formats::avro {

class DatumReader {
 public:
  /// kInvalid: no schema. kUnsupported: it refers to itself, so that data could nest without end,
  /// or has records or arrays of which a few bytes could stand for any number of values.
  static base::Result<DatumReader> Make(const std::string& schema);
  ~DatumReader();
  DatumReader(DatumReader&&) noexcept;
  DatumReader& operator=(DatumReader&&) noexcept;

  /// Appends `count` records, which must use up `data`. `first` is the number of the first one in
  /// the file, for messages. kTooLarge when `values_left`, which goes down, is used up.
  base::Result<void> ReadBlock(std::string_view data, size_t count, size_t first,
                               size_t& values_left, std::vector<Value>& into) const;

 private:
  struct Handles;
  explicit DatumReader(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace formats::avro
