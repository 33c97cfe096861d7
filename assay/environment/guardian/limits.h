#pragma once
// Limits of a service's resources: by a control group of its own where the machine allows that,
// else by resource limits of the process.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"
#include "lib/process/spawn.h"

namespace assay::environment {

struct ServiceLimits {
  std::optional<uint64_t> memory_bytes;
  std::optional<double> cpus;
  std::optional<uint64_t> files;
  std::optional<uint64_t> processes;
};

/// How each limit is enforced, for the event log: `cgroup`, `rlimit`, `none`, or "" when not asked
/// for. An rlimit bounds address space of each process, which is stricter than resident memory of
/// the service; processors and number of processes have no usable rlimit.
struct EnforcedLimits {
  std::string memory;
  std::string cpus;
  std::string files;
  std::string processes;
};

/// A control group below this process' own in which `memory`, `cpu` and `pids` can be limited;
/// nothing when there is no writable cgroup v2 with these controllers. `mounts` and `self` are
/// /proc/self/mountinfo and /proc/self/cgroup.
std::optional<std::filesystem::path> FindCgroupParent(std::string_view mounts,
                                                      std::string_view self);

/// Makes the group `name` with these limits. Returns its folder.
base::Result<std::filesystem::path> MakeCgroup(const std::filesystem::path& parent,
                                               std::string_view name, const ServiceLimits& limits);
base::Result<void> AddToCgroup(const std::filesystem::path& group, pid_t pid);

/// The resource limits to start the process with, and who enforces what.
std::vector<process::ResourceLimit> ResourceLimitsFor(const ServiceLimits& limits, bool has_cgroup);
EnforcedLimits DescribeLimits(const ServiceLimits& limits, bool has_cgroup);

}  // namespace assay::environment
