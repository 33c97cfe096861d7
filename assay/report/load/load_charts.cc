#include "assay/report/load/load_charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>

#include <fmt/format.h>

#include "assay/report/html_page.h"
#include "assay/report/load/load_text.h"
#include "lib/base/units.h"

namespace assay::report::html {
namespace {

constexpr double kWidth = 1080;
constexpr double kHeight = 240;
constexpr double kLeft = 70;
constexpr double kRight = 130;
constexpr double kTop = 14;
constexpr double kBottom = 26;

struct Point {
  double x = 0;
  double y = 0;
};

struct Curve {
  std::string name;
  std::string color;  // a custom property of the style sheet
  std::vector<Point> points;
};

struct Axis {
  double low = 0;
  double high = 1;
  std::function<std::string(double)> label;
  std::vector<double> ticks;
};

std::string Time(double microseconds) {
  return base::HumanDuration(
      std::chrono::microseconds(static_cast<int64_t>(std::llround(microseconds))));
}

// Steps of 1, 2 or 5 times a power of ten, about four of them.
std::vector<double> NiceTicks(double high) {
  if (high <= 0) return {0};
  const double rough = high / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double at = 0; at <= high * 1.0001; at += step) ticks.push_back(at);
  return ticks;
}

double X(const Axis& axis, double value) {
  const double span = std::max(1e-9, axis.high - axis.low);
  return kLeft + (value - axis.low) / span * (kWidth - kLeft - kRight);
}

double Y(const Axis& axis, double value) {
  const double span = std::max(1e-9, axis.high - axis.low);
  return kHeight - kBottom - (value - axis.low) / span * (kHeight - kTop - kBottom);
}

std::string Grid(const Axis& x, const Axis& y) {
  std::string out;
  for (const double tick : y.ticks) {
    out += fmt::format(
        "<line class=grid x1='{0:.1f}' x2='{1:.1f}' y1='{2:.1f}' y2='{2:.1f}'/><text class=dimtext "
        "text-anchor=end x='{3:.1f}' y='{4:.1f}'>{5}</text>",
        kLeft, kWidth - kRight, Y(y, tick), kLeft - 6, Y(y, tick) + 4, Escape(y.label(tick)));
  }
  for (const double tick : x.ticks) {
    out += fmt::format("<text class=dimtext text-anchor=middle x='{:.1f}' y='{:.1f}'>{}</text>",
                       X(x, tick), kHeight - 8, Escape(x.label(tick)));
  }
  return out;
}

std::string Draw(const Curve& curve, const Axis& x, const Axis& y) {
  std::string path;
  for (const Point& point : curve.points) {
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : "L", X(x, point.x), Y(y, point.y));
  }
  // A single second is a dot, not a line.
  if (curve.points.size() == 1) path += "h2";
  return fmt::format(
      "<path d='{}' fill=none stroke='var(--{})' stroke-width=1.6 "
      "stroke-linejoin=round><title>{}</title></path>",
      path, curve.color, Escape(curve.name));
}

std::string Chart(std::string_view title, const std::vector<Curve>& curves, const Axis& x,
                  const Axis& y) {
  std::string out = fmt::format(
      "<figure style='margin:.8rem 0'><figcaption class=dim>{}</figcaption><svg viewBox='0 0 {} "
      "{}' width='100%' role=img aria-label='{}'>",
      Escape(title), kWidth, kHeight, Escape(title));
  out += Grid(x, y);
  for (const Curve& curve : curves) out += Draw(curve, x, y);
  double at = kTop + 8;
  for (const Curve& curve : curves) {
    out += fmt::format(
        "<rect x='{:.1f}' y='{:.1f}' width=12 height=3 style='fill:var(--{})'/><text "
        "x='{:.1f}' y='{:.1f}'>{}</text>",
        kWidth - kRight + 10, at - 4, curve.color, kWidth - kRight + 28, at, Escape(curve.name));
    at += 16;
  }
  return out + "</svg></figure>";
}

double Highest(const std::vector<Curve>& curves) {
  double high = 0;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) high = std::max(high, point.y);
  }
  return high;
}

Axis SecondsAxis(const LoadSeries& series) {
  Axis axis;
  axis.low = static_cast<double>(series.seconds.front().second);
  axis.high = std::max(axis.low + 1, static_cast<double>(series.seconds.back().second));
  axis.label = [](double value) { return fmt::format("{:.0f} s", value); };
  for (const double tick : NiceTicks(axis.high)) {
    if (tick >= axis.low && tick == std::floor(tick)) axis.ticks.push_back(tick);
  }
  return axis;
}

Curve Over(const LoadSeries& series, std::string name, std::string color,
           const std::function<double(const LoadSecond&)>& value, bool even_if_idle) {
  Curve curve{std::move(name), std::move(color), {}};
  for (const LoadSecond& second : series.seconds) {
    if (second.finished == 0 && !even_if_idle) continue;
    curve.points.push_back({static_cast<double>(second.second), value(second)});
  }
  return curve;
}

std::string LatencyChart(const LoadSeries& series) {
  const auto micros = [](uint64_t value) { return static_cast<double>(value); };
  const std::vector<Curve> curves = {
      Over(
          series, "p50", "passed", [&](const auto& s) { return micros(s.p50); }, false),
      Over(
          series, "p95", "accent", [&](const auto& s) { return micros(s.p95); }, false),
      Over(
          series, "p99", "error", [&](const auto& s) { return micros(s.p99); }, false),
      Over(series, "longest", "failed", [&](const auto& s) { return micros(s.max); }, false)};
  const double high = Highest(curves);
  return Chart("Latency over time, from when each iteration was due", curves, SecondsAxis(series),
               {0, high, Time, NiceTicks(high)});
}

