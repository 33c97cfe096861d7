// EDF+ patient and recording identification, EDF+ specification clause 2.1.3.3 items 3 and 4.

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "lib/formats/edf/field.h"

namespace formats::edf {
namespace {

using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

/// Splits off the first word; `text` keeps the rest without leading spaces.
std::string TakeWord(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  std::string word(text.substr(0, end));
  text.remove_prefix(end);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

/// `X` is unknown; underscores stand for spaces.
std::string Known(std::string word) {
  if (word == "X" || word == "x") return "";
  for (char& c : word) {
    if (c == '_') c = ' ';
  }
  return word;
}

std::string Word(std::string_view text) {
  if (text.empty()) return "X";
  std::string word(text);
  for (char& c : word) {
    if (c == ' ') c = '_';
  }
  return word;
}

/// `24-APR-1989`; months in any case, because real writers disagree.
std::optional<year_month_day> ParseDate(std::string_view text) {
  if (text.size() != 11 || text[2] != '-' || text[6] != '-') return std::nullopt;
  const auto number = [&](size_t from, size_t count) {
    int value = -1;
    const char* const last = text.data() + from + count;
    const auto [end, error] = std::from_chars(text.data() + from, last, value);
    return error == std::errc() && end == last ? value : -1;
  };
  std::string month(text.substr(3, 3));
  for (char& c : month) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  unsigned month_number = 0;
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == month) month_number = i + 1;
  }
  const int day = number(0, 2);
  const int year = number(7, 4);
  if (day < 1 || year < 0 || month_number == 0) return std::nullopt;
  const year_month_day date(std::chrono::year(year), std::chrono::month(month_number),
                            std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return date;
}

std::string FormatDate(const std::optional<year_month_day>& date) {
  if (!date) return "X";
  return fmt::format("{:02}-{}-{:04}", static_cast<unsigned>(date->day()),
                     kMonths[static_cast<unsigned>(date->month()) - 1],
                     static_cast<int>(date->year()));
}

std::optional<year_month_day> ReadDate(const std::string& word, std::string_view name,
                                       std::vector<std::string>& problems) {
  if (word == "X" || word == "x" || word.empty()) return std::nullopt;
  const auto date = ParseDate(word);
  if (!date) problems.push_back(fmt::format("{} is \"{}\", expected dd-MMM-yyyy", name, word));
  return date;
}

}  // namespace

PatientFields ParsePatient(std::string_view text, std::vector<std::string>& problems) {
  PatientFields out;
  out.code = Known(TakeWord(text));
  out.sex = Known(TakeWord(text));
  if (!out.sex.empty() && out.sex != "F" && out.sex != "M") {
    problems.push_back(fmt::format("sex is \"{}\", expected F, M or X", out.sex));
  }
  out.birthdate = ReadDate(TakeWord(text), "birthdate", problems);
  out.name = Known(TakeWord(text));
  out.additional = std::string(text);
  return out;
}

RecordingFields ParseRecording(std::string_view text, std::vector<std::string>& problems) {
  RecordingFields out;
  std::string_view rest = text;
  if (const std::string first = TakeWord(rest); first != "Startdate") {
    problems.push_back(fmt::format("the field begins with \"{}\", expected Startdate", first));
    out.additional = std::string(text);
    return out;
  }
  out.startdate = ReadDate(TakeWord(rest), "start date", problems);
  out.admin_code = Known(TakeWord(rest));
  out.technician = Known(TakeWord(rest));
  out.equipment = Known(TakeWord(rest));
  out.additional = std::string(rest);
  return out;
}

std::string FormatPatient(const PatientFields& patient) {
  std::string out = fmt::format("{} {} {} {}", Word(patient.code), Word(patient.sex),
                                FormatDate(patient.birthdate), Word(patient.name));
  if (!patient.additional.empty()) out += " " + patient.additional;
  return out;
}

std::string FormatRecording(const RecordingFields& recording) {
  std::string out = fmt::format("Startdate {} {} {} {}", FormatDate(recording.startdate),
                                Word(recording.admin_code), Word(recording.technician),
                                Word(recording.equipment));
  if (!recording.additional.empty()) out += " " + recording.additional;
  return out;
}

}  // namespace formats::edf
