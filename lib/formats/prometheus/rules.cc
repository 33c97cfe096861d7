#include "lib/formats/prometheus/rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace formats::prometheus {
namespace {

constexpr std::array<std::string_view, 9> kSuffixes = {
    "_bucket", "_sum", "_count", "_total", "_created", "_gsum", "_gcount", "_info", ""};

std::string_view SuffixOf(const Family& family, const Sample& sample) {
  return std::string_view(sample.name).substr(family.name.size());
}

std::optional<double> Edge(const Sample& sample) {
  const std::string* le = sample.Find("le");
  if (le == nullptr) return std::nullopt;
  if (*le == "+Inf") return HUGE_VAL;
  double value = 0;
  const auto [end, error] = std::from_chars(le->data(), le->data() + le->size(), value);
  if (error != std::errc{} || end != le->data() + le->size() || std::isnan(value)) {
    return std::nullopt;
  }
  return value;
}

/// One histogram of a family: samples with the same labels apart from `le`.
struct Histogram {
  uint32_t line = 0;
  std::vector<std::pair<double, double>> buckets;  ///< edge and count, as written
  std::optional<double> sum;
  std::optional<double> count;
};

std::string GroupOf(const Sample& sample) {
  Sample bare{.name = {}, .labels = sample.labels};
  std::erase_if(bare.labels, [](const Label& label) { return label.name == "le"; });
  return bare.Series();
}

class HistogramRules {
 public:
  HistogramRules(const Family& family, std::vector<Problem>& problems)
      : family_(family), problems_(problems) {}

  void Check() {
    std::map<std::string, Histogram> groups;
    for (const Sample& sample : family_.samples) {
      const std::string_view suffix = SuffixOf(family_, sample);
      if (suffix == "_created") continue;
      Histogram& group = groups[GroupOf(sample)];
      if (group.line == 0) group.line = sample.line;
      if (suffix == "_bucket") {
        const auto edge = Edge(sample);
        if (edge) group.buckets.emplace_back(*edge, sample.value);
        if (!edge) Add(sample.line, "a bucket needs the label le, a number or +Inf");
      } else if (suffix.ends_with("sum")) {
        group.sum = sample.value;
      } else {
        group.count = sample.value;
      }
    }
    for (const auto& [labels, group] : groups) CheckGroup(labels, group);
  }

 private:
  void CheckGroup(const std::string& labels, const Histogram& group) {
    const std::string name = family_.name + labels;
    const auto edge = [](const auto& bucket) { return bucket.first; };
    const auto count = [](const auto& bucket) { return bucket.second; };
    if (!group.count || !group.sum) {
      Add(group.line, fmt::format("the histogram {} has no sum or no count", name));
    }
    if (group.buckets.empty() || !std::isinf(group.buckets.back().first)) {
      Add(group.line, fmt::format("the last bucket of {} is not le=\"+Inf\"", name));
      return;
    }
    if (!std::ranges::is_sorted(group.buckets, {}, edge)) {
      Add(group.line, fmt::format("the buckets of {} are not in the order of le", name));
    } else if (!std::ranges::is_sorted(group.buckets, {}, count)) {
      Add(group.line, fmt::format("the buckets of {} are not cumulative", name));
    }
    if (group.count && group.buckets.back().second != *group.count) {
      Add(group.line, fmt::format("the last bucket of {} is {}, expected its count {}", name,
                                  group.buckets.back().second, *group.count));
    }
  }

  void Add(uint32_t line, std::string message) {
    problems_.push_back({line, 0, std::move(message)});
  }

  const Family& family_;
  std::vector<Problem>& problems_;
};

void CheckSummary(const Family& family, std::vector<Problem>& problems) {
  for (const Sample& sample : family.samples) {
    if (SuffixOf(family, sample).empty() && sample.Find("quantile") == nullptr) {
      problems.push_back({sample.line, 0, "a value of a summary needs the label quantile"});
    }
  }
}

}  // namespace

std::span<const std::string_view> SampleSuffixes() { return kSuffixes; }

bool TakesSuffix(MetricType type, std::string_view suffix, Syntax syntax) {
  const bool open = syntax == Syntax::kOpenMetrics;
  const bool parts = suffix == "_sum" || suffix == "_count" || (open && suffix == "_created");
  switch (type) {
    case MetricType::kCounter:
      return open ? suffix == "_total" || suffix == "_created" : suffix.empty();
    case MetricType::kHistogram:
      return suffix == "_bucket" || parts;
    case MetricType::kSummary:
      return suffix.empty() || parts;
    case MetricType::kGaugeHistogram:
      return suffix == "_bucket" || suffix == "_gsum" || suffix == "_gcount";
    case MetricType::kInfo:
      return suffix == "_info";
    case MetricType::kUnknown:
    case MetricType::kGauge:
    case MetricType::kStateSet:
      return suffix.empty();
  }
  return false;
}

std::vector<Problem> CheckFamily(const Family& family, Syntax syntax) {
  std::vector<Problem> problems;
  if (!family.type) return problems;
  for (const Sample& sample : family.samples) {
    if (!TakesSuffix(*family.type, SuffixOf(family, sample), syntax)) {
      problems.push_back({sample.line, 0,
                          fmt::format("{} is no sample of the {} {}", sample.name,
                                      ToString(*family.type, syntax), family.name)});
    }
    // A sum of negative observations may be negative; counts may not.
    const bool is_sum = SuffixOf(family, sample) == "_sum";
    if (family.IsCumulative(sample) && !is_sum && !(sample.value >= 0)) {
      problems.push_back(
          {sample.line, 0, fmt::format("{} counts, but is {}", sample.name, sample.value)});
    }
  }
  const bool histogram =
      *family.type == MetricType::kHistogram || *family.type == MetricType::kGaugeHistogram;
  if (histogram) HistogramRules(family, problems).Check();
  if (*family.type == MetricType::kSummary) CheckSummary(family, problems);
  return problems;
}

}  // namespace formats::prometheus
