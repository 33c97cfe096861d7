#pragma once
// A system that says what the test tells it to, and projects from YAML text through the real loader
// and planner.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/action/action.h"
#include "assay/history/event_log.h"
#include "assay/plan/resolve.h"
#include "assay/run/replay.h"
#include "assay/run/run.h"
#include "lib/http/client.h"
#include "lib/net/cancellation.h"
#include "lib/testing/temp_dir.h"

namespace assay::run {

/// What the action `ask` gives when asked for a key: one after the other, then the last one for
/// ever.
struct Script {
  std::map<std::string, std::vector<history::Outcome>, std::less<>> answers;
  std::map<std::string, size_t, std::less<>> asked;  ///< how often, by key
  std::vector<std::string> order;                    ///< keys in order of arrival
  std::function<void(std::string_view key)> on_ask;  ///< called at each arrival

  history::Outcome Next(std::string_view key);
};

history::Outcome Answer(std::initializer_list<std::pair<std::string_view, cel::Value>> fields);
history::Outcome Status(int64_t status);
history::Outcome Broken(std::string message);
/// An error of which the action knows that the system itself refused.
history::Outcome Refused(std::string_view reason);
history::Outcome Unproved(std::string message);

/// `ask: key` answers by the script; with `delay` it takes so long; the key `hang` never answers.
class AskAction final : public action::Action {
 public:
  explicit AskAction(Script& script) : script_(script) {}
  const scenario::ActionSchema& schema() const override;
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params,
                                  const action::ActionContext& context) const override;

 private:
  Script& script_;
};

/// `listen: key` notes `key listens` in the script's order and arms after `after`, unless the key
/// is `deaf`; asks the condition `until` with `heard` 1, 2, ... and gives the first that holds;
/// then answers by the script after `delay`.
class ListenAction final : public action::Action {
 public:
  explicit ListenAction(Script& script) : script_(script) {}
  const scenario::ActionSchema& schema() const override;
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params,
                                  const action::ActionContext& context) const override;

 private:
  Script& script_;
};

/// One project in memory, run and replayed in a directory of its own.
class Bench {
 public:
  Bench();

  /// `suites/<name>.yaml` of the project.
  Bench& Scenario(const std::string& name, const std::string& text);
  Bench& File(const std::string& path, const std::string& text);

  /// One more action.
  Bench& Add(std::unique_ptr<action::Action> action);
  /// The actions of a real run besides `ask` and `listen`.
  Bench& BuiltinActions();

  /// Runs everything; the test fails when the files have errors.
  history::RunModel Run(RunOptions options = {});
  history::RunModel RunInterrupted(const net::Cancellation& interrupt, RunOptions options = {});
  /// Replays the last run with the files as they are now.
  base::Result<ReplayReport> Replay(ReplayOptions options = {}) const;
  /// The run directory of the last run.
  std::filesystem::path dir() const { return last_dir_; }
  std::filesystem::path results() const { return temp_ / "results"; }
  std::vector<history::Event> Events() const;

  Script script;
  EnvironmentDriver* environment = nullptr;

 private:
  std::shared_ptr<const scenario::Project> Load(scenario::Problems& problems) const;

  testing_support::TempDir temp_;
  std::map<std::string, std::string> files_;
  scenario::SchemaRegistry schemas_;
  action::ActionRegistry actions_;
  std::filesystem::path last_dir_;
  int runs_ = 0;
};

const history::ScenarioResult& Find(const history::RunModel& model, std::string_view instance);
/// The step of this path; the test fails when there is none.
history::StepResult StepAt(const history::RunModel& model, std::string_view path);
/// `verdict: reason` of a scenario or step, for short assertions.
std::string Said(const history::ScenarioResult& scenario);
std::string Said(const history::StepResult& step);

}  // namespace assay::run
