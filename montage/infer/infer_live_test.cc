// montage-infer as a process, with real TorchScript archives: the example model and odd ones.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crypto/hash.h"
#include "lib/process/spawn.h"
#include "lib/process/table.h"
#include "lib/synth/eeg.h"
#include "lib/testing/temp_dir.h"
#include "montage/analysis/abnormality/model_windows.h"
#include "montage/inference/inference_client.h"
#include "montage/inference/model_store.h"

namespace montage::infer {
namespace {

using base::Deadline;
using base::ErrorCode;
using inference::InferenceClient;
using inference::InferenceOptions;
using testing::Each;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kExample = ASSAY_SOURCE_DIR "/tests/data/models/eeg-example.pt";

std::filesystem::path Beside(std::string_view program) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
}

InferenceOptions Options(const std::string& model) {
  return {.process = {.program = Beside("montage-infer").string(),
                      .model = model,
                      .sha256 = crypto::Sha256Hex(testing_support::ReadFile(model))}};
}

base::Result<std::unique_ptr<InferenceClient>> Start(const std::string& model) {
  return InferenceClient::Start(Options(model), Deadline::After(60s));
}

std::unique_ptr<InferenceClient> Example() {
  auto client = Start(std::string(kExample));
  EXPECT_TRUE(client.has_value()) << client.error().ToString();
  return std::move(client).value_or(nullptr);
}

/// The windows of a generated minute, as they reach a model at work.
std::vector<float> Windows(InferenceClient& client, std::vector<synth::Plant> plants) {
  const auto generator = synth::EegGenerator::Create({.channels = *synth::FirstChannels(19),
                                                      .rate_hz = 128,
                                                      .duration_s = 60,
                                                      .seed = 20'001,
                                                      .plants = std::move(plants)});
  analysis::MemoryRecording recording;
  std::vector<int16_t> ticks(size_t{60} * 128);
  for (size_t c = 0; c < 19; ++c) {
    generator->Render(c, 0, ticks);
    recording.Add(generator->spec().channels[c], 128, {ticks.begin(), ticks.end()});
  }
  const auto windows = analysis::ModelWindows::Create(recording.view(), {}, client, 4);
  EXPECT_TRUE(windows.has_value()) << windows.error().ToString();
  return windows->Read(0, windows->count(), Deadline::Never()).value();
}

constexpr size_t kMinute = 15;  ///< windows

double MeanScore(InferenceClient& client, std::vector<synth::Plant> plants) {
  const auto scores = client.AbnormalProbabilities(Windows(client, std::move(plants)), kMinute,
                                                   Deadline::After(60s));
  EXPECT_TRUE(scores.has_value()) << scores.error().ToString();
  return std::accumulate(scores->begin(), scores->end(), 0.0) / kMinute;
}

TEST(Example, IsLoadedDescribedAndConfined) {
  const auto client = Example();
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->name(), "eeg-example");
  EXPECT_EQ(client->rate_hz(), 128);
  EXPECT_EQ(client->window_s(), 4);
  EXPECT_EQ(client->channels().size(), 19U);
  const auto sidecar = testing_support::ReadFile(std::string(kExample) + ".sha256");
  EXPECT_EQ(client->hello().sha256, sidecar.substr(0, 64));
}

TEST(Example, TellsPeriodicDischargesAndSlowingFromRestAndBlinks) {
  const auto client = Example();
  ASSERT_NE(client, nullptr);
  EXPECT_LT(MeanScore(*client, {}), 0.2);
  EXPECT_LT(MeanScore(*client, {{.kind = synth::PlantKind::kBlink, .every_s = 4}}), 0.2);
  EXPECT_GT(MeanScore(*client, {{.kind = synth::PlantKind::kGped}}), 0.8);
  EXPECT_GT(MeanScore(*client, {{.kind = synth::PlantKind::kSlowing}}), 0.8);
}

TEST(Example, GivesTheSameScoresInEveryCallAndEveryProcess) {
  const auto client = Example();
  ASSERT_NE(client, nullptr);
  std::vector<float> windows;
  for (int i = 0; i < 10; ++i) {
    const auto minute = Windows(*client, {});
    windows.insert(windows.end(), minute.begin(), minute.end());
  }
  const auto score = [&](InferenceClient& by) {
    return by.AbnormalProbabilities(windows, 10 * kMinute, Deadline::After(60s)).value();
  };
  const auto first = score(*client);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(score(*client), first);
    EXPECT_EQ(score(*Example()), first);
  }
}

