#include "lib/formats/edf/channel_names.h"

#include <cmath>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace formats::edf {
namespace {

struct Case {
  std::string label;
  std::string canonical;
  SignalKind kind;
  std::string reference;
  bool bipolar;
};

class RealLabels : public ::testing::TestWithParam<Case> {};

TEST_P(RealLabels, AreUnderstood) {
  const Case& expected = GetParam();
  const ChannelName name = ParseChannelName(expected.label);
  EXPECT_EQ(name.canonical, expected.canonical);
  EXPECT_EQ(ToString(name.kind), ToString(expected.kind));
  EXPECT_EQ(name.reference, expected.reference);
  EXPECT_EQ(name.bipolar, expected.bipolar);
}

INSTANTIATE_TEST_SUITE_P(
    ChannelNames, RealLabels,
    ::testing::Values(Case{"EEG FP1-REF", "Fp1", SignalKind::kEeg, "REF", false},
                      Case{"EEG T3-LE", "T7", SignalKind::kEeg, "LE", false},
                      Case{"EEG T4-REF", "T8", SignalKind::kEeg, "REF", false},
                      Case{"EEG T5-REF", "P7", SignalKind::kEeg, "REF", false},
                      Case{"EEG T6-REF", "P8", SignalKind::kEeg, "REF", false},
                      Case{"EEG A1-REF", "M1", SignalKind::kEeg, "REF", false},
                      Case{"EEG Fpz-Cz", "Fpz-Cz", SignalKind::kEeg, "Cz", true},
                      Case{"EEG Pz-Oz", "Pz-Oz", SignalKind::kEeg, "Oz", true},
                      Case{"FP1-F7", "Fp1-F7", SignalKind::kEeg, "F7", true},
                      Case{"C3-A2", "C3", SignalKind::kEeg, "M2", false},
                      Case{"C3:M2", "C3", SignalKind::kEeg, "M2", false},
                      Case{"Fc5.", "FC5", SignalKind::kEeg, "", false},
                      Case{"cz", "Cz", SignalKind::kEeg, "", false},
                      Case{"EOG horizontal", "EOG horizontal", SignalKind::kEog, "", false},
                      Case{"LOC-A2", "LOC-A2", SignalKind::kEog, "", false},
                      Case{"E1-M2", "E1-M2", SignalKind::kEog, "", false},
                      Case{"EMG submental", "EMG submental", SignalKind::kEmg, "", false},
                      Case{"EKG1-REF", "EKG1-REF", SignalKind::kEcg, "", false},
                      Case{"Resp oro-nasal", "Resp oro-nasal", SignalKind::kRespiration, "", false},
                      Case{"Temp rectal", "Temp rectal", SignalKind::kTemperature, "", false},
                      Case{"Event marker", "Event marker", SignalKind::kTrigger, "", false},
                      Case{"EDF Annotations", "EDF Annotations", SignalKind::kAnnotation, "",
                           false},
                      Case{"EEG 26-REF", "26-REF", SignalKind::kEeg, "", false},
                      Case{"sine 2.5Hz", "sine 2.5Hz", SignalKind::kOther, "", false},
                      Case{"", "", SignalKind::kOther, "", false}));

TEST(Electrodes, BeginWithTheNineteenOfTheTenTwentySystem) {
  std::string names;
  for (const Electrode& electrode : StandardElectrodes())
    names += std::string(electrode.name) + " ";
  EXPECT_EQ(names, "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2 ");
}

TEST(Electrodes, AreDistinctPlacesOnTheUnitSphere) {
  std::set<std::string_view> names;
  for (const Electrode& e : Electrodes()) {
    EXPECT_TRUE(names.insert(e.name).second) << e.name;
    EXPECT_NEAR(std::hypot(e.x, e.y, e.z), 1.0, 0.02) << e.name;
  }
}

TEST(Electrodes, LieWhereTheirNamesSay) {
  const auto at = [](std::string_view name) { return *FindElectrode(name); };
  EXPECT_LT(at("C3").x, 0);            // odd is left
  EXPECT_GT(at("C4").x, 0);            // even is right
  EXPECT_GT(at("Fp1").y, at("F3").y);  // front is +y
  EXPECT_GT(at("P3").y, at("O1").y);
  EXPECT_DOUBLE_EQ(at("Cz").z, 1.0);
  EXPECT_EQ(FindElectrode("T3"), FindElectrode("T7"));
  EXPECT_EQ(FindElectrode("Q9"), nullptr);
}

}  // namespace
}  // namespace formats::edf