std::string RateChart(const LoadSeries& series) {
  const std::vector<Curve> curves = {
      Over(
          series, "iterations a second", "accent",
          [](const auto& s) { return static_cast<double>(s.finished); }, true),
      Over(
          series, "failed", "failed", [](const auto& s) { return static_cast<double>(s.failed); },
          true),
      Over(
          series, "users", "dim", [](const auto& s) { return static_cast<double>(s.users); },
          true)};
  const double high = std::max(1.0, Highest(curves));
  return Chart("Iterations, failures and users", curves, SecondsAxis(series),
               {0, high, [](double v) { return Grouped(static_cast<uint64_t>(std::llround(v))); },
                NiceTicks(high)});
}

// After G. Tene's percentile plots: every step to the right is one more nine.
Curve Percentiles(std::string name, std::string color, const stats::Histogram& histogram) {
  Curve curve{std::move(name), std::move(color), {}};
  if (histogram.count() == 0) return curve;
  const double last = std::log10(static_cast<double>(histogram.count()));
  for (double nines = 0; nines <= last + 1e-9; nines += 0.05) {
    const double quantile = 1 - std::pow(10, -nines);
    curve.points.push_back({nines, static_cast<double>(histogram.ValueAt(quantile))});
  }
  curve.points.push_back({last, static_cast<double>(histogram.max())});
  return curve;
}

std::string PercentileChart(const LoadSeries& series) {
  std::vector<Curve> curves = {Percentiles("latency", "accent", series.whole.latency),
                               Percentiles("service time", "dim", series.whole.service)};
  const double high = Highest(curves);
  Axis nines;
  nines.high = std::max(
      1.0, std::log10(std::max<double>(1, static_cast<double>(series.whole.latency.count()))));
  for (double tick = 0; tick <= nines.high + 1e-9; tick += 1) nines.ticks.push_back(tick);
  nines.label = [](double value) {
    return value == 0 ? std::string("0 %")
                      : fmt::format("{:.12g} %", 100 * (1 - std::pow(10, -value)));
  };
  return Chart("Latency by percentile", curves, nines, {0, high, Time, NiceTicks(high)});
}

std::string Row(const LoadTaskTotals& task, std::string_view name, double seconds) {
  std::string row = fmt::format(
      "<tr><td>{}</td><td>{}</td><td>{:.1f}</td><td>{}</td>", Escape(name), Grouped(task.finished),
      static_cast<double>(task.finished) / std::max(1e-9, seconds), Grouped(task.failed));
  for (const double quantile : {0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    row += fmt::format("<td>{}</td>", Time(static_cast<double>(task.latency.ValueAt(quantile))));
  }
  row += fmt::format("<td>{}</td><td>", Time(static_cast<double>(task.service.ValueAt(0.99))));
  for (const auto& [status, count] : task.status) {
    row += fmt::format("<span class=chip>{} &times; {}</span>", Escape(status), Grouped(count));
  }
  return row + "</td></tr>";
}

std::string Table(const LoadSeries& series, double seconds) {
  std::string out =
      "<table class=list><tr><th>task<th>iterations<th>a second<th>failed<th>p50<th>p90<th>p95"
      "<th>p99<th>p99.9<th>longest<th>service p99<th>status</tr>";
  for (const LoadTaskTotals& task : series.tasks) out += Row(task, task.name, seconds);
  if (series.tasks.size() > 1) out += Row(series.whole, "all", seconds);
  return out + "</table>";
}

std::string Failures(const LoadSeries& series) {
  if (series.failures.empty()) return "";
  std::string out =
      "<details><summary>Failures that were kept</summary><table class=list><tr><th>at<th>task"
      "<th>step<th>status<th>reason<th>transcript</tr>";
  for (const LoadFailure& failure : series.failures) {
    out += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=mono>{}</td><td "
        "class=mono>{}</td></tr>",
        base::HumanDuration(failure.at), Escape(failure.task), Escape(failure.step),
        failure.status == 0 ? "" : fmt::format("{}", failure.status), Escape(failure.reason),
        Escape(failure.transcript.substr(0, 12)));
  }
  return out + "</table></details>";
}

}  // namespace

std::string Load(const LoadSeries& series, base::Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  std::string out =
      fmt::format("<div class=load><p class=dim>{}, engine {}{}</p>", Escape(series.executor),
                  Escape(series.engine),
                  series.engine_reason.empty() ? "" : Escape(" (" + series.engine_reason + ")"));
  out += Table(series, seconds) + LatencyChart(series) + RateChart(series);
  out += PercentileChart(series);
  out += fmt::format("<p class=dim>Begun late for want of a free user: {}.", Grouped(series.late));
  if (series.delay.count() > 0) {
    out += fmt::format(" The generator began 99 % within {} of when it could, all within {}.",
                       Time(static_cast<double>(series.delay.ValueAt(0.99))),
                       Time(static_cast<double>(series.delay.max())));
  }
  return out + "</p>" + Failures(series) + "</div>";
}

}  // namespace assay::report::html
