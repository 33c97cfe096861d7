#include "montage/evaluation/truth/truth.h"

#include <algorithm>
#include <cctype>
#include <tuple>

namespace montage::evaluation {
namespace {

constexpr std::array<std::string_view, kSleepStages> kStageNames = {"W", "N1", "N2", "N3", "REM"};

struct Meaning {
  std::string_view label;
  std::string_view kind;
};
constexpr auto kMeanings = std::to_array<Meaning>({
    {"bckg", "background"},
    {"background", "background"},
    {"spsw", "epileptiform"},
    {"spike", "epileptiform"},
    {"spike_wave", "epileptiform"},
    {"sharp", "epileptiform"},
    {"epileptiform", "epileptiform"},
    {"pled", "PLED"},
    {"lpd", "PLED"},
    {"gped", "GPED"},
    {"gpd", "GPED"},
    {"seiz", "seizure"},
    {"seizure", "seizure"},
    {"fnsz", "seizure"},
    {"gnsz", "seizure"},
    {"spsz", "seizure"},
    {"cpsz", "seizure"},
    {"absz", "seizure"},
    {"tnsz", "seizure"},
    {"cnsz", "seizure"},
    {"tcsz", "seizure"},
    {"atsz", "seizure"},
    {"mysz", "seizure"},
    {"burst_suppression", "burst_suppression"},
    {"burst suppression", "burst_suppression"},
    {"artifact", "artifact"},
    {"artf", "artifact"},
    {"eyem", "artifact"},
    {"musc", "artifact"},
    {"chew", "artifact"},
    {"shiv", "artifact"},
    {"elec", "artifact"},
    {"elpp", "artifact"},
    {"elst", "artifact"},
    {"blink", "artifact"},
    {"muscle", "artifact"},
    {"movement", "artifact"},
    {"electrode_pop", "artifact"},
});

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view Find(std::string_view label) {
  const auto found = std::ranges::find(kMeanings, label, &Meaning::label);
  return found == kMeanings.end() ? std::string_view() : found->kind;
}

}  // namespace

std::string_view ToString(SleepStage stage) { return kStageNames[static_cast<size_t>(stage)]; }

std::optional<SleepStage> ParseSleepStage(std::string_view text) {
  const std::string name = Lower(text);
  if (name == "w" || name == "wake") return SleepStage::kWake;
  if (name == "n1" || name == "1") return SleepStage::kN1;
  if (name == "n2" || name == "2") return SleepStage::kN2;
  if (name == "n3" || name == "n4" || name == "3" || name == "4") return SleepStage::kN3;
  if (name == "r" || name == "rem") return SleepStage::kRem;
  return std::nullopt;
}

std::string_view MeaningOf(std::string_view label) {
  const std::string name = Lower(label);
  const std::string_view whole = Find(name);
  const size_t joint = name.find('_');
  if (!whole.empty() || joint == std::string::npos) return whole;
  // Two artifacts at a time.
  const std::string_view first = Find(std::string_view(name).substr(0, joint));
  const std::string_view second = Find(std::string_view(name).substr(joint + 1));
  return first == "artifact" && second == "artifact" ? first : std::string_view();
}

std::vector<TimedEvent> JoinOverlapping(std::vector<TimedEvent> events) {
  std::ranges::sort(events, [](const TimedEvent& a, const TimedEvent& b) {
    return std::tie(a.kind, a.onset_s, a.duration_s) < std::tie(b.kind, b.onset_s, b.duration_s);
  });
  std::vector<TimedEvent> out;
  for (const TimedEvent& event : events) {
    if (!out.empty() && out.back().kind == event.kind && event.onset_s <= out.back().end_s()) {
      out.back().duration_s = std::max(out.back().end_s(), event.end_s()) - out.back().onset_s;
    } else {
      out.push_back(event);
    }
  }
  std::ranges::sort(out, [](const TimedEvent& a, const TimedEvent& b) {
    return std::tie(a.onset_s, a.kind) < std::tie(b.onset_s, b.kind);
  });
  return out;
}

void TrimWake(std::vector<std::optional<SleepStage>>& stages, size_t epochs) {
  const auto asleep = [](const std::optional<SleepStage>& stage) {
    return stage && *stage != SleepStage::kWake;
  };
  const auto first = std::ranges::find_if(stages, asleep);
  if (first == stages.end()) return;
  const auto last = std::find_if(stages.rbegin(), stages.rend(), asleep).base();
  const auto keep = static_cast<std::ptrdiff_t>(epochs);
  if (first - stages.begin() > keep) std::fill(stages.begin(), first - keep, std::nullopt);
  if (stages.end() - last > keep) std::fill(last + keep, stages.end(), std::nullopt);
}

}  // namespace montage::evaluation
