#pragma once
// What `podman inspect` and `docker inspect` say of a container, as far as both say the same.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"

namespace assay::environment {

struct Container {
  std::string id;
  std::string name;
  std::string service;  ///< label com.docker.compose.service
  std::string status;   ///< created, running, paused, restarting, exited, dead
  int exit_code = 0;
  bool out_of_memory = false;
  pid_t pid = 0;
  std::string health;         ///< starting, healthy, unhealthy; "" without a check
  std::string health_output;  ///< of the latest check
  std::string restart;        ///< no, always, on-failure, unless-stopped
  int64_t restarts = 0;
  std::string started;  ///< RFC 3339
  /// Published ports: the container's (`8080`; `53/udp` when it is not TCP) and the host's, in
  /// ascending order of the container's.
  std::vector<std::pair<std::string, uint16_t>> ports;

  bool is_running() const { return status == "running" || status == "paused"; }
  /// Whether the engine starts it again after this end.
  bool comes_back() const;
};

/// The output of `inspect`, a JSON array. kCorrupt: it is none.
base::Result<std::vector<Container>> ParseContainers(std::string_view json);

}  // namespace assay::environment
