#pragma once
// Ports of a pod on this machine. kubectl forwards them as a program of its own, which is started
// again when it ends, and pointed at another pod when the pod goes:
//
//   no pod -> connecting -> forwarding
//     ^          ^   ^          |  the program ended, or another pod is aimed at
//     |          |   +----------+
//     +----------+ no pod is left
//
// The ports of this machine stay the same.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/environment/kubernetes/cluster.h"
#include "assay/environment/ports.h"
#include "lib/net/cancellation.h"
#include "lib/net/event.h"

namespace assay::environment {

/// How many of `Forwarding from 127.0.0.1:...` stand in a text, one for each port that listens.
size_t CountForwardings(std::string_view text);

/// Belongs to one loop.
class PortForward {
 public:
  explicit PortForward(const Cluster& cluster) : cluster_(cluster) {}
  PortForward(const PortForward&) = delete;
  PortForward& operator=(const PortForward&) = delete;

  /// Chooses a free port of this machine for each port of the pods.
  base::Result<void> Settle(const std::vector<uint16_t>& ports, PortPool& pool);
  /// This machine's port and the pod's.
  const std::vector<std::pair<uint16_t, uint16_t>>& ports() const { return ports_; }

  /// Which pod is meant from now on; "": none.
  void Aim(std::string pod);
  const std::string& pod() const { return pod_; }
  /// Returns when the ports listen; at once when there are none. kTimeout with what kubectl said.
  net::Task<base::Result<void>> AwaitReady(base::Deadline deadline);
  /// How often it was started again for the same pod.
  int restarts() const { return restarts_; }

  /// Keeps it going until End; runs in a group of the caller.
  net::Task<void> Supervise();
  void End();

 private:
  net::Task<void> RunOnce();

  const Cluster& cluster_;
  std::vector<ReservedPort> reserved_;
  std::vector<std::pair<uint16_t, uint16_t>> ports_;
  std::string pod_;
  std::string said_;  ///< by the present program, its beginning
  int restarts_ = 0;
  bool ended_ = false;
  net::Event changed_;  ///< another pod is meant
  net::Event ready_;
  std::unique_ptr<net::Cancellation> running_;  ///< ends the present program
};

}  // namespace assay::environment
