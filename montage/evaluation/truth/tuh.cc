#include "montage/evaluation/truth/tuh.h"

#include "lib/base/suggest.h"
#include "montage/evaluation/truth/text_reader.h"

namespace montage::evaluation {
namespace {

using base::Result;

constexpr std::array<std::string_view, 6> kRecCodes = {"spsw", "gped", "pled",
                                                       "eyem", "artf", "bckg"};

/// What a table says, row by row.
struct Rows {
  std::vector<TimedEvent> events;
  std::vector<TimedEvent> reviewed;

  Result<void> Add(const TextLine& line, std::string_view from, std::string_view until,
                   std::string_view label) {
    TRY(const auto stretch, line.Stretch(from, until));
    if (label.empty()) return line.Wrong("the label is missing");
    const std::string_view kind = MeaningOf(label);
    const TimedEvent event{std::string(kind), stretch.first, stretch.second - stretch.first};
    reviewed.push_back({"", event.onset_s, event.duration_s});
    if (!kind.empty() && kind != "background") events.push_back(event);
    return {};
  }
};

Result<void> ReadTse(const TextFile& file, Rows& rows) {
  bool versioned = false;
  for (const TextLine& line : file.lines()) {
    const std::string_view text = Trim(line.text);
    if (text.empty() || text.starts_with('#')) continue;
    if (!versioned) {
      if (!text.starts_with("version") || text.find("tse_v1.") == std::string_view::npos)
        return line.Wrong(fmt::format("expected \"version = tse_v1.0.0\", found \"{}\"", text));
      versioned = true;
      continue;
    }
    const auto parts = Split(text, ' ');
    if (parts.size() != 4)
      return line.Wrong(fmt::format("expected start, stop, label and probability, found {} columns",
                                    parts.size()));
    TRY(line.Number(parts[3], "probability"));
    TRY(rows.Add(line, parts[0], parts[1], parts[2]));
  }
  if (!versioned) return file.Wrong("the file is empty, expected \"version = tse_v1.0.0\"");
  return {};
}

Result<void> ReadCsv(const TextFile& file, Rows& rows) {
  constexpr std::string_view kHeading = "channel,start_time,stop_time,label,confidence";
  bool headed = false;
  for (const TextLine& line : file.lines()) {
    const std::string_view text = Trim(line.text);
    if (text.empty() || text.starts_with('#')) continue;
    if (!headed) {
      if (text != kHeading)
        return line.Wrong(fmt::format("expected the heading \"{}\", found \"{}\"", kHeading, text));
      headed = true;
      continue;
    }
    const auto parts = Split(text, ',');
    if (parts.size() != 5)
      return line.Wrong(fmt::format("expected 5 columns ({}), found {}", kHeading, parts.size()));
    TRY(line.Number(parts[4], "confidence"));
    TRY(rows.Add(line, parts[1], parts[2], parts[3]));
  }
  if (!headed) return file.Wrong(fmt::format("the file has no heading \"{}\"", kHeading));
  return {};
}

Result<void> ReadRec(const TextFile& file, Rows& rows) {
  for (const TextLine& line : file.lines()) {
    if (Trim(line.text).empty()) continue;
    const auto parts = Split(line.text, ',');
    if (parts.size() != 4)
      return line.Wrong(
          fmt::format("expected channel, start, stop and code, found {} columns", parts.size()));
    TRY(const double code, line.Number(parts[3], "code"));
    if (code != std::floor(code) || code < 1 || code > static_cast<double>(kRecCodes.size()))
      return line.Wrong(fmt::format("code is {}, expected 1 to {}", code, kRecCodes.size()),
                        parts[3]);
    TRY(rows.Add(line, parts[1], parts[2], kRecCodes[static_cast<size_t>(code) - 1]));
  }
  return {};
}

std::string_view ExtensionOf(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot);
}

}  // namespace

bool IsTuhAnnotation(std::string_view file_name) {
  const std::string_view extension = ExtensionOf(file_name);
  return extension == ".tse" || extension == ".tse_bi" || extension == ".csv" ||
         extension == ".csv_bi" || extension == ".rec";
}

Result<Truth> ReadTuhAnnotation(std::string name, std::string text) {
  const std::string extension(ExtensionOf(name));
  const TextFile file(std::move(name), std::move(text));
  Rows rows;
  if (extension == ".tse" || extension == ".tse_bi") {
    TRY(ReadTse(file, rows));
  } else if (extension == ".csv" || extension == ".csv_bi") {
    TRY(ReadCsv(file, rows));
  } else if (extension == ".rec") {
    TRY(ReadRec(file, rows));
  } else {
    return file.Wrong(fmt::format(
        "unknown kind of annotation \"{}\", expected .tse, .tse_bi, .csv, .csv_bi or .rec",
        extension));
  }
  Truth out;
  out.events = JoinOverlapping(std::move(rows.events));
  if (extension == ".rec") out.reviewed = JoinOverlapping(std::move(rows.reviewed));
  return out;
}

}  // namespace montage::evaluation
