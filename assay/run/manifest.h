#pragma once
// What a run was made of: the data of run.started.

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "assay/plan/plan.h"

namespace assay::run {

struct ManifestFacts {
  std::string run_id;
  uint64_t seed = 0;
  size_t jobs = 1;
  /// Process environment that expressions may read.
  std::vector<std::pair<std::string, std::string>> env;
  /// `--var name=value`.
  std::vector<std::pair<std::string, std::string>> overrides;
  /// What the program adds: tool, version, host, command_line, configuration, profile, scale,
  /// filters. Its members win.
  boost::json::object more;
};

/// Names every input with its digest, every planned scenario, and the fingerprint of every
/// requirement.
boost::json::object MakeManifest(const plan::RunPlan& plan, const ManifestFacts& facts);

}  // namespace assay::run
