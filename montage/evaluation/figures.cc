#include "montage/evaluation/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace montage::evaluation {
namespace {

namespace json = boost::json;

json::value NumberOrNull(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

json::string Text(std::string_view text) { return json::string(text.data(), text.size()); }

std::string ShowBar(const Figure& figure) {
  if (!figure.bar) return "";
  return fmt::format(">= {:g}: {}", *figure.bar, figure.Missed() ? "missed" : "met");
}

std::string MarkdownTable(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out += '|';
    for (const std::string& cell : rows[i]) out += fmt::format(" {} |", cell);
    out += '\n';
    if (i > 0) continue;
    out += '|';
    for (size_t k = 0; k < rows[0].size(); ++k) out += "---|";
    out += '\n';
  }
  return out;
}

}  // namespace

void FigureTable::AddShare(std::string subject, std::string measure, Count count,
                           std::string_view things, std::optional<double> bar) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  figures.push_back({.subject = std::move(subject),
                     .measure = std::move(measure),
                     .value = count.share(),
                     .interval = count.trials == 0 ? Interval{kNan, kNan} : WilsonInterval(count),
                     .basis = fmt::format("{} of {} {}", count.hits, count.trials, things),
                     .bar = bar});
}

bool FigureTable::Missed() const { return std::ranges::any_of(figures, &Figure::Missed); }

std::string ShowValue(double value) {
  if (!std::isfinite(value)) return "-";
  return std::abs(value) >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3f}", value);
}

std::string ShowInterval(const Interval& interval) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return "";
  return fmt::format("{} to {}", ShowValue(interval.low), ShowValue(interval.high));
}

std::vector<std::vector<std::string>> ToRows(const FigureTable& table) {
  const bool barred = std::ranges::any_of(table.figures, [](const Figure& f) { return !!f.bar; });
  std::vector<std::vector<std::string>> rows = {
      {"what", "measure", "value", "95 % interval", "of"}};
  if (barred) rows[0].emplace_back("bar");
  for (const Figure& figure : table.figures) {
    rows.push_back({figure.subject, figure.measure, ShowValue(figure.value),
                    ShowInterval(figure.interval), figure.basis});
    if (barred) rows.back().push_back(ShowBar(figure));
  }
  return rows;
}

std::string ToMarkdown(const FigureTable& table) {
  std::string out = fmt::format("### {}\n\n{}", table.title, MarkdownTable(ToRows(table)));
  if (!table.matrix.empty()) out += '\n' + MarkdownTable(table.matrix);
  for (const std::string& note : table.notes) out += fmt::format("\n{}\n", note);
  return out;
}

json::object ToJson(const FigureTable& table) {
  json::object out;
  out["title"] = Text(table.title);
  json::array figures;
  for (const Figure& figure : table.figures) {
    json::object one;
    one["what"] = Text(figure.subject);
    one["measure"] = Text(figure.measure);
    one["value"] = NumberOrNull(figure.value);
    one["interval"] = std::isfinite(figure.interval.low)
                          ? json::value{figure.interval.low, figure.interval.high}
                          : json::value(nullptr);
    one["of"] = Text(figure.basis);
    if (figure.bar) {
      one["bar"] = *figure.bar;
      one["met"] = !figure.Missed();
    }
    figures.push_back(std::move(one));
  }
  out["figures"] = std::move(figures);
  if (!table.matrix.empty()) {
    json::array rows;
    for (const auto& cells : table.matrix) {
      json::array row;
      for (const std::string& cell : cells) row.push_back(Text(cell));
      rows.push_back(std::move(row));
    }
    out["matrix"] = std::move(rows);
  }
  json::array notes;
  for (const std::string& note : table.notes) notes.push_back(Text(note));
  out["notes"] = std::move(notes);
  return out;
}

}  // namespace montage::evaluation
