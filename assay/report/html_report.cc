#include "assay/report/html_report.h"

#include <algorithm>
#include <array>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/report/html_page.h"
#include "lib/base/units.h"
#include "lib/json/canonical.h"

namespace assay::report {
namespace html {
namespace {

using history::RunModel;
using history::Verdict;

std::string ValueText(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::Canonical(value);
}

std::string KeyValues(const boost::json::object& object,
                      std::initializer_list<std::string_view> left_out) {
  std::string out = "<table class=list>";
  for (const auto& member : object) {
    if (std::ranges::find(left_out, std::string_view(member.key())) != left_out.end()) continue;
    out += fmt::format("<tr><td class=dim>{}</td><td class=mono>{}</td></tr>", Escape(member.key()),
                       Escape(ValueText(member.value())));
  }
  return out + "</table>";
}

std::string EventsText(const std::vector<uint64_t>& events) {
  if (events.empty()) return "no events";
  constexpr size_t kShown = 6;
  std::string text = "events";
  for (size_t i = 0; i < std::min(events.size(), kShown); ++i)
    text += fmt::format(" {}", events[i]);
  if (events.size() > kShown) text += fmt::format(" and {} more", events.size() - kShown);
  return text;
}

std::string StepBars(const history::ScenarioResult& scenario, double scale, double left, double y) {
  std::string out;
  history::ForEachStep(scenario.steps, [&](const history::StepResult& step) {
    if (!step.children.empty() || step.verdict == Verdict::kSkipped) return;
    const double x = left + static_cast<double>(step.started.count()) * scale;
    const double width = std::max(1.0, static_cast<double>(step.duration.count()) * scale);
    out += fmt::format(
        "<rect class='v {}' x='{:.1f}' y='{:.1f}' width='{:.1f}' height='10' rx='2'><title>{} "
        "({})</title></rect>",
        ToString(step.verdict), x, y, width, Escape(step.name.empty() ? step.head : step.name),
        base::HumanDuration(step.duration));
  });
  return out;
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Pill(Verdict verdict) {
  return fmt::format("<span class='pill {0}'>{0}</span>", ToString(verdict));
}

std::string Anchor(std::string_view path) { return "at-" + Escape(path); }

std::string Timeline(const RunModel& model) {
  constexpr double kLeft = 260;
  constexpr double kWidth = 860;
  constexpr double kRow = 18;
  const double total = std::max<double>(1, static_cast<double>(model.duration.count()));
  const double scale = kWidth / total;
  std::string rows;
  double y = 24;
  for (const auto& scenario : model.scenarios) {
    if (scenario.duration.count() == 0) continue;
    rows += fmt::format("<a href='#{}'><text x='0' y='{:.1f}'>{}</text></a>",
                        Anchor(scenario.instance), y + 9, Escape(scenario.instance));
    rows += fmt::format(
        "<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='2' class='v {}' opacity='.5'/>",
        kLeft + static_cast<double>(scenario.started.count()) * scale, y + 10,
        std::max(1.0, static_cast<double>(scenario.duration.count()) * scale),
        ToString(scenario.verdict));
    rows += StepBars(scenario, scale, kLeft, y - 1);
    y += kRow;
  }
  std::string grid;
  for (int i = 0; i <= 4; ++i) {
    const double x = kLeft + kWidth * i / 4;
    grid += fmt::format(
        "<line class=grid x1='{0:.1f}' x2='{0:.1f}' y1='16' y2='{1:.1f}'/><text class=dimtext "
        "x='{0:.1f}' "
        "y='11' text-anchor='middle'>{2}</text>",
        x, y,
        i == 0 ? "0 s" : base::HumanDuration(base::Duration(static_cast<int64_t>(total * i / 4))));
  }
  return fmt::format(
      "<div class=card style='overflow:auto'><svg viewBox='0 0 {:.0f} {:.0f}' "
      "width='100%'>{}{}</svg></div>",
      kLeft + kWidth + 40, y + 8, grid, rows);
}

std::string Traceability(const ReportInput& input) {
  std::string out =
      "<table "
      "class=list><tr><th>requirement</th><th>verdict</th><th>text</th><th>evidence</th></tr>";
  for (const auto& row : input.trace) {
    std::string links;
    for (const auto& evidence : row.evidence) {
      links +=
          fmt::format("<div><a class='v {}' href='#{}'>{}</a> <span class=dim>{}{}</span></div>",
                      ToString(evidence.verdict), Anchor(evidence.instance),
                      Escape(evidence.instance), EventsText(evidence.events),
                      evidence.reason.empty() ? "" : ", " + Escape(evidence.reason));
    }
    const RequirementText text = input.TextOf(row.id);
    const auto verdict = ToString(row.verdict);
    std::string word(verdict);
    std::ranges::replace(word, '_', ' ');
    out += fmt::format(
        "<tr id='req-{0}'><td class=mono>{0}<br><span class=dim>{1}</span></td><td><span "
        "class='pill {2}'>{3}</span></td>"
        "<td>{4}</td><td>{5}</td></tr>",
        Escape(row.id), Escape(text.risk), verdict, word, Escape(text.text), links);
  }
  return out + "</table>";
}

std::string Environment(const RunModel& model) {
  std::string out;
  for (const auto& environment : model.environments) {
    out += fmt::format("<h3>{} <span class=dim>{} {}</span></h3>", Escape(environment.name),
                       Escape(environment.type), Escape(environment.profile));
    for (const auto& service : environment.services) {
      out += fmt::format(
          "<div class=card style='margin-bottom:.8rem'><b>{}</b> <code>{}</code>{}</div>",
          Escape(service.name), Escape(service.command),
          KeyValues(service.facts, {"command", "name"}));
    }
  }
  out += "<h3>Manifest</h3>" + KeyValues(model.manifest, {"inputs", "planned", "requirements"});
  if (const auto* inputs = model.manifest.if_contains("inputs");
      inputs != nullptr && inputs->is_array()) {
    out += fmt::format("<details><summary>{} input files</summary><table class=list>",
                       inputs->get_array().size());
    for (const auto& input : inputs->get_array()) {
      if (!input.is_object()) continue;
      const auto& entry = input.get_object();
      const auto* file = entry.if_contains("file");
      const auto* digest = entry.if_contains("sha256");
      if (file == nullptr || digest == nullptr) continue;
      out += fmt::format("<tr><td>{}</td><td class='mono dim'>{}</td></tr>",
                         Escape(ValueText(*file)), Escape(ValueText(*digest)));
    }
    out += "</table></details>";
  }
  return out;
}

}  // namespace html

namespace {

using history::RunModel;
using history::Verdict;

constexpr std::array kShownOrder = {Verdict::kFailed, Verdict::kError, Verdict::kInconclusive,
                                    Verdict::kPassed, Verdict::kSkipped};

int CountOf(const RunModel& model, Verdict verdict) {
  const auto found = model.counts.find(verdict);
  return found == model.counts.end() ? 0 : found->second;
}

using CategoryCounts = std::map<std::string, std::map<Verdict, int>>;

/// A scenario of several categories (`data-flow, database`) counts in each of them.
CategoryCounts CountByCategory(const RunModel& model) {
  constexpr std::string_view kBetween = ", ";
  CategoryCounts counts;
  for (const auto& scenario : model.scenarios) {
    std::string_view rest = scenario.category.empty() ? "-" : std::string_view(scenario.category);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(kBetween), rest.size());
      ++counts[std::string(rest.substr(0, end))][scenario.verdict];
      rest.remove_prefix(std::min(end + kBetween.size(), rest.size()));
    }
  }
  return counts;
}

std::string Summary(const ReportInput& input) {
  const RunModel& model = input.model;
  std::string cards;
  std::string bar;
  for (const Verdict verdict : kShownOrder) {
    const int count = CountOf(model, verdict);
    cards +=
        fmt::format("<div class='card {0}'><b class=v>{1}</b>{0}</div>", ToString(verdict), count);
    if (count > 0) bar += fmt::format("<i class={} style='flex:{}'></i>", ToString(verdict), count);
  }
  const auto verified = std::ranges::count(input.trace, history::TraceVerdict::kVerified,
                                           &history::RequirementTrace::verdict);
  if (!input.trace.empty()) {
    cards += fmt::format(
        "<div class='card passed'><b class=v>{}<span class=dim style='font-size:1rem'> / "
        "{}</span></b>requirements verified</div>",
        verified, input.trace.size());
  }
  std::string table = "<table class=list><tr><th>category</th>";
  for (const Verdict verdict : kShownOrder) table += fmt::format("<th>{}</th>", ToString(verdict));
  table += "</tr>";
  for (const auto& [category, counts] : CountByCategory(model)) {
    table += fmt::format("<tr><td>{}</td>", html::Escape(category));
    for (const Verdict verdict : kShownOrder) {
      const auto found = counts.find(verdict);
      table += found == counts.end() ? "<td class=dim>0</td>"
                                     : fmt::format("<td><b class='v {}'>{}</b></td>",
                                                   ToString(verdict), found->second);
    }
    table += "</tr>";
  }
  return fmt::format("<div class=bar>{}</div><div class=cards>{}</div>{}</table>", bar, cards,
                     table);
}

std::string Filters(const RunModel& model) {
  std::string out = "<div class=filters>";
  for (const Verdict verdict : kShownOrder) {
    if (CountOf(model, verdict) == 0) continue;
    out += fmt::format(
        "<button data-verdict={0} aria-pressed=false>{0} <b class='v {0}'>{1}</b></button>",
        ToString(verdict), CountOf(model, verdict));
  }
  return out +
         "<input type=search placeholder='id, title, category or requirement' "
         "aria-label='search'><span class=dim id=shown></span></div>";
}

std::string Warnings(const RunModel& model) {
  if (model.warnings.empty()) return {};
  std::string out = "<h2>Warnings</h2><ul>";
  for (const std::string& warning : model.warnings)
    out += fmt::format("<li>{}</li>", html::Escape(warning));
  return out + "</ul>";
}

}  // namespace

base::Result<std::string> RenderHtml(const ReportInput& input) {
  const RunModel& model = input.model;
  std::string scenarios;
  for (const Verdict verdict : kShownOrder) {
    for (const auto& scenario : model.scenarios) {
      if (scenario.verdict == verdict) scenarios += html::Scenario(scenario, input);
    }
  }
  std::string page = fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
      "content='width=device-width,initial-scale=1'>"
      "<title>{} {}</title><style>{}</style>",
      html::Escape(model.id), ToString(model.verdict), html::Style());
  page += fmt::format(
      "<header class=top><div><strong>Assay</strong>{}<span class=dim>{}</span><nav><a "
      "href='#summary'>Summary</a>"
      "<a href='#scenarios'>Scenarios</a><a href='#timeline'>Timeline</a><a "
      "href='#trace'>Traceability</a>"
      "<a href='#environment'>Environment</a></nav></div></header><main>",
      html::Pill(model.verdict), html::Escape(model.id));
  page += fmt::format("<h1 id=summary>Qualification report</h1><div class=dim>{}, {}{}{}</div>",
                      base::FormatRfc3339(model.started).substr(0, 19) + " UTC",
                      base::HumanDuration(model.duration), model.interrupted ? ", interrupted" : "",
                      model.complete ? "" : ", the history was cut off");
  page += Summary(input) + Warnings(model);
  page += "<h2 id=scenarios>Scenarios</h2>" + Filters(model) + scenarios;
  page += "<h2 id=timeline>Timeline</h2>" + html::Timeline(model);
  page += "<h2 id=trace>Traceability</h2>" + (input.trace.empty()
                                                  ? "<p class=dim>no requirements are declared</p>"
                                                  : html::Traceability(input));
  page += "<h2 id=environment>Environment</h2>" + html::Environment(model);
  page += fmt::format(
      "<footer>{} events, head <code>{}</code></footer></main><script>{}</script></html>\n",
      model.event_count, html::Escape(model.head_hash), html::Script());
  return page;
}

}  // namespace assay::report
