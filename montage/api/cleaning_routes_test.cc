#include <gmock/gmock.h>

#include "montage/api/api_fixture.h"

namespace montage::api {
namespace {

using testing::HasSubstr;

/// 12 channels of 60 s, one of them flat.
std::string Spoiled() {
  synth::EegSpec spec{.channels = *synth::FirstChannels(12), .rate_hz = 64, .duration_s = 60};
  spec.plants.push_back({.kind = synth::PlantKind::kFlat, .channels = {"C3"}});
  formats::edf::MemorySink sink;
  EXPECT_TRUE(synth::GenerateEeg(spec, sink).has_value());
  return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
}

TEST_F(ApiTest, CleaningMakesARecordingOfItsOwn) {
  const std::string token = Token("ann_lee");
  const std::string file_id = Upload(token, Spoiled()).Text("file_id");
  const Answer answer = Post("/api/v1/eeg/files/" + file_id + "/clean", token, "");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(boost::json::serialize(answer.json().at("bad_channels")), R"(["C3"])");
  EXPECT_EQ(boost::json::serialize(answer.json().at("interpolated_channels")), R"(["C3"])");
  EXPECT_TRUE(answer.json().at("changed").as_bool());
  EXPECT_NE(answer.Text("file_id"), file_id);
  const std::string cleaned =
      Get("/api/v1/eeg/files/" + answer.Text("file_id") + "/content", token).text;
  EXPECT_EQ(cleaned.size(), Spoiled().size());
  EXPECT_EQ(cleaned.substr(0, 256 * 13), Spoiled().substr(0, 256 * 13)) << "the header stays";
  EXPECT_THAT(LastAudit(), HasSubstr(" eeg.download "));
  EXPECT_EQ(Post("/api/v1/eeg/files/" + file_id + "/clean", Token("eve"), "").status, 404);
}

}  // namespace
}  // namespace montage::api
