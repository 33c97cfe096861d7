#include <algorithm>
#include <array>
#include <span>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/report/dialogue.h"
#include "assay/report/exchange.h"
#include "assay/report/html_page.h"
#include "assay/report/load/load_charts.h"
#include "lib/base/units.h"
#include "lib/json/canonical.h"

namespace assay::report::html {
namespace {

using boost::json::value;
using history::AttemptResult;
using history::ExpectationResult;
using history::ScenarioResult;
using history::StepResult;
using history::Verdict;

constexpr size_t kMaxValueText = 4000;
constexpr size_t kMaxUtterances = 100;

std::string Text(const value& from, std::string_view key) {
  if (!from.is_object()) return {};
  const value* found = from.get_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

const boost::json::array* List(const value& from, std::string_view key) {
  if (!from.is_object()) return nullptr;
  const value* found = from.get_object().if_contains(key);
  return found != nullptr ? found->if_array() : nullptr;
}

std::string_view MarkOf(Verdict verdict) {
  constexpr std::array<std::string_view, 5> kMarks = {"&#10003;", "&ndash;", "?", "!", "&#10007;"};
  return kMarks[static_cast<size_t>(verdict)];
}

std::string Cut(std::string text) {
  if (text.size() > kMaxValueText) text = text.substr(0, kMaxValueText) + "\n...";
  return text;
}

/// What a part of an expression came out as; the message when that was an error.
std::string Came(const value& node) {
  const std::string error = Text(node, "error");
  return error.empty() ? Text(node, "value") : "error: " + error;
}

void AppendNodes(std::string& out, const boost::json::array& nodes, int depth) {
  for (const value& node : nodes) {
    out += fmt::format(
        "<tr><td class=mono style='padding-left:{}em'>{}</td><td class='mono v'>{}</td></tr>",
        depth * 1.4, Escape(Text(node, "expression")), Escape(Came(node)));
    if (const std::string note = Text(node, "note"); !note.empty()) {
      out += fmt::format("<tr><td colspan=2 class=dim>{}</td></tr>", Escape(note));
    }
    if (const std::string element = Text(node, "element"); !element.empty()) {
      out += fmt::format(
          "<tr><td class=dim style='padding-left:{}em'>decided by {}</td><td "
          "class=mono>{}</td></tr>",
          depth * 1.4 + 1, Escape(element), Escape(Text(node, "element_value")));
    }
    if (const auto* details = List(node, "details")) AppendNodes(out, *details, depth + 1);
  }
}

std::string Expectation(const ExpectationResult& expectation) {
  std::string out = fmt::format(
      "<div class='expectation {0}'><span class='mark {0}'>{1}</span><code>{2}</code>",
      ToString(expectation.verdict), MarkOf(expectation.verdict), Escape(expectation.expression));
  if (expectation.role != "expect")
    out += fmt::format(" <span class=dim>{}</span>", Escape(expectation.role));
  if (expectation.vacuous)
    out += " <span class='v error'>held only because a list was empty</span>";
  if (expectation.verdict != Verdict::kPassed) {
    out += fmt::format(" <span class=dim>{}:{}:{}, event {}</span>", Escape(expectation.file),
                       expectation.line, expectation.column, expectation.seq);
    if (const auto* nodes = List(expectation.explanation, "nodes");
        nodes != nullptr && !nodes->empty()) {
      out += "<table class=nodes>";
      AppendNodes(out, *nodes, 0);
      out += "</table>";
    }
  }
  return out + "</div>";
}

std::string MessagePanel(std::string_view title, const Message& message) {
  std::string out = fmt::format("<div><b>{}</b> <code>{}</code>", title, Escape(message.start));
  if (!message.headers.empty()) {
    out +=
        fmt::format("<details><summary class=dim>{} headers</summary><table class='headers mono'>",
                    message.headers.size());
    for (const auto& [name, text] : message.headers) {
      out += fmt::format("<tr><td class=dim>{}</td><td>{}</td></tr>", Escape(name), Escape(text));
    }
    out += "</table></details>";
  }
  if (!message.body.empty()) out += fmt::format("<pre>{}</pre>", Escape(Cut(message.body)));
  if (message.body_size > 0 && (message.body_cut || message.body.empty())) {
    out += fmt::format("<span class=dim>{} of {}</span>", base::HumanSize(message.body_size),
                       Escape(message.media_type.empty() ? "bytes" : message.media_type));
  }
  return out + "</div>";
}

std::string Timings(const Exchange& exchange) {
  std::string text;
  for (const auto& [name, ns] : exchange.timings_ns) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        base::HumanDuration(base::Duration(ns)));
  }
  return text.empty() ? "" : fmt::format("<div class=dim>{}</div>", Escape(text));
}

std::string RowTable(const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<table class='headers mono'>";
  for (size_t i = 0; i < rows.size(); ++i) {
    out += "<tr>";
    for (const std::string& cell : rows[i])
      out += fmt::format("<td{}>{}</td>", i == 0 ? " class=dim" : "", Escape(Cut(cell)));
    out += "</tr>";
  }
  return out + "</table>";
}

std::string DialoguePanel(const Dialogue& dialogue) {
  std::string out = "<div class=dialogue>";
  if (!dialogue.with.empty()) out += fmt::format("<code>{}</code>", Escape(dialogue.with));
  const size_t shown = std::min(dialogue.said.size(), kMaxUtterances);
  for (const Utterance& one : std::span(dialogue.said).first(shown)) {
    out += fmt::format("<div><b>{}</b> <span class=dim>{}</span>", one.sent ? "sent" : "received",
                       Escape(one.head));
    if (!one.body.empty()) out += fmt::format("<pre>{}</pre>", Escape(Cut(one.body)));
    if (!one.rows.empty()) out += RowTable(one.rows);
    if (one.cut) {
      out += one.size > 0
                 ? fmt::format("<span class=dim>beginning of {}</span>", base::HumanSize(one.size))
                 : "<span class=dim>and more</span>";
    }
    out += "</div>";
  }
  if (shown < dialogue.said.size()) {
    out += fmt::format("<div class=dim>and {} more</div>", dialogue.said.size() - shown);
  }
  if (!dialogue.end.empty()) out += fmt::format("<div class=dim>{}</div>", Escape(dialogue.end));
  return out + "</div>";
}

std::string Attempt(const AttemptResult& attempt, size_t count, const ReportInput& input) {
  std::string out;
  if (count > 1) {
    out += fmt::format("<div class=dim>attempt {} of {}, {}, event {}</div>", attempt.attempt,
                       count, base::HumanDuration(attempt.duration), attempt.seq);
  }
  if (const std::string message = Text(attempt.error, "message"); !message.empty()) {
    out += fmt::format("<div class='expectation error'>{}", Escape(message));
    if (const std::string hint = Text(attempt.error, "hint"); !hint.empty()) {
      out += fmt::format("<br><span class=dim>{}</span>", Escape(hint));
    }
    out += "</div>";
  }
  if (const auto exchange = ReadExchange(attempt.transcript, input)) {
    out += "<div class=exchange>" + MessagePanel("sent", exchange->request);
    out += MessagePanel("received", exchange->response) + "</div>" + Timings(*exchange);
  } else if (const auto dialogue = ReadDialogue(attempt.transcript, input)) {
    out += DialoguePanel(*dialogue);
  } else if (attempt.value.is_object() && !attempt.value.get_object().empty()) {
    out += fmt::format("<pre>{}</pre>", Escape(Cut(json::Pretty(attempt.value))));
  }
  return out;
}

std::string StepTitle(const StepResult& step) {
  const std::string name = step.name.empty() ? step.id : step.name;
  if (name.empty())
    return fmt::format("<code>{}</code>", Escape(step.head.empty() ? step.action : step.head));
  if (step.head.empty() || step.head == name) return Escape(name);
  return fmt::format("{} <code class=dim>{}</code>", Escape(name), Escape(step.head));
}

std::string Chips(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) {
    out += fmt::format("<a class=chip href='#req-{0}'>{0}</a>", Escape(id));
  }
  return out;
}

