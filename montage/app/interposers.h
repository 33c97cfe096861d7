#pragma once
// What stands between the parts of a service: nothing, except in programs that prove that a
// qualification finds defects (tests/defects).

#include <functional>
#include <memory>

#include "lib/http/message.h"
#include "montage/jobs/job_queue.h"

namespace montage::app {

struct Interposers {
  /// The queue that routes and workers see instead of `queue`, which outlives it. Empty: `queue`.
  std::function<std::unique_ptr<jobs::JobQueue>(jobs::JobQueue& queue)> queue = {};
  /// Answers requests instead of `handler`. Empty: `handler`.
  std::function<http::Handler(http::Handler handler)> handler = {};
};

}  // namespace montage::app
