#pragma once
// The first level of the cache, as the configuration asks for it.

#include <memory>

#include "montage/api/routes.h"
#include "montage/app/config.h"
#include "montage/cache/fast_level.h"

namespace montage::app {

/// kInvalid when the URL of the cache is none of a Redis server.
base::Result<void> CheckCacheUrl(const Config& config);

/// Redis, or the memory of this process when no URL is configured. A Redis server that does not
/// answer is no error: the cache goes on without it. Requires: CheckCacheUrl(config) succeeded.
std::unique_ptr<cache::FastLevel> MakeFastLevel(const Config& config, const base::Clock& clock);

/// Asks the level; the component `cache` of /health.
api::ComponentHealth HealthOf(cache::FastLevel& level);

}  // namespace montage::app