std::string Step(const StepResult& step, const ReportInput& input) {
  const bool open = step.verdict != Verdict::kPassed && step.verdict != Verdict::kSkipped;
  std::string out = fmt::format(
      "<details class='step {0}' id='{1}'{2}><summary><span class='mark {0}'>{3}</span><span "
      "class=title>{4}</span>",
      ToString(step.verdict), Anchor(step.path), open ? " open" : "", MarkOf(step.verdict),
      StepTitle(step));
  if (step.background) out += "<span class=chip>background</span>";
  if (step.unasserted)
    out += "<span class=chip title='this step has no expectation'>unasserted</span>";
  if (step.attempts.size() > 1)
    out += fmt::format("<span class=chip>{} attempts</span>", step.attempts.size());
  const bool carried_out = step.verdict != Verdict::kSkipped;
  out += fmt::format("<span class=dim>{}</span></summary><div>",
                     carried_out ? base::HumanDuration(step.duration) : "skipped");
  if (!step.reason.empty()) out += fmt::format("<div class=dim>{}</div>", Escape(step.reason));
  out += Chips(step.verifies);
  const int last = step.attempts.empty() ? 1 : step.attempts.back().attempt;
  for (const ExpectationResult& expectation : step.expectations) {
    if (expectation.attempt >= last) out += Expectation(expectation);
  }
  if (const auto load = ReadLoad(step)) out += Load(*load, step.duration);
  if (step.action == "monitor") out += MonitorPlots(step, input);
  // Of a long poll the first and the last attempts tell the story.
  constexpr size_t kShown = 3;
  for (size_t i = 0; i < step.attempts.size(); ++i) {
    if (step.attempts.size() > 2 * kShown && i == kShown) {
      out += fmt::format("<div class=dim>... {} attempts more ...</div>",
                         step.attempts.size() - 2 * kShown);
      i = step.attempts.size() - kShown;
    }
    out += Attempt(step.attempts[i], step.attempts.size(), input);
  }
  if (!step.children.empty()) {
    out += "<div class=children>";
    for (const StepResult& child : step.children) out += Step(child, input);
    out += "</div>";
  }
  return out + "</div></details>";
}

}  // namespace