TEST(Example, DamagedFilesAreRefusedWithoutHarm) {
  const testing_support::TempDir folder;
  const std::string good = testing_support::ReadFile(std::string(kExample));
  const auto error = [&](std::string_view name, const std::string& bytes) {
    // With the digest of the damaged bytes, so that libtorch itself must refuse them.
    const auto client = Start(folder.Write(name, bytes).string());
    return client ? std::string() : client.error().message;
  };
  for (const size_t size : {size_t{0}, good.size() / 2, good.size() - 1})
    EXPECT_THAT(error("cut", good.substr(0, size)), HasSubstr("no TorchScript archive")) << size;
  for (size_t at = 0; at < good.size(); at += good.size() / 8) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    // A flipped weight may still load; the digest is what finds it. Nothing else may happen than a
    // refusal or a model.
    const std::string said = error("flipped", flipped);
    EXPECT_TRUE(said.empty() || said.contains("model") || said.contains("archive")) << said;
  }
  EXPECT_THAT(error("zip", "PK\x03\x04" + std::string(100, '\0')), HasSubstr("archive"));
}

TEST(Example, ADigestThatDoesNotFitIsRefusedByTheProgram) {
  InferenceOptions options = Options(std::string(kExample));
  options.process.sha256 = std::string(64, '0');
  const auto client = InferenceClient::Start(options, Deadline::After(60s));
  EXPECT_THAT(client.error().message, HasSubstr("expected 000"));
}

class OddModels : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<testing_support::TempDir>();
    const auto made = process::Spawn(
        {.argv = {Beside("montage_infer_odd_models").string(), folder->path().string()}});
    ASSERT_TRUE(made.has_value()) << made.error().ToString();
    int status = -1;
    ::waitpid(*made, &status, 0);
    ASSERT_EQ(status, 0);
    folder->Write("secret", "password");
  }
  static void TearDownTestSuite() { folder.reset(); }

  static InferenceOptions OptionsOf(std::string_view name) {
    return Options((*folder / (std::string(name) + ".pt")).string());
  }
  static base::Result<std::unique_ptr<InferenceClient>> Start(std::string_view name) {
    return InferenceClient::Start(OptionsOf(name), Deadline::After(60s));
  }
  static std::string StartError(std::string_view name) {
    const auto client = Start(name);
    return client ? "it started" : client.error().ToString();
  }
  static std::vector<float> Constant(size_t count, float value) {
    return std::vector<float>(count * 600, value);
  }

  static inline std::unique_ptr<testing_support::TempDir> folder;
};

TEST_F(OddModels, ProbabilitiesLogitsAndColumnsMeanTheSame) {
  for (const std::string_view name : {"good", "logit", "column"}) {
    const auto client = Start(name);
    ASSERT_TRUE(client.has_value()) << name << ": " << client.error().ToString();
    const auto scores =
        (*client)->AbnormalProbabilities(Constant(100, 2.0F), 100, Deadline::After(60s));
    ASSERT_TRUE(scores.has_value()) << scores.error().ToString();
    // The logistic function of 2.
    EXPECT_THAT(*scores, Each(testing::FloatNear(0.880797F, 1e-6F))) << name;
  }
}

TEST_F(OddModels, AreRefusedBeforeTheyServeAndSayWhy) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"no-card", "reading montage.json"},
      {"bad-card", "rate_hz of the model is \"fast\""},
      {"no-forward", "no method forward"},
      {"other-input", "forward failed"},
      {"wrong-shape", "forward returned Float[2, 3]"},
      {"wrong-type", "forward returned Double[2]"},
      {"tuple", "forward returned a Tuple"},
      {"nan", "no probability"},
      {"out-of-range", "no probability"},
      {"raises", "not today"},
  };
  for (const auto& [name, why] : cases)
    EXPECT_THAT(StartError(name), HasSubstr(std::string(why))) << name;
}

TEST_F(OddModels, AModelThatDrawsRandomNumbersIsRefused) {
  // A confined one cannot even get a seed.
  for (const std::string_view name : {"random", "dropout"})
    EXPECT_THAT(StartError(name),
                testing::AnyOf(HasSubstr("two different scores"), HasSubstr("/dev/urandom")));
}

