#include "assay/cli/baseline/compare_request.h"

#include <CLI/CLI.hpp>

namespace assay::cli {

void DeclareCompare(CLI::App& app, CompareRequest& to) {
  app.add_option("runs", to.runs, "runs to judge, repeats of the same; absent: the latest");
  app.add_option("--against", to.against, "compares with these runs, not with a baseline")
      ->delimiter(',');
  app.add_option("--baseline", to.baseline,
                 "file, or name in the folder of baselines; absent: that of the environment");
  app.add_option("--last", to.last, "judges the latest N runs under the conditions of the latest")
      ->check(CLI::Range(1, 1000));
  app.add_option("--tolerance", to.tolerance, "how much worse a metric may be (10%)");
  app.add_option("--metric", to.metrics, "METRIC=TOLERANCE: for some metrics, with wildcards");
  app.add_flag("--update-baseline", to.update,
               "the judged runs, which passed, become the baseline");
}

void DeclareHistory(CLI::App& app, HistoryRequest& to) {
  app.add_option("action", to.action, "list (as without) or add")
      ->check(CLI::IsMember({"list", "add"}));
  app.add_option("runs", to.runs, "add: runs to enter; absent: all of the folder");
  app.add_option("--metric", to.metric, "shows these metrics over the runs, with wildcards");
  app.add_option("--limit", to.limit, "only the latest N runs (20)")->check(CLI::Range(1, 10'000));
  app.add_option("--html", to.html, "writes a page of trends");
}

}  // namespace assay::cli
