#include "montage/analysis/sleep/derivations.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::analysis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RecordingView View(const std::vector<std::string>& eeg, double rate_hz = 128) {
  RecordingView view;
  view.duration_s = 3600;
  for (const std::string& name : eeg) {
    view.channels.push_back({.name = name, .label = name, .rate_hz = rate_hz, .samples = 460800});
  }
  return view;
}

void Add(RecordingView& view, ChannelKind kind, const std::string& name, double rate_hz = 128) {
  view.channels.push_back({name, name, kind, rate_hz, static_cast<uint64_t>(3600 * rate_hz)});
}

std::vector<std::string> Names(const std::vector<Derivation>& derivations) {
  std::vector<std::string> names;
  names.reserve(derivations.size());
  for (const Derivation& derivation : derivations) names.push_back(derivation.name);
  return names;
}

TEST(Derivations, PreferTheRecommendedOnesAgainstTheOtherMastoid) {
  RecordingView view = View({"F3", "F4", "C3", "C4", "O1", "O2", "M1", "M2"});
  const auto chosen = ChooseDerivations(view, nullptr);
  EXPECT_THAT(Names(chosen.central), ElementsAre("C4-M1", "C3-M2"));
  EXPECT_THAT(Names(chosen.frontal), ElementsAre("F4-M1", "F3-M2"));
  EXPECT_THAT(Names(chosen.occipital), ElementsAre("O2-M1", "O1-M2"));
  EXPECT_EQ(chosen.vertex->name, "C4-M1");
  EXPECT_FALSE(chosen.bipolar);
}

TEST(Derivations, ALeadThatIsReferencedAlreadyIsTakenAsItIs) {
  RecordingView view = View({"C4", "M1"});
  view.channels[0].label = "EEG C4-M1";
  EXPECT_THAT(Names(ChooseDerivations(view, nullptr).central), ElementsAre("C4"));
  view.channels[0].label = "EEG C4-REF";
  EXPECT_THAT(Names(ChooseDerivations(view, nullptr).central), ElementsAre("C4-M1"));
  view.channels[1].rate_hz = 64;
  EXPECT_THAT(Names(ChooseDerivations(view, nullptr).central), ElementsAre("C4"));
}

TEST(Derivations, SleepEdfLeadsStandForCentralAndPosterior) {
  RecordingView view = View({"Fpz-Cz", "Pz-Oz"}, 100);
  Add(view, ChannelKind::kEog, "EOG horizontal", 100);
  Add(view, ChannelKind::kEmg, "EMG submental", 1);
  const auto chosen = ChooseDerivations(view, nullptr);
  EXPECT_THAT(Names(chosen.central), ElementsAre("Fpz-Cz"));
  EXPECT_THAT(Names(chosen.occipital), ElementsAre("Pz-Oz"));
  EXPECT_TRUE(chosen.bipolar);
  EXPECT_EQ(chosen.eyes->name, "EOG horizontal");
  EXPECT_FALSE(chosen.eyes_see_brain);
  EXPECT_EQ(chosen.chin->name, "EMG submental");
  EXPECT_TRUE(chosen.chin_is_envelope);
}

TEST(Derivations, WithoutACentralElectrodeTheNearestStandsIn) {
  const auto chosen = ChooseDerivations(View({"Fp1", "F3", "O1"}), nullptr);
  EXPECT_THAT(Names(chosen.central), ElementsAre("F3", "O1"));
  EXPECT_THAT(chosen.notes, Contains(HasSubstr("F3 stands in")));
}

TEST(Derivations, BadChannelsAreNotTaken) {
  const RecordingView view = View({"C3", "C4", "Cz"});
  QualityReport quality;
  quality.channels = {
      {.name = "C3", .bad = true, .faults = {ChannelFault::kLineNoise, ChannelFault::kDcOffset}},
      {.name = "C4", .bad = true, .faults = {ChannelFault::kLineNoise, ChannelFault::kFlat}},
      {.name = "Cz"}};
  // Mains and offset are filtered off; a flat channel is lost.
  EXPECT_THAT(Names(ChooseDerivations(view, &quality).central), ElementsAre("C3", "Cz"));
}

TEST(Derivations, EyesAreLeftMinusRightAndLegsAreNoChin) {
  RecordingView view = View({"C4"});
  Add(view, ChannelKind::kEog, "EOG ROC");
  Add(view, ChannelKind::kEog, "EOG LOC");
  Add(view, ChannelKind::kEmg, "EMG tibialis L");
  Add(view, ChannelKind::kEmg, "EMG chin");
  const auto chosen = ChooseDerivations(view, nullptr);
  EXPECT_EQ(chosen.eyes->name, "EOG LOC - EOG ROC");
  EXPECT_EQ(chosen.chin->name, "EMG chin");
  EXPECT_FALSE(chosen.chin_is_envelope);
}

TEST(Derivations, OneEyeAgainstAReferenceSeesTheBrain) {
  RecordingView view = View({"C4"});
  Add(view, ChannelKind::kEog, "EOG vertical");
  EXPECT_FALSE(ChooseDerivations(view, nullptr).eyes.has_value());
  Add(view, ChannelKind::kEog, "E1");
  const auto chosen = ChooseDerivations(view, nullptr);
  EXPECT_EQ(chosen.eyes->name, "E1");
  EXPECT_TRUE(chosen.eyes_see_brain);
}

TEST(Derivations, NothingIsMadeOfChannelsThatCannotBeRead) {
  EXPECT_FALSE(ChooseDerivations(View({}), nullptr).CanStage());
  EXPECT_FALSE(ChooseDerivations(View({"C4", "C3"}, 50), nullptr).CanStage());
  EXPECT_FALSE(ChooseDerivations(View({"Signal 7"}), nullptr).CanStage());
  RecordingView empty = View({"C4"});
  empty.channels[0].samples = 0;
  EXPECT_FALSE(ChooseDerivations(empty, nullptr).CanStage());
  RecordingView ears = View({"M1", "M2"});
  EXPECT_THAT(ChooseDerivations(ears, nullptr).central, IsEmpty());
}

}  // namespace
}  // namespace montage::analysis
