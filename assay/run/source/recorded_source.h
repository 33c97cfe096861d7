#pragma once
// Outcomes from the log of an earlier run: no system, no time, the same answers.

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "assay/history/blob_store.h"
#include "assay/history/event.h"
#include "assay/run/source/outcome_source.h"

namespace assay::run {

/// Answers by path. What the log does not have is an error outcome and is listed in `missing()`.
class RecordedSource final : public OutcomeSource {
 public:
  /// Both outlive the source.
  RecordedSource(std::span<const history::Event> events, const history::BlobSource& blobs);

  base::Result<cel::Value> Inputs(
      std::string_view scenario_path,
      const std::function<base::Result<cel::Value>()>& compute) override;
  std::optional<StopCause> StopBefore(std::string_view path, const Stopper& stopper) override;
  net::Task<Performed> Perform(const ActionRequest& request) override;
  net::Task<PauseEnd> Pause(const PauseRequest& request) override;
  base::Deadline DeadlineAfter(base::Duration) const override { return base::Deadline::Never(); }

  const std::vector<std::string>& missing() const { return missing_; }

 private:
  const history::BlobSource& blobs_;
  std::map<std::string, const history::Event*, std::less<>> outcomes_;
  std::map<std::string, const history::Event*, std::less<>> finished_;
  std::map<std::string, StopCause, std::less<>> stopped_;
  std::map<std::string, const history::Event*, std::less<>> started_;  // scenario attempts
  std::vector<std::string> missing_;
};

}  // namespace assay::run
