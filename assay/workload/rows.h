#pragma once
// Rows of data for iterations: a file mapped into memory once, shared by all users.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/value.h"
#include "lib/base/result.h"

namespace assay::workload {

enum class RowOrder { kSequential, kRandom };

/// A .csv file (RFC 4180 with a header line; values are text) or a .jsonl file (one JSON value a
/// line). Takes eight bytes of memory a row besides the pages of the file that the system keeps.
/// Thread-safe. The file must not be cut while it is used.
class Rows {
 public:
  /// kNotFound, kInvalid: no such kind of file, no rows, or a first row that cannot be read.
  static base::Result<std::shared_ptr<const Rows>> Open(const std::string& path, RowOrder order,
                                                        uint64_t seed);
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  size_t size() const { return starts_.size(); }
  /// The row of iteration `index`: row index % size(), or a random one that follows the seed.
  /// kInvalid names file and row.
  base::Result<cel::Value> RowOf(uint64_t index) const;

 private:
  Rows() = default;
  base::Result<void> Map(const std::string& path);
  void FindRows();
  std::string_view Text(size_t row) const;

  std::string path_;
  std::string_view content_;  // mapped; empty for an empty file
  std::string_view header_;   // of a table
  bool is_table_ = false;
  RowOrder order_ = RowOrder::kSequential;
  uint64_t seed_ = 0;
  std::vector<uint64_t> starts_;
};

}  // namespace assay::workload
