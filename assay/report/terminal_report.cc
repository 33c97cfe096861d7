#include "assay/report/terminal_report.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/report/load/load_text.h"
#include "lib/base/units.h"

namespace assay::report {
namespace {

using history::Event;
using history::Verdict;
namespace kind = history::kind;

constexpr auto kRedrawEvery = std::chrono::milliseconds(80);
constexpr size_t kBarWidth = 20;
constexpr size_t kNameWidth = 28;

std::string Text(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Number(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::string Took(const Event& event) {
  return base::HumanDuration(base::Duration(Number(event.data, "duration_ns")));
}

// `NS-1/1@2/upload` -> `NS-1/1`.
std::string InstanceOf(std::string_view path) {
  const size_t id_end = path.find('/');
  if (id_end == std::string_view::npos) return std::string(path);
  return std::string(path.substr(0, path.find_first_of("/@", id_end + 1)));
}

}  // namespace

TerminalReport::TerminalReport(TerminalOptions options, std::function<void(std::string_view)> sink)
    : options_(options), sink_(std::move(sink)) {}

std::string TerminalReport::Mark(Verdict verdict) const {
  constexpr std::array<std::string_view, 5> kMarks = {"\xe2\x9c\x93", "-", "?", "!",
                                                      "\xe2\x9c\x97"};
  constexpr std::array<std::string_view, 5> kWords = {"ok  ", "skip", "????", "ERR ", "FAIL"};
  const auto index = static_cast<size_t>(verdict);
  return Painted(options_.unicode ? kMarks[index] : kWords[index], verdict, options_.style);
}

std::string TerminalReport::Dim(std::string_view text) const {
  return options_.style.color ? fmt::format("\x1b[90m{}\x1b[0m", text) : std::string(text);
}

void TerminalReport::ClearStatus() {
  if (!status_shown_) return;
  sink_("\r\x1b[2K");
  status_shown_ = false;
}

void TerminalReport::Line(const std::string& text) {
  ClearStatus();
  sink_(text + "\n");
}

void TerminalReport::OnEvent(const Event& event) {
  if (event.kind == kind::kRunStarted) {
    OnRunStarted(event);
  } else if (event.kind == kind::kScenarioStarted) {
    titles_[event.path] = Text(event.data, "title");
    running_[event.path] = {Text(event.data, "title"), "", event.elapsed};
  } else if (event.kind == kind::kScenarioFinished) {
    OnScenarioFinished(event, false);
  } else if (event.kind == kind::kScenarioSkipped) {
    titles_[event.path] = Text(event.data, "title");
    OnScenarioFinished(event, true);
  } else if (event.kind == kind::kStepStarted) {
    const std::string name = Text(event.data, "name");
    const std::string head = Text(event.data, "head");
    step_heads_[event.path] = name.empty() ? head : name;
    const auto found = running_.find(InstanceOf(event.path));
    if (found != running_.end()) found->second.step = step_heads_[event.path];
  } else if (event.kind == kind::kStepFinished) {
    OnStepFinished(event);
  } else if (event.kind == kind::kWorkloadInterval) {
    OnLoad(event);
  } else if (event.kind == kind::kRunWarning) {
    Line(Painted("warning: ", Verdict::kError, options_.style) + Text(event.data, "message"));
  } else if (event.kind.starts_with(kind::kEnvironmentPrefix)) {
    OnEnvironment(event);
  }
  if (options_.live && !running_.empty()) DrawStatus(event.elapsed);
}

void TerminalReport::OnRunStarted(const Event& event) {
  const auto* found = event.data.if_contains("manifest");
  const boost::json::object manifest =
      found != nullptr && found->is_object() ? found->get_object() : boost::json::object();
  const auto* planned = manifest.if_contains("planned");
  planned_ = planned != nullptr && planned->is_array() ? planned->get_array().size() : 0;
  std::string line = fmt::format("assay {}", Text(manifest, "version"));
  if (const std::string environment = Text(manifest, "environment"); !environment.empty()) {
    line += fmt::format(", environment {}", environment);
  }
  line += fmt::format(", {} scenario{}, seed {}", planned_, planned_ == 1 ? "" : "s",
                      Text(manifest, "seed"));
  Line(line + "\n");
}

void TerminalReport::OnEnvironment(const Event& event) {
  if (event.kind == "environment.ready") {
    Line(Dim(fmt::format("  environment {} ready in {}", event.path, Took(event))));
  } else if (event.kind == "environment.failed") {
    Line(fmt::format("{} environment {}: {}", Mark(Verdict::kError), event.path,
                     Text(event.data, "error")));
  } else if (options_.verbose && event.kind == "environment.service.ready") {
    Line(Dim(fmt::format("  service {} ready in {}", event.path, Took(event))));
  } else if (event.kind == "environment.service.exited") {
    Line(Dim(fmt::format("  service {} exited", event.path)));
  }
}

void TerminalReport::OnStepFinished(const Event& event) {
  if (!options_.verbose) return;
  const auto verdict = history::ParseVerdict(Text(event.data, "verdict")).value_or(Verdict::kError);
  Line(fmt::format("      {} {}  {}", Mark(verdict),
                   OneLine(step_heads_[event.path], options_.style.width), Dim(Took(event))));
}

// A status line shows every second; without one, every tenth is enough, unless all is wanted.
void TerminalReport::OnLoad(const Event& event) {
  const auto interval = ReadInterval(event.data);
  if (!interval) return;
  const std::string line = LoadLine(interval->second);
  const auto running = running_.find(InstanceOf(event.path));
  if (options_.live && running != running_.end()) {
    running->second.step = line;
    return;
  }
  constexpr int64_t kEvery = 10;
  if (!options_.verbose && (interval->second.second + 1) % kEvery != 0) return;
  Line("      " + Dim(line));
}

void TerminalReport::ShowLoads(const ReportInput& input) {
  for (const auto& scenario : input.model.scenarios) {
    history::ForEachStep(scenario.steps, [&](const history::StepResult& step) {
      const auto load = ReadLoad(step);
      if (!load) return;
      sink_(fmt::format("\n  {} {}, {}\n{}", step.path, load->executor,
                        base::HumanDuration(step.duration), LoadTable(*load, step.duration)));
    });
  }
}

void TerminalReport::OnScenarioFinished(const Event& event, bool skipped) {
  const auto verdict =
      skipped ? Verdict::kSkipped
              : history::ParseVerdict(Text(event.data, "verdict")).value_or(Verdict::kError);
  running_.erase(event.path);
  ++finished_;
  std::string line =
      fmt::format("  {} {:<{}}  {}", Mark(verdict), event.path, kNameWidth, titles_[event.path]);
  const auto* flaky = event.data.if_contains("flaky");
  if (flaky != nullptr && flaky->is_bool() && flaky->get_bool()) {
    line += Painted("  flaky", Verdict::kInconclusive, options_.style);
  }
  if (!skipped) line += "  " + Dim(Took(event));
  Line(line);
  if (const std::string reason = Text(event.data, "reason");
      verdict != Verdict::kPassed && !reason.empty()) {
    Line("      " + Dim(OneLine(reason, options_.style.width)));
  }
}

void TerminalReport::DrawStatus(base::Duration elapsed) {
  if (status_shown_ && elapsed - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = elapsed;
  constexpr std::array<std::string_view, 4> kTurns = {"|", "/", "-", "\\"};
  const size_t total = std::max<size_t>(planned_, 1);
  const size_t full = std::min(kBarWidth, finished_ * kBarWidth / total);
  std::string bar;
  for (size_t i = 0; i < kBarWidth; ++i) {
    if (options_.unicode) {
      bar += i < full ? "\xe2\x96\x88" : "\xe2\x96\x91";
    } else {
      bar += i < full ? "#" : ".";
    }
  }
  const Running& first = running_.begin()->second;
  const std::string what =
      OneLine(fmt::format("{}{} ({})",
                          running_.size() > 1 ? fmt::format("{} running, ", running_.size()) : "",
                          first.step.empty() ? first.title : first.step,
                          base::HumanDuration(elapsed - first.started)),
              options_.style.width > 50 ? options_.style.width - 45 : 20);
  ClearStatus();
  sink_(fmt::format("  {} {} {}/{}  {}", kTurns[++spinner_ % kTurns.size()], bar, finished_,
                    planned_, what));
  status_shown_ = true;
}

void TerminalReport::Finish(const ReportInput& input, std::string_view run_dir) {
  ClearStatus();
  const history::RunModel& model = input.model;
  ShowLoads(input);
  for (const auto& scenario : model.scenarios) {
    if (scenario.verdict == Verdict::kPassed || scenario.verdict == Verdict::kSkipped) continue;
    sink_("\n" + Painted(scenario.instance, scenario.verdict, options_.style) + "  " +
          scenario.title + "\n");
    for (const std::string& text : FailureTexts(scenario, input, options_.style))
      sink_("\n" + text);
  }
  std::vector<std::string> parts;
  for (const Verdict verdict : {Verdict::kPassed, Verdict::kFailed, Verdict::kError,
                                Verdict::kInconclusive, Verdict::kSkipped}) {
    const auto found = model.counts.find(verdict);
    const int count = found == model.counts.end() ? 0 : found->second;
    if (count == 0 && verdict != Verdict::kPassed) continue;
    parts.push_back(
        Painted(fmt::format("{} {}", count, ToString(verdict)), verdict, options_.style));
  }
  const auto flaky = std::ranges::count_if(model.scenarios, &history::ScenarioResult::flaky);
  if (flaky > 0)
    parts.push_back(
        Painted(fmt::format("{} flaky", flaky), Verdict::kInconclusive, options_.style));
  sink_(fmt::format("\n{}  in {}\n", fmt::join(parts, ", "), base::HumanDuration(model.duration)));
  if (!input.trace.empty()) {
    const auto verified = std::ranges::count(input.trace, history::TraceVerdict::kVerified,
                                             &history::RequirementTrace::verdict);
    sink_(fmt::format("{} of {} requirements verified\n", verified, input.trace.size()));
  }
  if (model.interrupted) sink_("interrupted: what had not run yet is skipped\n");
  if (!run_dir.empty()) sink_(Dim(fmt::format("history  {}", run_dir)) + "\n");
}

}  // namespace assay::report
