#pragma once
// csv('rows.csv') and json_file('x.json'): data beside a scenario, read once.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/cel/value.h"
#include "assay/scenario/file_source.h"

namespace assay::plan {

/// Reads and parses files once and remembers them for the digests of the manifest. Thread-safe.
class DataFiles {
 public:
  /// `files` must outlive it, and with it every program that was compiled against its functions.
  explicit DataFiles(const scenario::FileSource& files) : files_(files) {}

  /// A list with one map for each row, keys from the first line, values as text.
  cel::Value Csv(std::string_view scenario_file, std::string_view path);
  cel::Value Json(std::string_view scenario_file, std::string_view path);
  /// Path and text of every file read so far, by path.
  std::vector<std::pair<std::string, std::string>> Read() const;

 private:
  using Parser = cel::Value (*)(std::string_view text, std::string_view path);
  cel::Value Load(std::string_view scenario_file, std::string_view path, Parser parse);

  const scenario::FileSource& files_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, cel::Value> values_;
};

/// Adds csv and json_file for files beside `scenario_file`; matches_schema finds its schemas there.
void DeclareDataFiles(cel::Environment& environment, std::shared_ptr<DataFiles> data,
                      std::string scenario_file);

/// See formats::csv::Parse; values are text. An error value names file and line.
cel::Value ParseCsv(std::string_view text, std::string_view path);

}  // namespace assay::plan
