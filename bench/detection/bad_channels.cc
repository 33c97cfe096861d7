#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bench/detection/analysing.h"

namespace detection {
namespace {

using montage::evaluation::Count;
using montage::evaluation::FigureTable;

constexpr double kBar = 0.95;

/// Bad channels that were found, and good ones that were left alone.
struct Tally {
  Count bad;
  Count good;
};

using Tallies = std::map<std::string, Tally>;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// What was planted in each bad channel.
std::map<std::string, std::string> FaultsOf(const Outcome& outcome) {
  std::map<std::string, std::string> out;
  for (const synth::Plant& plant : outcome.recording.spec.plants) {
    for (const std::string& channel : plant.channels) {
      if (Contains(outcome.bad_channels, channel)) out[channel] = synth::TraitsOf(plant.kind).name;
    }
  }
  return out;
}

void Add(const Outcome& outcome, Tallies& tallies) {
  const synth::EegSpec& spec = outcome.recording.spec;
  const auto faults = FaultsOf(outcome);
  for (const std::string& channel : spec.channels) {
    const bool bad = Contains(outcome.bad_channels, channel);
    const bool found = Contains(outcome.compared.prediction.bad_channels, channel);
    std::vector<std::string> groups = {
        "all", fmt::format("{} channels", spec.channels.size()), fmt::format("{} Hz", spec.rate_hz),
        fmt::format("{} surroundings", ToString(outcome.recording.noise))};
    if (bad) groups.push_back(faults.at(channel));
    for (const std::string& group : groups)
      (bad ? tallies[group].bad : tallies[group].good).Add(bad == found);
  }
}

}  // namespace

base::Result<Measured> MeasureBadChannels(const Selection& selection, const Progress& progress) {
  const montage::analysis::Request request{.type = montage::analysis::AnalysisType::kQuick,
                                           .spectral_analysis = false};
  TRY(const auto outcomes, AnalyseAll(BadChannelCorpus(selection), request, progress));
  Tallies tallies;
  for (const Outcome& outcome : outcomes) Add(outcome, tallies);
  FigureTable table{.title = "Bad channels"};
  const auto add = [&](const std::string& group, std::optional<double> bar) {
    const Tally& tally = tallies[group];
    table.AddShare(group, "sensitivity", tally.bad, "bad channels", bar);
    if (tally.good.trials > 0)
      table.AddShare(group, "specificity", tally.good, "good channels", bar);
  };
  add("all", kBar);
  for (const auto& [group, tally] : tallies)
    if (group != "all") add(group, std::nullopt);
  Measured out = MeasuredOf(outcomes);
  out.tables.push_back(std::move(table));
  return out;
}

}  // namespace detection
