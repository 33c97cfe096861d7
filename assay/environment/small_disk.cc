#include "assay/environment/small_disk.h"

#include <cerrno>
#include <system_error>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/mount.h>

#include "assay/environment/guardian/cleanup.h"

namespace assay::environment {

namespace {

/// Succeeds also when nothing is mounted (any more).
CleanupCommand Unmount(const std::filesystem::path& directory,
                       const process::EnvironmentList& inherited) {
  return {
      .argv = {"sh", "-c", "mountpoint -q \"$0\" || exit 0; umount -l \"$0\"", directory.string()},
      .environment = CleanupEnvironment(inherited)};
}

}  // namespace

net::Task<base::Result<void>> MountDisk(std::filesystem::path directory, uint64_t bytes,
                                        const EnvironmentContext& context, std::string service) {
  CO_TRY(const CleanupId cleanup,
         co_await context.guardian->OwnCleanup(Unmount(directory, context.inherited),
                                               base::Deadline::After(std::chrono::seconds(10))));
  const std::string options = fmt::format("size={},mode=0755", bytes);
  if (::mount("assay", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0) {
    context.sink("environment.service.disk", service, {{"bytes", bytes}, {"enforced", true}}, {});
    co_return base::Result<void>();
  }
  const int why = errno;
  CO_TRY(co_await context.guardian->DisownCleanup(cleanup,
                                                  base::Deadline::After(std::chrono::seconds(10))));
  if (why != EPERM && why != EACCES) {
    co_return base::Fail(base::ErrorCode::kIo,
                         fmt::format("cannot mount a disk of {} bytes on {}: {}", bytes,
                                     directory.string(), std::generic_category().message(why)));
  }
  context.sink("environment.service.disk", service,
               {{"bytes", bytes}, {"enforced", false}, {"error", "mounting needs root"}}, {});
  co_return base::Result<void>();
}

}  // namespace assay::environment