std::string Scenario(const ScenarioResult& scenario, const ReportInput& input) {
  const bool open = scenario.verdict != Verdict::kPassed && scenario.verdict != Verdict::kSkipped;
  std::string search = scenario.instance + " " + scenario.title + " " + scenario.category;
  for (const std::string& id : scenario.AllVerifies()) search += " " + id;
  std::ranges::transform(search, search.begin(),
                         [](unsigned char c) { return c < 128 ? std::tolower(c) : c; });
  const auto verdict = ToString(scenario.verdict);
  std::string out = fmt::format(
      "<details class='scenario {0}' id='{1}' data-verdict='{0}' "
      "data-search=\"{2}\"{3}><summary>{4}<b class=mono>{5}</b>"
      "<span class=title>{6}</span>",
      verdict, Anchor(scenario.instance), Escape(search), open ? " open" : "",
      Pill(scenario.verdict), Escape(scenario.instance), Escape(scenario.title));
  if (scenario.flaky) out += "<span class='chip v inconclusive'>flaky</span>";
  out += fmt::format("<span class=dim>{}</span></summary><div>",
                     base::HumanDuration(scenario.duration));
  if (!scenario.description.empty()) out += fmt::format("<p>{}</p>", Escape(scenario.description));
  if (!scenario.reason.empty()) out += fmt::format("<p class=v>{}</p>", Escape(scenario.reason));
  out += fmt::format(
      "<p><span class=chip>{}</span><span class=chip>{}</span>{}<br><span class=dim>{}:{}, events "
      "{} to {}</span></p>",
      Escape(scenario.category), Escape(scenario.priority), Chips(scenario.verifies),
      Escape(scenario.file), scenario.line, scenario.first_seq, scenario.last_seq);
  for (const StepResult& step : scenario.steps) out += Step(step, input);
  if (!scenario.success.empty()) {
    out += "<p class=dim>over the whole scenario</p>";
    for (const ExpectationResult& expectation : scenario.success) out += Expectation(expectation);
  }
  if (!scenario.cleanup.empty()) {
    out += "<p class=dim>cleanup</p>";
    for (const StepResult& step : scenario.cleanup) out += Step(step, input);
  }
  return out + "</div></details>\n";
}

}  // namespace assay::report::html
