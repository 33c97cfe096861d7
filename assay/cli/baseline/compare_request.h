#pragma once
// `assay compare` and `assay history`: their flags as data.

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace assay::cli {

/// As typed.
struct CompareRequest {
  std::vector<std::string> runs;     ///< to judge; repeats of the same
  std::vector<std::string> against;  ///< runs instead of a baseline
  std::string baseline;              ///< file, or name in the folder of baselines
  int64_t last = 0;                  ///< judge so many of the latest; 0: not asked
  std::string tolerance;             ///< "": the project's
  std::vector<std::string> metrics;  ///< METRIC=TOLERANCE
  bool update = false;
};

struct HistoryRequest {
  std::string action = "list";  ///< list or add
  std::vector<std::string> runs;
  std::string metric;  ///< wildcard; "": a line a run
  int64_t limit = 20;
  std::string html;
};

void DeclareCompare(CLI::App& app, CompareRequest& to);
void DeclareHistory(CLI::App& app, HistoryRequest& to);

}  // namespace assay::cli
