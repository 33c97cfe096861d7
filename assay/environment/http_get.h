#pragma once
// One plain GET for readiness probes, which must work before anything else does.

#include <string>
#include <utility>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::environment {

struct HttpTarget {
  std::string host;
  uint16_t port = 80;
  std::string path = "/";  ///< with query
};

/// `http://host[:port][/path]`. kUnsupported for other schemes.
base::Result<HttpTarget> ParseHttpTarget(const std::string& url);

struct HttpAnswer {
  int status = 0;
  std::string body;  ///< the first MiB, as sent (HTTP/1.0: not chunked)
};

net::Task<base::Result<HttpAnswer>> HttpGet(
    HttpTarget target, std::vector<std::pair<std::string, std::string>> headers,
    base::Deadline deadline);

}  // namespace assay::environment
