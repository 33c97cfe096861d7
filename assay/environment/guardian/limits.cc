#include "assay/environment/guardian/limits.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace assay::environment {

namespace {

/// Where cgroup v2 is mounted: the field after the root of a line whose type is `cgroup2`.
std::optional<std::string> MountPoint(std::string_view mounts) {
  std::istringstream lines{std::string(mounts)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.contains(" - cgroup2 ")) continue;
    std::istringstream fields(line);
    std::string id;
    std::string parent;
    std::string device;
    std::string root;
    std::string point;
    if (fields >> id >> parent >> device >> root >> point) return point;
  }
  return std::nullopt;
}

/// The path of this process in the v2 hierarchy: the line `0::/path`.
std::string OwnGroup(std::string_view self) {
  std::istringstream lines{std::string(self)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

bool HasControllers(const std::filesystem::path& folder) {
  std::ifstream file(folder / "cgroup.subtree_control");
  bool memory = false;
  bool cpu = false;
  bool pids = false;
  for (std::string word; file >> word;) {
    memory |= word == "memory";
    cpu |= word == "cpu";
    pids |= word == "pids";
  }
  return memory && cpu && pids;
}

base::Result<void> Put(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text << std::flush;
  if (stream) return {};
  return base::Fail(base::ErrorCode::kForbidden,
                    fmt::format("cannot write \"{}\" to {}", text, file.string()));
}

}  // namespace

std::optional<std::filesystem::path> FindCgroupParent(std::string_view mounts,
                                                      std::string_view self) {
  const auto point = MountPoint(mounts);
  if (!point) return std::nullopt;
  std::filesystem::path folder = *point + OwnGroup(self);
  if (!HasControllers(folder) || ::access(folder.c_str(), W_OK) != 0) return std::nullopt;
  return folder;
}

base::Result<std::filesystem::path> MakeCgroup(const std::filesystem::path& parent,
                                               std::string_view name, const ServiceLimits& limits) {
  const std::filesystem::path folder = parent / name;
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  if (error) {
    return base::Fail(base::ErrorCode::kForbidden, fmt::format("cannot make the control group {}: "
                                                               "{}",
                                                               folder.string(), error.message()));
  }
  if (limits.memory_bytes) TRY(Put(folder / "memory.max", std::to_string(*limits.memory_bytes)));
  if (limits.cpus) {
    constexpr int kPeriodUs = 100'000;
    const auto quota = static_cast<int64_t>(std::llround(*limits.cpus * kPeriodUs));
    TRY(Put(folder / "cpu.max", fmt::format("{} {}", quota, kPeriodUs)));
  }
  if (limits.processes) TRY(Put(folder / "pids.max", std::to_string(*limits.processes)));
  return folder;
}

base::Result<void> AddToCgroup(const std::filesystem::path& group, pid_t pid) {
  return Put(group / "cgroup.procs", std::to_string(pid));
}

std::vector<process::ResourceLimit> ResourceLimitsFor(const ServiceLimits& limits,
                                                      bool has_cgroup) {
  std::vector<process::ResourceLimit> list;
  if (limits.memory_bytes && !has_cgroup) list.push_back({RLIMIT_AS, *limits.memory_bytes});
  if (limits.files) list.push_back({RLIMIT_NOFILE, *limits.files});
  return list;
}

EnforcedLimits DescribeLimits(const ServiceLimits& limits, bool has_cgroup) {
  EnforcedLimits enforced;
  if (limits.memory_bytes) enforced.memory = has_cgroup ? "cgroup" : "rlimit";
  if (limits.cpus) enforced.cpus = has_cgroup ? "cgroup" : "none";
  if (limits.files) enforced.files = "rlimit";
  if (limits.processes) enforced.processes = has_cgroup ? "cgroup" : "none";
  return enforced;
}

}  // namespace assay::environment
