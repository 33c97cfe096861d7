#include "lib/formats/prometheus/exposition.h"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "lib/formats/prometheus/line_reader.h"
#include "lib/formats/prometheus/rules.h"

namespace formats::prometheus {
namespace {

struct TypeName {
  std::string_view name;
  MetricType type;
  bool text;
  bool open_metrics;
};

constexpr std::array kTypeNames = {
    TypeName{"counter", MetricType::kCounter, true, true},
    TypeName{"gauge", MetricType::kGauge, true, true},
    TypeName{"histogram", MetricType::kHistogram, true, true},
    TypeName{"summary", MetricType::kSummary, true, true},
    TypeName{"untyped", MetricType::kUnknown, true, false},
    TypeName{"unknown", MetricType::kUnknown, false, true},
    TypeName{"gaugehistogram", MetricType::kGaugeHistogram, false, true},
    TypeName{"info", MetricType::kInfo, false, true},
    TypeName{"stateset", MetricType::kStateSet, false, true},
};

constexpr uint32_t kNoFamily = UINT32_MAX;

class Parser {
 public:
  Parser(Syntax syntax, const Limits& limits) : limits_(limits) { page_.syntax = syntax; }

  base::Result<Page> Run(std::string_view text) {
    if (text.size() > limits_.bytes) {
      return base::Fail(
          base::ErrorCode::kTooLarge,
          fmt::format("a page of {} bytes, expected at most {}", text.size(), limits_.bytes));
    }
    while (!text.empty()) {
      const size_t end = text.find('\n');
      ++line_;
      if (ended_) {
        Add(0, "there is something behind # EOF");
        break;
      }
      ReadLine(text.substr(0, end));
      if (end == std::string_view::npos) Add(0, "the last line has no line end");
      text.remove_prefix(std::min(end, text.size() - 1) + 1);
      if (samples_ > limits_.samples) {
        return base::Fail(base::ErrorCode::kTooLarge,
                          fmt::format("more than {} samples", limits_.samples));
      }
    }
    if (page_.syntax == Syntax::kOpenMetrics && !ended_) Add(0, "the page does not end with # EOF");
    for (const Family& family : page_.families) {
      for (Problem& problem : CheckFamily(family, page_.syntax)) Keep(std::move(problem));
    }
    std::ranges::sort(page_.problems, {}, [](const Problem& problem) {
      return std::tie(problem.line, problem.column, problem.message);
    });
    return std::move(page_);
  }

 private:
  void Keep(Problem problem) {
    if (page_.problems.size() < limits_.problems) page_.problems.push_back(std::move(problem));
  }
  /// `at` is a byte of the line, from 1; 0: the whole line.
  void Add(size_t at, std::string message) {
    Keep({line_, static_cast<uint32_t>(at), std::move(message)});
  }

  void ReadLine(std::string_view line) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) {
      if (page_.syntax == Syntax::kOpenMetrics) Add(0, "an empty line");
      return;
    }
    LineReader reader(line, page_.syntax);
    if (page_.syntax == Syntax::kText) reader.SkipBlanks();
    if (reader.Take('#')) {
      ReadComment(reader);
      return;
    }
    auto sample = reader.ReadSample();
    if (!sample) {
      Add(reader.problem().at + 1, reader.problem().message);
      return;
    }
    sample->line = line_;
    ++samples_;
    if (!series_.insert(sample->Series()).second) {
      Add(0, fmt::format("the series {} is there twice", sample->Series()));
      return;
    }
    Enter(FamilyOfSample(*sample)).samples.push_back(*std::move(sample));
  }

  void ReadComment(LineReader& reader) {
    reader.SkipBlanks();
    const std::string_view rest = reader.Rest();
    if (page_.syntax == Syntax::kOpenMetrics && rest == "EOF") {
      ended_ = true;
      return;
    }
    const std::string_view keyword = rest.substr(0, rest.find_first_of(" \t"));
    const bool unit = keyword == "UNIT" && page_.syntax == Syntax::kOpenMetrics;
    if (keyword != "HELP" && keyword != "TYPE" && !unit) return;  // an ordinary comment
    for (size_t i = 0; i < keyword.size(); ++i) reader.Take(keyword[i]);
    reader.SkipBlanks();
    const auto name = reader.ReadName(true);
    if (!name) {
      Add(reader.problem().at + 1, reader.problem().message);
      return;
    }
    if (!reader.SkipBlanks() && !reader.Rest().empty()) {
      Add(0, fmt::format("{} has no name of a metric, but \"{}\"", keyword, rest.substr(0, 40)));
      return;
    }
    Family& family = Enter(FamilyNamed(*name));
    if (keyword == "TYPE") ReadType(reader.Rest(), family);
    if (keyword == "HELP") ReadHelp(reader, family);
    if (unit) family.unit = reader.Rest();
  }

