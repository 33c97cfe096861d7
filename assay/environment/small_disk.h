#pragma once
// A data directory of limited size: what makes "the disk is full" possible without filling the
// machine's.

#include <cstdint>
#include <filesystem>
#include <string>

#include "assay/environment/environment.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::environment {

/// Mounts a tmpfs of `bytes` on the directory; the guardian knows how to take it away before it is
/// there. Without the right to mount (root, or CAP_SYS_ADMIN) the directory stays as it is, and an
/// event says so.
net::Task<base::Result<void>> MountDisk(std::filesystem::path directory, uint64_t bytes,
                                        const EnvironmentContext& context, std::string service);

}  // namespace assay::environment
