#pragma once
// The first level in a Redis server, shared by all processes that use it. Its keys are those of the
// cache, without a prefix: give Montage a database of the server for itself.

#include "lib/redis/client.h"
#include "montage/cache/fast_level.h"

namespace montage::cache {

/// Connects when it is first used, and again whenever the server was away. The server decides when
/// its memory is full and what it forgets then (`maxmemory-policy`; `allkeys-lru` suits).
class RedisLevel final : public FastLevel {
 public:
  explicit RedisLevel(redis::Target target, redis::ClientOptions options = {})
      : client_(std::move(target), options) {}

  std::string_view kind() const override { return "redis"; }
  bool is_shared() const override { return true; }
  base::Result<std::optional<FastEntry>> Get(std::string_view key,
                                             base::Deadline deadline) override;
  base::Result<void> Put(std::string_view key, std::string bytes, base::Duration time_to_live,
                         base::Deadline deadline) override;
  base::Result<bool> Erase(std::string_view key, base::Deadline deadline) override;
  base::Result<size_t> ErasePrefix(std::string_view prefix, base::Deadline deadline) override;
  base::Result<FastUsage> Usage(base::Deadline deadline) override;

 private:
  base::Result<int64_t> ExecuteForCount(const redis::Command& command, base::Deadline deadline);

  redis::Client client_;
};

}  // namespace montage::cache
