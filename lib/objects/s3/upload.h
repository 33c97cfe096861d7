#pragma once
// Uploads in parts: content of any size through bounded memory.

#include <cstdint>
#include <functional>
#include <string>

#include "lib/objects/s3/client.h"

namespace objects::s3 {

/// The next at most `bytes` bytes of the content; "" at its end.
using ReadPart = std::function<net::Task<base::Result<std::string>>(size_t bytes)>;

struct Uploaded {
  Stored stored;
  std::string upload;  ///< its id
  uint64_t size = 0;
  int parts = 0;
};

/// Servers take parts from 5 MiB on (the last may be shorter), at most 10,000 of them.
inline constexpr size_t kSmallestPart = size_t{5} << 20;

/// Reads, sends and completes; one part is in memory at a time. A refusal or error of any step ends
/// it, and the parts sent are then given up, also when the caller is cancelled. Empty content is
/// one empty part.
ReplyTask<Uploaded> UploadInParts(Client& client, ObjectName name, PutOptions options,
                                  size_t part_size, ReadPart read, base::Deadline deadline);

}  // namespace objects::s3
