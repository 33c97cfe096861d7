#pragma once
// Brings the environment of a run up and down, with the guardian that undoes it when assay dies.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/cli/environment_spec.h"
#include "assay/environment/environment.h"
#include "assay/environment/guardian/guardian.h"
#include "assay/fault/proxy_set.h"
#include "assay/fault/site/fault_site.h"
#include "assay/history/redactor.h"
#include "assay/run/run.h"

namespace assay::cli {

/// An environment that steps address by `at`, besides the run's own.
struct AddressedEnvironment {
  ConvertedEnvironment converted;
  std::string default_endpoint;
};

struct DriverOptions {
  std::string program;  ///< becomes the guardian
  std::string run_id;
  std::filesystem::path run_dir;   ///< absolute
  std::filesystem::path journals;  ///< absolute folder
  process::EnvironmentList inherited;
  bool keep_work = false;
  uint64_t seed = 0;                                      ///< of the links' random choices
  std::vector<std::pair<std::string, std::string>> urls;  ///< redirected endpoints; "": the default
  std::string default_endpoint;
  cel::Value credentials;
  std::vector<AddressedEnvironment> others;
  /// Replaces secrets in the files of the logs at the end; null: they go away with the run.
  std::shared_ptr<const history::Redactor> redactor;
  /// Where the services of an environment are that is up already: used as it is, and left up.
  std::optional<environment::Placement> up;
  fault::PlansByPath fault_plans;  ///< instead of random faults
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

  /// Null before Start, and when there is none of our own.
  const environment::Environment* environment() const { return environment_.get(); }

 private:
  net::Task<base::Result<void>> StartGuardian();
  net::Task<base::Result<void>> PrepareFolders();
  /// `scope`: see environment::EnvironmentContext.
  net::Task<base::Result<std::unique_ptr<environment::Environment>>> Make(
      const environment::EnvironmentSpec& spec, std::string scope,
      std::map<std::string, uint16_t> links, history::EventWriter& events,
      history::BlobSink& blobs);
  net::Task<base::Result<void>> StartAll(history::EventWriter& events, history::BlobSink& blobs);
  /// The links of the run's own environment, before its services start; their ports by name.
  net::Task<base::Result<std::map<std::string, uint16_t>>> OpenLinks();
  run::EnvironmentState State() const;
  base::Result<void> RedactLogs() const;
  void Redirect(run::EnvironmentState& state) const;

  const base::Clock& clock_;
  http::Client& http_;
  std::optional<ConvertedEnvironment> converted_;
  DriverOptions options_;
  std::unique_ptr<environment::Guardian> guardian_;
  std::unique_ptr<environment::Environment> environment_;
  std::unique_ptr<fault::ProxySet> links_;
  std::unique_ptr<fault::FaultSite> faults_;
  std::vector<std::unique_ptr<environment::Environment>> others_;
  std::vector<environment::Endpoint> up_endpoints_;
};

}  // namespace assay::cli
