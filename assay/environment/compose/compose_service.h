#pragma once
// One service of a compose project: its containers (one, or several when it is scaled), their
// output, health and ends. States as in service.h.

#include <memory>
#include <string>
#include <vector>

#include "assay/environment/compose/engine.h"
#include "assay/environment/environment.h"
#include "assay/environment/log_capture.h"
#include "assay/environment/probe.h"
#include "lib/net/event.h"
#include "lib/net/task_group.h"

namespace assay::environment {

/// Belongs to one loop; its watching tasks live in the group that it is given.
class ComposeService {
 public:
  ComposeService(ServiceSpec spec, const EnvironmentContext& context, const ContainerEngine& engine,
                 net::TaskGroup& tasks);
  ComposeService(const ComposeService&) = delete;
  ComposeService& operator=(const ComposeService&) = delete;

  /// Its containers exist. Makes the log and watches them from now on.
  base::Result<void> Adopt(std::vector<Container> containers, const std::filesystem::path& log);
  /// Returns when all its containers run and are healthy and all its probes succeed, or when it
  /// ended with code 0 and has neither.
  net::Task<base::Result<void>> AwaitReady(const Placement& placement, base::Deadline deadline);

  net::Task<base::Result<void>> Stop(base::Deadline deadline);
  /// `placement` is told when the engine publishes other ports than before.
  net::Task<base::Result<void>> Start(Placement& placement, base::Deadline deadline);
  net::Task<base::Result<void>> Kill(base::Deadline deadline);
  net::Task<base::Result<void>> Pause(base::Deadline deadline);
  net::Task<base::Result<void>> Resume(base::Deadline deadline);

  const ServiceSpec& spec() const { return spec_; }
  const LogCapture* log() const { return log_.get(); }
  const std::vector<Container>& containers() const { return containers_; }
  ServiceStatus status() const;
  bool is_running() const;
  /// An end of its containers is wanted from now on.
  void ExpectEnd() { stopping_ = true; }
  /// Waits for what its output still holds and keeps it as a blob, for the last event.
  net::Task<void> ReportStopped(base::Duration duration);

 private:
  void Watch(size_t index, std::string since);
  net::Task<void> Supervise(size_t index, std::string id);
  net::Task<void> SuperviseLives(size_t index, const std::string& id);
  boost::json::object DescribeExit(size_t index, base::Result<Container> now);
  net::Task<void> Collect(std::string id, std::string since);
  net::Task<bool> CameBack(size_t index);
  net::Task<base::Result<void>> AwaitHealth(size_t index, base::Deadline deadline);
  net::Task<base::Result<void>> MakeProbes(const Placement& placement);
  net::Task<base::Result<void>> Each(std::vector<std::string> words, base::Deadline deadline);
  base::Result<void> RequireRunning() const;
  base::Error EndedEarly(const Container& container) const;
  std::string LogHint() const;
  void Report(std::string_view what, boost::json::object data,
              std::vector<std::string> blobs = {}) const;

  ServiceSpec spec_;
  const EnvironmentContext& context_;
  const ContainerEngine& engine_;
  net::TaskGroup& tasks_;
  std::unique_ptr<LogCapture> log_;
  std::vector<Container> containers_;
  std::vector<Probe> probes_;
  ServiceState state_ = ServiceState::kIdle;
  bool stopping_ = false;
  int restarts_ = 0;
  size_t collecting_ = 0;
  size_t supervised_ = 0;
  net::Event ended_;         ///< one of its containers ended without being asked to
  net::Event output_ended_;  ///< nothing is collected any more
  net::Event all_ended_;     ///< no container is supervised any more
};

}  // namespace assay::environment
