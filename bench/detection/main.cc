// Measures every detector of Montage on generated recordings whose contents are known.
//
//   bench_detection [--train] [--quick] [--json | --markdown] [--excerpt FOLDER] [PART...]
//
// Parts: bad_channels, events, abnormality, sleep; all without. Exit code 1 when a bar is missed.
// The test seeds are for figures, not for tuning: --train measures on the others.

#include <chrono>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "bench/detection/measuring.h"

namespace {

using base::Result;
using detection::Measured;
using detection::Progress;
using detection::Selection;
using montage::evaluation::FigureTable;

struct Part {
  std::string_view name;
  Result<Measured> (*measure)(const Selection&, const Progress&);
};
constexpr auto kParts = std::to_array<Part>({{"bad_channels", detection::MeasureBadChannels},
                                             {"events", detection::MeasureEvents},
                                             {"abnormality", detection::MeasureAbnormality},
                                             {"sleep", detection::MeasureSleep}});

enum class Form { kText, kJson, kMarkdown };

struct Options {
  Selection selection;
  Form form = Form::kText;
  std::string excerpt;
  std::vector<const Part*> parts;
};

struct Report {
  std::vector<std::pair<const Part*, Measured>> parts;
  std::vector<std::string> excerpt;
  int generator_version = 0;

  bool Missed() const {
    for (const auto& [part, measured] : parts)
      for (const FigureTable& table : measured.tables)
        if (table.Missed()) return true;
    return false;
  }
};

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto* part = std::ranges::find(kParts, argument, &Part::name);
    if (part != kParts.end()) {
      out.parts.push_back(part);
    } else if (argument == "--train") {
      out.selection.split = detection::Split::kTrain;
    } else if (argument == "--quick") {
      out.selection.quick = true;
    } else if (argument == "--json" || argument == "--markdown") {
      out.form = argument == "--json" ? Form::kJson : Form::kMarkdown;
    } else if (argument == "--excerpt" && i + 1 < arguments.size()) {
      out.excerpt = arguments[++i];
    } else {
      return base::Fail(
          base::Error{base::ErrorCode::kInvalid, fmt::format("unknown argument \"{}\"", argument)}
              .Hint(
                  "expected --train, --quick, --json, --markdown, --excerpt FOLDER, bad_channels, "
                  "events, abnormality or sleep"));
    }
  }
  if (out.parts.empty())
    for (const Part& part : kParts) out.parts.push_back(&part);
  return out;
}

/// On a terminal: one line that is rewritten, at most once a second.
Progress ProgressOf(std::string_view name) {
  if (::isatty(STDERR_FILENO) == 0) return {};
  return [name, last = std::chrono::steady_clock::now()](size_t done, size_t of) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (done == of) {
      fmt::print(stderr, "\r\x1b[K");
    } else if (now - last > std::chrono::seconds(1)) {
      last = now;
      fmt::print(stderr, "\r\x1b[K{}: {} of {} recordings", name, done, of);
    }
    std::fflush(stderr);
  };
}

Result<Report> Measure(const Options& options) {
  Report out;
  for (const Part* part : options.parts) {
    TRY(Measured measured, part->measure(options.selection, ProgressOf(part->name)));
    out.parts.emplace_back(part, std::move(measured));
  }
  if (!options.excerpt.empty()) {
    auto lines = detection::StageExcerpt(options.excerpt);
    if (lines) {
      out.excerpt = std::move(*lines);
    } else if (lines.error().code == base::ErrorCode::kNotFound) {
      out.excerpt = {"skipped: " + lines.error().message};
    } else {
      return base::Fail(std::move(lines).error());
    }
  }
  synth::EegSpec spec{.channels = {"Cz"}, .rate_hz = 8, .duration_s = 1};
  TRY(const auto sample, synth::EegGenerator::Create(spec));
  out.generator_version = sample.truth().generator_version;
  return out;
}

std::string Corpus(const Options& options, const Report& report) {
  size_t recordings = 0;
  double hours = 0;
  for (const auto& [part, measured] : report.parts) {
    recordings += measured.recordings;
    hours += measured.hours;
  }
  return fmt::format("{} split{}, generator version {}, {} recordings, {:.0f} hours",
                     ToString(options.selection.split), options.selection.quick ? " (quick)" : "",
                     report.generator_version, recordings, hours);
}

void PrintTable(const FigureTable& table) {
  fmt::print("\n{}\n", table.title);
  for (const auto& row : montage::evaluation::ToRows(table)) {
    std::string line =
        fmt::format("  {:<34} {:<27} {:>7}  {:<15} {:<34}", row[0], row[1], row[2], row[3], row[4]);
    if (row.size() > 5) line += row[5];
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
  for (const auto& row : table.matrix) {
    std::string line = "  ";
    for (const std::string& cell : row) line += fmt::format("{:>13}", cell);
    fmt::print("{}\n", line);
  }
  for (const std::string& note : table.notes) fmt::print("  {}\n", note);
}

void PrintText(const Options& options, const Report& report) {
  fmt::print("{}\n", Corpus(options, report));
  for (const auto& [part, measured] : report.parts)
    for (const FigureTable& table : measured.tables) PrintTable(table);
  if (!report.excerpt.empty()) fmt::print("\nExcerpt of Sleep-EDF\n");
  for (const std::string& line : report.excerpt) fmt::print("  {}\n", line);
  fmt::print("\n{}\n", report.Missed() ? "a bar is missed" : "every bar is met");
}

void PrintMarkdown(const Options& options, const Report& report) {
  fmt::print("{}.\n", Corpus(options, report));
  for (const auto& [part, measured] : report.parts)
    for (const FigureTable& table : measured.tables)
      fmt::print("\n{}", montage::evaluation::ToMarkdown(table));
  if (report.excerpt.empty()) return;
  fmt::print("\n### Excerpt of Sleep-EDF\n\n");
  for (const std::string& line : report.excerpt) fmt::print("    {}\n", line);
}

void PrintJson(const Options& options, const Report& report) {
  boost::json::object out;
  out["split"] = std::string(ToString(options.selection.split));
  out["quick"] = options.selection.quick;
  out["generator_version"] = report.generator_version;
  boost::json::array& tables = out["tables"].emplace_array();
  for (const auto& [part, measured] : report.parts) {
    for (const FigureTable& table : measured.tables) {
      boost::json::object one = montage::evaluation::ToJson(table);
      one["part"] = std::string(part->name);
      tables.push_back(std::move(one));
    }
  }
  boost::json::array& excerpt = out["excerpt"].emplace_array();
  for (const std::string& line : report.excerpt) excerpt.emplace_back(line);
  out["missed"] = report.Missed();
  fmt::print("{}\n", boost::json::serialize(out));
}

Result<int> Run(const std::vector<std::string>& arguments) {
  TRY(const Options options, ParseOptions(arguments));
  TRY(const Report report, Measure(options));
  switch (options.form) {
    case Form::kText:
      PrintText(options, report);
      break;
    case Form::kJson:
      PrintJson(options, report);
      break;
    case Form::kMarkdown:
      PrintMarkdown(options, report);
      break;
  }
  return report.Missed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto code = Run({argv + 1, argv + argc});
  if (code) return *code;
  fmt::print(stderr, "bench_detection: {}\n", code.error().ToString());
  if (!code.error().hint.empty()) fmt::print(stderr, "  {}\n", code.error().hint);
  return 2;
}
