#pragma once
// One service of a process environment: its program, output, probes and restarts.
//
//   idle -> starting -> ready <-> paused
//              |          |
//              v          v
//           failed     exited | stopped -> starting
//
// Starting it again keeps its ports, directory and log.

#include <memory>
#include <string>
#include <vector>

#include "assay/environment/environment.h"
#include "assay/environment/log_capture.h"
#include "assay/environment/ports.h"
#include "assay/environment/probe.h"
#include "lib/net/event.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Belongs to one loop; its supervising tasks live in the group that it is given.
class Service {
 public:
  Service(const ServiceSpec& spec, const EnvironmentContext& context, net::TaskGroup& tasks);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Chooses ports and makes the log. `place.directory` exists already.
  base::Result<void> Settle(ServicePlace& place, PortPool& pool,
                            const std::filesystem::path& log_file);

  /// Starts the program and waits until it is ready. A service that cannot get its port although it
  /// was free (another program was faster) is started again on other ones; `placement` then
  /// changes.
  net::Task<base::Result<void>> Start(Placement& placement, PortPool& pool,
                                      base::Deadline deadline);
  /// stop_signal to its process group, after the grace SIGKILL to all that came from it.
  net::Task<base::Result<void>> Stop(base::Deadline deadline);
  net::Task<base::Result<void>> Signal(int number, SignalScope scope, base::Deadline deadline);
  net::Task<base::Result<void>> Pause(base::Deadline deadline);
  net::Task<base::Result<void>> Resume(base::Deadline deadline);

  const ServiceSpec& spec() const { return spec_; }
  ServiceStatus status() const;
  const LogCapture* log() const { return log_.get(); }
  bool is_running() const { return running_; }
  /// For dependents: set when reached once, or when it never will be (`failed`).
  net::Event& started() { return started_; }
  net::Event& ready() { return ready_; }
  net::Event& settled_exit() { return exited_for_good_; }
  bool failed() const { return state_ == ServiceState::kFailed; }
  bool completed() const { return exit_ && exit_->code == 0 && exit_->signal == 0; }
  /// Why it ended, for people: `exited with code 3`, `was killed by signal 9 (Killed)`.
  std::string DescribeExit() const;
  /// Wakes everybody who waits for it; it will not start any more.
  void GiveUp();
  /// Its log as a blob, for the last event.
  void ReportStopped(base::Duration duration);

 private:
  net::Task<base::Result<void>> StartOnce(const Placement& placement, base::Deadline deadline);
  base::Result<process::Launch> MakeLaunch(const Placement& placement) const;
  base::Result<void> MakeProbes(const Placement& placement, const process::Launch& launch);
  net::Task<base::Result<void>> Run(base::Deadline deadline);
  net::Task<base::Result<void>> WaitProbes(base::Deadline deadline);
  net::Task<void> Supervise(pid_t pid);
  net::Task<void> PumpOutput(process::Descriptor output);
  net::Task<bool> RestartAfterExit();
  bool WantsRestart() const;
  bool LostItsPort() const;
  base::Result<void> MoveToOtherPorts(Placement& placement, PortPool& pool);
  base::Error DiedEarly() const;
  void Report(std::string_view what, boost::json::object data,
              std::vector<std::string> blobs = {}) const;

  const ServiceSpec& spec_;
  const EnvironmentContext& context_;
  net::TaskGroup& tasks_;
  std::vector<ReservedPort> ports_;
  std::unique_ptr<LogCapture> log_;
  std::vector<Probe> probes_;
  process::Launch launch_;
  ServiceState state_ = ServiceState::kIdle;
  pid_t pid_ = 0;
  bool running_ = false;
  bool stopping_ = false;  ///< an exit is wanted now
  int restarts_ = 0;
  std::optional<net::ProcessExit> exit_;
  net::Event ended_;  ///< of the current process
  net::Event started_;
  net::Event ready_;
  net::Event exited_for_good_;
  net::Event output_ended_;
};

}  // namespace assay::environment
