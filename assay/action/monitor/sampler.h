#pragma once
// Looks at everything that a monitor watches, once at a time.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/action/action.h"
#include "assay/action/monitor/process_reading.h"
#include "assay/action/monitor/series.h"

namespace assay::action {

/// A quantity that is measured.
struct Measured {
  std::string unit;
  Series series;
};

class Sampler {
 public:
  /// kInvalid names the parameter: nothing to watch, or a process id below 1. `context` outlives
  /// the sampler; what pages and queries leave behind is not kept.
  static base::Result<Sampler> Make(const cel::Value& params, const ActionContext& context);

  /// Everything once; `at` since the monitor began. What cannot be read becomes a problem.
  net::Task<void> Look(base::Duration at);

  /// By name, then by quantity.
  const std::map<std::string, std::map<std::string, Measured>>& measured() const {
    return measured_;
  }
  /// Each text once; at most ten.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Watched {
    std::string name;
    pid_t pid = 0;
    bool gone = false;
    std::optional<ProcessReading> before;
    base::Duration before_at{};
    base::Duration pss_at{};
  };
  struct Asked {
    std::string name;
    cel::Value params;  ///< of `metrics` or `sql`
    std::string metric;
    cel::Value labels;
  };

  explicit Sampler(const ActionContext& context) : context_(context) {}

  void Note(const std::string& name, const std::string& quantity, std::string_view unit,
            base::Duration at, double value);
  void Problem(std::string text);
  void LookAtProcess(Watched& watched, base::Duration at);
  void NoteRates(const Watched& watched, const ProcessReading& now, base::Duration at);
  void NotePage(const Asked& asked, const history::Outcome& outcome, base::Duration at);
  void NoteRow(const Asked& asked, const history::Outcome& outcome, base::Duration at);

  const ActionContext& context_;
  std::vector<Watched> processes_;
  std::vector<Asked> pages_;
  std::vector<Asked> queries_;
  std::map<std::string, std::map<std::string, Measured>> measured_;
  std::vector<std::string> problems_;
};

}  // namespace assay::action
