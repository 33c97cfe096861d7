#include <algorithm>
#include <numeric>
#include <span>

#include <boost/json/array.hpp>

#include "montage/analysis/connectivity/connectivity.h"
#include "montage/analysis/json_values.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;

constexpr size_t kStrongest = 10;

double FourPlaces(double value) { return Decimals(value, 4); }

json::array Numbers(std::span<const double> values) {
  json::array array;
  array.reserve(values.size());
  for (const double value : values) array.push_back(FourPlaces(value));
  return array;
}

double MeanOf(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Pairs with the largest values, the first of equal ones first.
json::array Strongest(const ConnectivityReport& report, std::span<const double> values) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t a = 0; a < report.channels.size(); ++a) {
    for (size_t b = a + 1; b < report.channels.size(); ++b) pairs.emplace_back(a, b);
  }
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t count = std::min(kStrongest, order.size());
  std::ranges::partial_sort(
      order, order.begin() + static_cast<ptrdiff_t>(count),
      [&](size_t x, size_t y) { return values[x] != values[y] ? values[x] > values[y] : x < y; });
  json::array out;
  for (size_t i = 0; i < count; ++i) {
    const auto& [a, b] = pairs[order[i]];
    out.push_back(json::object{{"channels", json::array{report.channels[a], report.channels[b]}},
                               {"value", FourPlaces(values[order[i]])}});
  }
  return out;
}

json::object Describe(const ConnectivityReport& report, std::span<const double> values) {
  return json::object{{"mean", FourPlaces(MeanOf(values))},
                      {"strongest", Strongest(report, values)},
                      {"pairs", Numbers(values)}};
}

}  // namespace

json::object ToJson(const ConnectivityReport& report) {
  json::object object;
  object["channels"] = JsonNames(report.channels);
  object["left_out_channels"] = JsonNames(report.left_out);
  object["rate_hz"] = report.rate_hz;
  object["segments"] = report.segments;
  object["epochs"] = report.epochs;
  object["with_artifacts"] = report.with_artifacts;
  object["pair_order"] = "(0, 1), (0, 2), ... (1, 2), ... of channels";
  json::object bands;
  for (const BandConnectivity& band : report.bands) {
    json::object described;
    described["range_hz"] = json::array{band.band.range.low, band.band.range.high};
    described["coherence"] = Describe(report, band.coherence);
    described["imaginary_coherence"] = Describe(report, band.imaginary_coherence);
    described["phase_locking"] = Describe(report, band.phase_locking);
    described["weighted_phase_lag"] = Describe(report, band.weighted_phase_lag);
    bands[band.band.name] = std::move(described);
  }
  object["bands"] = std::move(bands);
  return object;
}

}  // namespace montage::analysis