TEST_F(OddModels, AModelThatNeverEndsIsKilled) {
  InferenceOptions options = OptionsOf("endless");
  options.start_timeout = 3s;
  const auto started = InferenceClient::Start(options, Deadline::After(60s));
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::kTimeout);

  options = OptionsOf("endless-later");
  options.frame_timeout = 1s;
  const auto client = InferenceClient::Start(options, Deadline::After(60s)).value();
  EXPECT_EQ(
      client->AbnormalProbabilities(Constant(1, 100.0F), 1, Deadline::After(60s)).error().code,
      ErrorCode::kUnavailable);
  EXPECT_TRUE(
      client->AbnormalProbabilities(Constant(1, 1.0F), 1, Deadline::After(60s)).has_value());
  EXPECT_EQ(client->starts(), 2U);
}

TEST_F(OddModels, AModelThatEatsMemoryMeetsItsLimit) {
  if (inference::kDefaultMemoryBytes == 0)
    GTEST_SKIP() << "a sanitizer needs the whole address space";
  InferenceOptions options = OptionsOf("hungry");
  options.process.memory_bytes = uint64_t{2} << 30;
  const auto client = InferenceClient::Start(options, Deadline::After(60s));
  ASSERT_FALSE(client.has_value());
  EXPECT_THAT(client.error().ToString(), HasSubstr("forward failed"));
}

TEST_F(OddModels, AModelWritesNoFile) {
  (void)Start("writes-file");
  EXPECT_FALSE(std::filesystem::exists(*folder / "written"));
}

TEST_F(OddModels, AModelReadsNoFile) {
  const auto good = Start("good");
  ASSERT_TRUE(good.has_value()) << good.error().ToString();
  if (!(*good)->hello().confined) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_THAT(StartError("reads-file"), HasSubstr("forward failed"));
}

/// The process ids of montage-infer that this test program has started.
std::vector<process::Identity> Children() {
  const auto all = process::ListAll();
  return process::DescendantsOf(::getpid(), all);
}

TEST_F(OddModels, AProcessThatWasKilledIsReplaced) {
  const auto client = Start("good").value();
  const auto children = Children();
  ASSERT_EQ(children.size(), 1U);
  ASSERT_TRUE(process::Signal(children[0], SIGKILL));
  EXPECT_TRUE(
      client->AbnormalProbabilities(Constant(1, 1.0F), 1, Deadline::After(60s)).has_value());
  EXPECT_EQ(client->starts(), 2U);
}

TEST_F(OddModels, NoProcessIsLeftBehind) {
  {
    const auto client = Start("good").value();
  }
  EXPECT_THAT(Children(), testing::IsEmpty());
}

TEST_F(OddModels, AProcessEndsWithItsParentWhateverItIsAt) {
  // The child of this child computes for ever; what it is connected to ends with its parent.
  const pid_t parent = ::fork();
  if (parent == 0) {
    InferenceOptions options = OptionsOf("endless");
    options.start_timeout = 500ms;
    const auto stream = inference::ModelProcess::Start(options.process, Deadline::After(60s));
    ::_exit(0);
  }
  std::vector<process::Identity> all;
  const base::SystemClock clock;
  const Deadline soon = Deadline::After(30s);
  while (all.size() < 2 && !soon.HasPassed(clock)) all = Children();
  ASSERT_EQ(all.size(), 2U);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  const auto is_alive = [&] {
    return std::ranges::any_of(all, [](const auto& one) { return process::IsAlive(one); });
  };
  while (is_alive() && !soon.HasPassed(clock)) ::usleep(1000);
  EXPECT_FALSE(is_alive());
}

TEST_F(OddModels, AStoreMendsADamagedArchive) {
  const base::ManualClock clock;
  const std::string good = testing_support::ReadFile(std::string(kExample));
  const std::string model = folder->Write("served.pt", good).string();
  inference::ModelStore store(
      {.file = {.model = model, .sha256 = crypto::Sha256Hex(good), .source = std::string(kExample)},
       .inference = {.process = {.program = Beside("montage-infer").string()}}},
      clock);
  const Deadline soon = Deadline::After(60s);
  store.Prepare(soon);
  ASSERT_EQ(store.status().state, inference::ModelState::kReady);
  folder->Write("served.pt", good.substr(0, 1000));
  EXPECT_TRUE(store.Admit(soon).has_value());
  EXPECT_FALSE(store.Admit(soon).has_value());
  EXPECT_EQ(testing_support::ReadFile(model), good);
  EXPECT_LT(MeanScore(*store.client(), {}), 0.2);
}

}  // namespace
}  // namespace montage::infer
