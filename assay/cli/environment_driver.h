#pragma once
// Brings the environment of a run up and down, with the guardian that undoes it when assay dies.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/cli/environment_spec.h"
#include "assay/environment/environment.h"
#include "assay/environment/guardian/guardian.h"
#include "assay/run/run.h"

namespace assay::cli {

struct DriverOptions {
  std::string program;  ///< becomes the guardian
  std::string run_id;
  std::filesystem::path run_dir;   ///< absolute
  std::filesystem::path journals;  ///< absolute folder
  process::EnvironmentList inherited;
  bool keep_work = false;
  std::vector<std::pair<std::string, std::string>> urls;  ///< redirected endpoints; "": the default
  std::string default_endpoint;
  cel::Value credentials;
};

/// Without an environment only the guardian is started, for what `exec` steps leave behind.
class EnvironmentDriver final : public run::EnvironmentDriver {
 public:
  EnvironmentDriver(const base::Clock& clock, http::Client& http,
                    std::optional<ConvertedEnvironment> converted, DriverOptions options);
  ~EnvironmentDriver() override;

  net::Task<base::Result<run::EnvironmentState>> Start(history::EventWriter& events,
                                                       history::BlobSink& blobs) override;
  net::Task<void> Stop() override;

 private:
  net::Task<base::Result<void>> StartGuardian();
  net::Task<base::Result<void>> StartServices(history::EventWriter& events,
                                              history::BlobSink& blobs);
  run::EnvironmentState State() const;
  void Redirect(run::EnvironmentState& state) const;

  const base::Clock& clock_;
  http::Client& http_;
  std::optional<ConvertedEnvironment> converted_;
  DriverOptions options_;
  std::unique_ptr<environment::Guardian> guardian_;
  std::unique_ptr<environment::Environment> environment_;
};

}  // namespace assay::cli
