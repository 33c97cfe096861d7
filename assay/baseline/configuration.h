#pragma once
// Whether two runs measured the same thing under the same conditions.

#include <string>
#include <vector>

#include "assay/baseline/metric.h"
#include "assay/history/run_model.h"

namespace assay::baseline {

/// From the manifest of a run: environment, profile, scale, seed, version, jobs, shard, machine
/// (name, architecture, kernel, processors), every variable and address of the command line, every
/// planned instance, and the digest of every input file but requirement catalogues, which describe
/// and do nothing. Of assay.yaml the part `baseline` does not count: how a comparison judges is no
/// condition of the run.
Configuration ConfigurationOf(const history::RunModel& run);

/// SHA-256 over its canonical form, hexadecimal: equal if and only if the configurations are.
std::string DigestOf(const Configuration& configuration);

struct Difference {
  std::string what;    ///< `seed`, `file suites/a/x.yaml`, `scenario NS-1/1`
  std::string before;  ///< "" when it was not there
  std::string after;
  bool operator==(const Difference&) const = default;
};

/// In order of their names; empty when the runs may be compared.
std::vector<Difference> Differences(const Configuration& before, const Configuration& after);

/// `seed: 7 before, 8 now`
std::string ToText(const Difference& difference);

}  // namespace assay::baseline
