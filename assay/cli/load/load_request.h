#pragma once
// `assay load URL`: the flags, and the scenario that they stand for.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace CLI {
class App;
}

namespace assay::cli {

/// As typed; durations and stages are still text.
struct LoadRequest {
  std::string url;
  int64_t connections = 10;
  std::string duration = "10s";
  std::optional<double> rate;        ///< requests a second: an open model
  std::optional<int64_t> requests;   ///< so many instead of a duration
  std::vector<std::string> stages;   ///< `30s:100`
  std::string method;                ///< "": GET, or POST with a body
  std::vector<std::string> headers;  ///< `Name: value`
  std::string body;
  std::string body_file;
  std::string timeout = "30s";
  std::string think;
  std::vector<std::string> expect;      ///< CEL; empty: status < 400
  std::vector<std::string> thresholds;  ///< CEL
  std::vector<std::string> abort_on;    ///< CEL
  std::string max_lag;
  bool insecure = false;
  bool steps_engine = false;
  bool print = false;  ///< shows the scenario instead of running it
};

void DeclareLoad(CLI::App& app, LoadRequest& to);

/// The text of a scenario file that does the same. kInvalid names the flag.
base::Result<std::string> ScenarioOf(const LoadRequest& request);

}  // namespace assay::cli
