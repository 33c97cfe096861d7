#pragma once
// Questions to servers that speak neither HTTP nor a protocol of our own.

#include <string>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::environment {

/// Whether the Redis server of the URL, logged in to, answers PING with PONG. kInvalid: no such
/// URL.
net::Task<base::Result<void>> AskRedis(std::string url, base::Deadline deadline);

/// Whether the AMQP broker of the URL opens a connection and a channel.
net::Task<base::Result<void>> AskAmqp(std::string url, base::Deadline deadline);

}  // namespace assay::environment
