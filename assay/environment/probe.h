#pragma once
// Asking a service whether it is ready.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "assay/environment/environment.h"
#include "assay/environment/log_capture.h"
#include "assay/environment/spec.h"
#include "lib/net/event.h"

namespace assay::environment {

/// One probe of one service, its texts complete.
class Probe {
 public:
  /// What a probe needs to know of its service.
  struct Subject {
    std::string service;
    const EnvironmentContext& context;
    LogCapture* log = nullptr;                  ///< null for a remote service
    process::EnvironmentList environment = {};  ///< for exec
    std::string directory = {};                 ///< for exec and relative files
  };

  /// kInvalid when a text or pattern is wrong, or the kind does not fit a remote service.
  static base::Result<Probe> Make(const ProbeSpec& spec, const Placement& placement,
                                  Subject subject);

  /// Asks again and again until the service is ready. Gives up at once when `ended` is set (with
  /// kUnavailable), and at the earlier of `within` and the deadline, with the reason of the last
  /// attempt (kTimeout). Reports the first failure and the last attempt as events.
  net::Task<base::Result<void>> WaitReady(net::Event& ended, base::Deadline deadline);
  int64_t attempts() const { return attempts_; }
  /// A new start of the program: what the log said before does not count.
  void Restart();

 private:
  Probe(ProbeSpec spec, Subject subject) : spec_(std::move(spec)), subject_(std::move(subject)) {}
  net::Task<base::Result<void>> Ask(base::Deadline deadline);
  net::Task<base::Result<void>> AskHttp(base::Deadline deadline);
  net::Task<base::Result<void>> AskTcp(base::Deadline deadline);
  net::Task<base::Result<void>> AskSql(base::Deadline deadline);
  net::Task<base::Result<void>> AskWebSocket(base::Deadline deadline);
  net::Task<base::Result<void>> AskS3(base::Deadline deadline);
  net::Task<base::Result<void>> AskExec(base::Deadline deadline);
  base::Result<void> AskLog() const;
  base::Result<void> AskFile() const;
  void Report(const base::Result<void>& answer, base::Duration duration) const;

  ProbeSpec spec_;
  Subject subject_;
  std::string target_;
  std::string host_;
  uint16_t port_ = 0;
  std::vector<std::string> command_;
  std::shared_ptr<LogWatch> watch_;
  std::shared_ptr<const re2::RE2> pattern_;
  int64_t attempts_ = 0;
};

}  // namespace assay::environment