  void ReadHelp(LineReader& reader, Family& family) {
    if (family.help) Add(0, fmt::format("a second HELP of {}", family.name));
    if (auto help = reader.ReadHelp()) {
      family.help = *std::move(help);
    } else {
      Add(reader.problem().at + 1, reader.problem().message);
    }
  }

  void ReadType(std::string_view word, Family& family) {
    const bool open = page_.syntax == Syntax::kOpenMetrics;
    while (!open && (word.ends_with(' ') || word.ends_with('\t'))) word.remove_suffix(1);
    const auto* const known = std::ranges::find_if(kTypeNames, [&](const TypeName& one) {
      return one.name == word && (open ? one.open_metrics : one.text);
    });
    if (known == kTypeNames.end()) {
      Add(0, fmt::format("\"{}\" is no type of a metric, expected {}", word.substr(0, 40),
                         open ? "counter, gauge, histogram, summary, unknown, gaugehistogram, info "
                                "or stateset"
                              : "counter, gauge, histogram, summary or untyped"));
      return;
    }
    if (family.type) Add(0, fmt::format("a second TYPE of {}", family.name));
    if (!family.samples.empty()) Add(0, fmt::format("TYPE of {} behind its samples", family.name));
    family.type = known->type;
  }

  /// Notes families that come back after another one began.
  Family& Enter(uint32_t index) {
    if (current_ != index && closed_.contains(index)) {
      Add(0, fmt::format("the lines of {} are not together", page_.families[index].name));
    }
    if (current_ != kNoFamily && current_ != index) closed_.insert(current_);
    current_ = index;
    return page_.families[index];
  }

  uint32_t FamilyNamed(std::string_view name) {
    const auto [at, added] =
        by_name_.try_emplace(std::string(name), static_cast<uint32_t>(page_.families.size()));
    if (added) {
      page_.families.push_back(
          {.name = std::string(name), .unit = {}, .samples = {}, .line = line_});
    }
    return at->second;
  }

  uint32_t FamilyOfSample(const Sample& sample) {
    for (const std::string_view suffix : SampleSuffixes()) {
      if (!std::string_view(sample.name).ends_with(suffix)) continue;
      const auto at = by_name_.find(sample.name.substr(0, sample.name.size() - suffix.size()));
      if (at == by_name_.end()) continue;
      const Family& family = page_.families[at->second];
      if (family.type && TakesSuffix(*family.type, suffix, page_.syntax)) return at->second;
    }
    return FamilyNamed(sample.name);
  }

  const Limits& limits_;
  Page page_;
  uint32_t line_ = 0;
  size_t samples_ = 0;
  bool ended_ = false;
  uint32_t current_ = kNoFamily;
  std::unordered_map<std::string, uint32_t> by_name_;
  std::unordered_set<uint32_t> closed_;
  std::unordered_set<std::string> series_;
};

}  // namespace

std::string_view ToString(MetricType type, Syntax syntax) {
  for (const TypeName& one : kTypeNames) {
    const bool known = syntax == Syntax::kText ? one.text : one.open_metrics;
    if (one.type == type && known) return one.name;
  }
  return "untyped";
}

const std::string* Sample::Find(std::string_view label) const {
  const auto found = std::ranges::find(labels, label, &Label::name);
  return found == labels.end() ? nullptr : &found->value;
}

std::string Sample::Series() const {
  std::vector<const Label*> sorted;
  sorted.reserve(labels.size());
  for (const Label& label : labels) sorted.push_back(&label);
  std::ranges::sort(sorted, {}, [](const Label* label) { return label->name; });
  std::string text = name + "{";
  for (const Label* label : sorted) {
    if (text.size() > name.size() + 1) text += ',';
    text += label->name + "=\"";
    for (const char c : label->value) {
      if (c == '\n') {
        text += "\\n";
        continue;
      }
      if (c == '\\' || c == '"') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

bool Family::IsCumulative(const Sample& sample) const {
  const std::string_view suffix =
      std::string_view(sample.name).substr(std::min(name.size(), sample.name.size()));
  if (!type || suffix == "_created") return false;
  switch (*type) {
    case MetricType::kCounter:
    case MetricType::kHistogram:
      return true;
    case MetricType::kSummary:
      return !suffix.empty();  // a quantile goes up and down
    case MetricType::kUnknown:
    case MetricType::kGauge:
    case MetricType::kGaugeHistogram:
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return false;
  }
  return false;
}

std::string Problem::ToString() const {
  return column == 0 ? fmt::format("line {}: {}", line, message)
                     : fmt::format("line {}, column {}: {}", line, column, message);
}

base::Result<Page> Parse(std::string_view text, Syntax syntax, const Limits& limits) {
  return Parser(syntax, limits).Run(text);
}

Syntax SyntaxOf(std::string_view content_type) {
  return content_type.starts_with("application/openmetrics-text") ? Syntax::kOpenMetrics
                                                                  : Syntax::kText;
}

}  // namespace formats::prometheus
