#pragma once
// Whether the servers that the configuration names for database, objects and cache can be used:
// what a service waits for before it opens.

#include <optional>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "montage/app/config.h"
#include "montage/app/dispatch.h"

namespace montage::app {

struct MissingStore {
  std::string_view name;  ///< `database`, `objects`, `cache`, as in /health; `directory`
  base::Error error;      ///< what the store said, or that it said nothing; for the log
};

/// Asks one after the other and returns the first that cannot be used. Files of this machine, the
/// memory of this process and a cache that is optional at the start are not asked. Makes the data
/// directory, where large objects are spooled. Requires: CheckSupported(config) succeeded.
std::optional<MissingStore> FirstMissing(const Config& config, Role role, const base::Clock& clock);

}  // namespace montage::app
