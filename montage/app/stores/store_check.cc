#include "montage/app/stores/store_check.h"

#include <filesystem>
#include <utility>

#include "montage/app/data_directory.h"
#include "montage/app/database.h"
#include "montage/app/stores/cache_setup.h"
#include "montage/app/stores/object_setup.h"
#include "montage/recordings/recordings.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

/// A store that answers more slowly than this is none to open a service on.
constexpr base::Duration kPatience = std::chrono::seconds(3);

Result<void> AskDatabase(const Config& config, Role role, const base::Clock& clock) {
  const Deadline deadline = Deadline::After(kPatience);
  DatabaseOptions options = DatabaseOptionsOf(config, role);
  options.replica_url.clear();  // the service can do without
  TRY(const auto opened, OpenDatabase(options, {}, clock, deadline));
  const auto answer = sql::Query(*opened.database, "SELECT 1", {}, deadline);
  if (!answer) return base::Fail(answer.error());
  return {};
}

Result<void> AskObjects(const Config& config, const base::Clock& clock) {
  const Deadline deadline = Deadline::After(kPatience);
  TRY(const auto spool, DataDirectory::MakeFolders(config.data_dir));
  TRY(const auto store, OpenObjects(config.objects_url, {}, spool, clock));
  const auto page = store->List(recordings::kBucket, {.limit = 1}, deadline);
  // The bucket is made when the service opens.
  if (page || page.error().code == ErrorCode::kNotFound) return {};
  return base::Fail(page.error());
}

Result<void> AskCache(const Config& config, const base::Clock& clock) {
  const auto usage = MakeFastLevel(config, clock)->Usage(Deadline::After(kPatience));
  if (!usage) return base::Fail(usage.error());
  return {};
}

}  // namespace

std::optional<MissingStore> FirstMissing(const Config& config, Role role,
                                         const base::Clock& clock) {
  if (!config.database_url.empty()) {
    if (auto asked = AskDatabase(config, role, clock); !asked)
      return MissingStore{"database", std::move(asked).error()};
  }
  if (!config.objects_url.empty()) {
    if (auto asked = AskObjects(config, clock); !asked)
      return MissingStore{"objects", std::move(asked).error()};
  }
  if (!config.cache_url.empty() && config.cache_required_at_start) {
    if (auto asked = AskCache(config, clock); !asked)
      return MissingStore{"cache", std::move(asked).error()};
  }
  return std::nullopt;
}

}  // namespace montage::app
