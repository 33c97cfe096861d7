#include "montage/app/stores/cache_setup.h"

#include <fmt/format.h>

#include "lib/redis/connection.h"
#include "montage/cache/memory_level.h"
#include "montage/cache/redis_level.h"

namespace montage::app {
namespace {

constexpr base::Duration kHealthTime = std::chrono::milliseconds(500);

}  // namespace

base::Result<void> CheckCacheUrl(const Config& config) {
  if (config.cache_url.empty()) return {};
  const auto target = redis::ParseTarget(config.cache_url);
  if (!target) return base::Fail(base::Error(target.error()).While("reading configuration cache"));
  return {};
}

std::unique_ptr<cache::FastLevel> MakeFastLevel(const Config& config, const base::Clock& clock) {
  if (config.cache_url.empty())
    return std::make_unique<cache::MemoryLevel>(clock, config.cache_bytes);
  return std::make_unique<cache::RedisLevel>(
      redis::ParseTarget(config.cache_url).value(),
      // Every request may look once; more connections than threads are of no use.
      redis::ClientOptions{.max_connections = static_cast<size_t>(config.request_threads)});
}

api::ComponentHealth HealthOf(cache::FastLevel& level) {
  const auto usage = level.Usage(base::Deadline::After(kHealthTime));
  const std::string kind(level.kind());
  if (!usage) return {"cache", false, fmt::format("{}: {}", kind, usage.error().message)};
  return {"cache", true, kind};
}

}  // namespace montage::app
