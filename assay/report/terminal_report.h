#pragma once
// A run on a terminal: one line a finished scenario, a status line while it runs, the failures and
// the sum at the end.

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "assay/history/event.h"
#include "assay/report/failure_text.h"
#include "assay/report/report.h"

namespace assay::report {

struct TerminalOptions {
  bool live = false;     ///< redraw a status line at the bottom; only on a TTY
  bool unicode = true;   ///< check marks and bars; else ASCII
  bool verbose = false;  ///< a line for each finished step as well
  TextStyle style;
};

/// Fed with events as they are written; writes text through `sink`. Not thread-safe.
class TerminalReport {
 public:
  TerminalReport(TerminalOptions options, std::function<void(std::string_view)> sink);

  void OnEvent(const history::Event& event);
  /// The failures and the closing lines; after the last event.
  void Finish(const ReportInput& input, std::string_view run_dir);

 private:
  struct Running {
    std::string title;
    std::string step;
    base::Duration started{};
  };

  void OnRunStarted(const history::Event& event);
  void OnScenarioFinished(const history::Event& event, bool skipped);
  void OnEnvironment(const history::Event& event);
  void OnStepFinished(const history::Event& event);
  void OnLoad(const history::Event& event);
  void ShowLoads(const ReportInput& input);
  void Line(const std::string& text);
  void ClearStatus();
  void DrawStatus(base::Duration elapsed);
  std::string Mark(history::Verdict verdict) const;
  std::string Dim(std::string_view text) const;

  TerminalOptions options_;
  std::function<void(std::string_view)> sink_;
  std::map<std::string, Running> running_;
  std::map<std::string, std::string> titles_;
  std::map<std::string, std::string> step_heads_;
  size_t planned_ = 0;
  size_t finished_ = 0;
  size_t spinner_ = 0;
  base::Duration last_drawn_{};
  bool status_shown_ = false;
};

}  // namespace assay::report
