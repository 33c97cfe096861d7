#pragma once
// For live tests only: the S3 service of ASSAY_LIVE_S3, and buckets that nobody else uses.

#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/crypto/secret.h"
#include "lib/net/runtime.h"
#include "lib/objects/s3/client.h"

namespace objects::s3 {

/// Null when there is none.
inline const char* LiveServerUrl() { return std::getenv("ASSAY_LIVE_S3"); }

inline std::string UniqueBucketPrefix() {
  std::string name = "t";
  for (const char c : crypto::RandomBytes(6)) {
    name += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return name + "-";
}

/// Deletes every version of every object in it, and the bucket itself.
inline void RemoveBucket(const Server& server, const std::string& bucket) {
  net::Runtime runtime;
  runtime.Run([](net::Executor executor, Server where, std::string name) -> net::Task<void> {
    const auto deadline = base::Deadline::After(std::chrono::seconds(60));
    http::Client http(executor);
    Client client(http, where, {.attempts = 3});
    while (true) {
      const auto listing = co_await client.ListVersions(name, {}, deadline);
      if (!listing || !listing->accepted() || listing->value.versions.empty()) break;
      std::vector<ObjectName> names;
      for (const ListedVersion& one : listing->value.versions) {
        names.push_back({name, one.key, one.version});
      }
      const auto deleted = co_await client.DeleteMany(name, std::move(names), deadline);
      if (!deleted || !deleted->accepted() || !deleted->value.failed.empty()) break;
    }
    const auto gone = co_await client.DeleteBucket(name, deadline);
    EXPECT_TRUE(gone.has_value() && (gone->accepted() || gone->status == 404)) << name;
  }(runtime.executor(), server, bucket));
}

}  // namespace objects::s3
