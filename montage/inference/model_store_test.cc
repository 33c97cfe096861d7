#include "montage/inference/model_store.h"

#include <atomic>
#include <filesystem>
#include <latch>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/server.h"
#include "lib/net/cancellation.h"
#include "lib/net/runtime.h"
#include "montage/inference/fake_model_testing.h"

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Serves one text at every path on a loop of its own and counts the requests.
class Source {
 public:
  Source() : thread_([this] { runtime_.Run(Main()); }) { started_.wait(); }
  ~Source() {
    stop_.Request();
    thread_.join();
  }

  std::string url() const { return url_; }
  int downloads() const { return downloads_; }
  void Serve(int status, std::string text) {
    const std::scoped_lock lock(mutex_);
    status_ = status;
    text_ = std::move(text);
  }

 private:
  net::Task<void> Main() {
    const http::Handler handler = [this](http::Request&) -> net::Task<http::Response> {
      ++downloads_;
      const std::scoped_lock lock(mutex_);
      co_return http::Response::Text(status_, text_);
    };
    auto server = http::Server::Start({co_await net::CurrentExecutor()}, handler, {}).value();
    url_ = server->url() + "/models/eeg.pt";
    started_.count_down();
    (void)co_await stop_.Wait(Deadline::Never());
    (void)co_await server->Shutdown(Deadline::After(1s));
  }

  std::mutex mutex_;
  int status_ = 200;
  std::string text_;
  std::atomic<int> downloads_ = 0;
  std::string url_;
  std::latch started_{1};
  net::Runtime runtime_;
  net::Cancellation stop_;
  std::thread thread_;
};

class ModelStoreTest : public testing::Test {
 public:
  ModelStoreTest() { Put(kGood); }

  ModelStoreOptions Options() const {
    return {.file = {.model = model_, .sha256 = crypto::Sha256Hex(kGood)},
            .inference = {.process = {.program = FakeProgram()}},
            .pause = 5s,
            .on_fetch = [this](std::string_view outcome) { outcomes_.emplace_back(outcome); }};
  }
  ModelStoreOptions WithSource() const {
    ModelStoreOptions options = Options();
    options.file.source = source_.url();
    return options;
  }
  void Put(std::string_view text) const { folder_.Write("model.pt", text); }
  /// Changes the file in place, as a failing disk does; size and name stay.
  void Flip() const {
    std::string text = testing_support::ReadFile(model_);
    text.back() = text.back() == 'x' ? 'y' : 'x';
    Put(text);
  }
  std::optional<Refusal> Admit(ModelStore& store) const { return store.Admit(soon_); }
  std::string Reason(ModelStore& store) const {
    const auto refusal = Admit(store);
    return refusal ? refusal->reason : "";
  }
  size_t Leftovers() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      count += entry.path().filename() == "model.pt" ? 0U : 1U;
    return count;
  }

  static constexpr std::string_view kGood = "ok and some weights x";
  static constexpr std::string_view kDamage = "damaged or not the expected one";
  testing_support::TempDir folder_;
  const std::filesystem::path model_ = folder_ / "model.pt";
  base::ManualClock clock_;
  Source source_;
  mutable std::vector<std::string> outcomes_;
  const Deadline soon_ = Deadline::After(60s);
};

TEST_F(ModelStoreTest, WithoutAModelEverythingIsAdmitted) {
  ModelStore store({}, clock_);
  store.Prepare(soon_);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(store.status().state, ModelState::kNone);
  EXPECT_EQ(store.client(), nullptr);
  EXPECT_EQ(store.model(), nullptr);
}

TEST_F(ModelStoreTest, AGoodModelIsLoadedOnce) {
  ModelStore store(Options(), clock_);
  store.Prepare(soon_);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Admit(store).has_value());
  const ModelStatus status = store.status();
  EXPECT_EQ(status.state, ModelState::kReady);
  EXPECT_FALSE(status.has_changed);
  EXPECT_EQ(status.hello->card.name, "fake");
  EXPECT_EQ(store.client()->starts(), 1U);
  EXPECT_EQ(store.client()->AbnormalProbabilities(FakeWindows(1, 0.5F), 1, soon_).value().at(0),
            0.5F);
}

TEST_F(ModelStoreTest, TheDigestMayStandInAFileBesideTheModel) {
  ModelStoreOptions options = Options();
  options.file.sha256.clear();
  folder_.Write("model.pt.sha256", crypto::Sha256Hex(kGood) + "  model.pt\n");
  ModelStore store(options, clock_);
  EXPECT_FALSE(Admit(store).has_value());
  // A new model comes as a file and its digest.
  const std::string next = "v2 other weights";
  folder_.Write("model.pt.sha256", crypto::Sha256Hex(next));
  Put(next);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(store.status().hello->card.version, "2");
  folder_.Write("model.pt.sha256", "none");
  EXPECT_EQ(Admit(store)->error.code, ErrorCode::kInvalid);
}

TEST_F(ModelStoreTest, AModelWithoutADigestIsNeverLoaded) {
  ModelStoreOptions options = Options();
  options.file.sha256.clear();
  ModelStore store(options, clock_);
  EXPECT_THAT(Admit(store)->error.message, HasSubstr("no SHA-256"));
  EXPECT_EQ(store.status().state, ModelState::kFailed);
}

TEST_F(ModelStoreTest, DamageIsNoticedAtTheNextRequest) {
  using Damage = std::function<void(const ModelStoreTest&)>;
  const Damage cases[] = {
      [](const ModelStoreTest& test) { test.Put(kGood.substr(0, kGood.size() / 2)); },
      [](const ModelStoreTest& test) { test.Put(""); },
      [](const ModelStoreTest& test) { test.Flip(); },
      [](const ModelStoreTest& test) { std::filesystem::remove(test.model_); },
  };
  for (const Damage& damage : cases) {
    Put(kGood);
    ModelStore store(Options(), clock_);
    store.Prepare(soon_);
    ASSERT_FALSE(Admit(store).has_value());
    damage(*this);
    EXPECT_TRUE(store.status().has_changed);
    EXPECT_NE(Reason(store), "");
    EXPECT_EQ(store.status().state, ModelState::kFailed);
    EXPECT_EQ(store.client(), nullptr);
    // A job that was taken before must not be answered by anything else.
    const auto model = store.model();
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->AbnormalProbabilities({}, 0, soon_).error().code, ErrorCode::kUnavailable);
  }
}

TEST_F(ModelStoreTest, AJobThatHasTheModelKeepsItThroughDamage) {
  ModelStore store(Options(), clock_);
  store.Prepare(soon_);
  const auto client = store.client();
  Flip();
  ASSERT_TRUE(Admit(store).has_value());
  EXPECT_TRUE(client->AbnormalProbabilities(FakeWindows(1, 0.5F), 1, soon_).has_value());
}

TEST_F(ModelStoreTest, AFailureIsToldOnceAndThenMendedFromTheSource) {
  source_.Serve(200, std::string(kGood));
  ModelStore store(WithSource(), clock_);
  store.Prepare(soon_);
  Flip();
  EXPECT_THAT(Reason(store), HasSubstr(kDamage));
  EXPECT_EQ(source_.downloads(), 0);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(source_.downloads(), 1);
  EXPECT_EQ(testing_support::ReadFile(model_), kGood);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(source_.downloads(), 1);
  EXPECT_EQ(store.status().fetches, 1U);
  EXPECT_THAT(outcomes_, testing::ElementsAre("installed"));
  EXPECT_EQ(Leftovers(), 0U);
}

TEST_F(ModelStoreTest, AFailureFoundAtTheStartIsToldToTheFirstRequest) {
  Flip();
  source_.Serve(200, std::string(kGood));
  ModelStore store(WithSource(), clock_);
  store.Prepare(soon_);
  EXPECT_EQ(store.status().state, ModelState::kFailed);
  EXPECT_NE(Reason(store), "");
  EXPECT_EQ(source_.downloads(), 0);
  EXPECT_EQ(Reason(store), "");
  EXPECT_EQ(source_.downloads(), 1);
}

TEST_F(ModelStoreTest, AModelThatWasNeverThereIsFetchedAtTheStart) {
  std::filesystem::remove(model_);
  source_.Serve(200, std::string(kGood));
  ModelStore store(WithSource(), clock_);
  store.Prepare(soon_);
  EXPECT_EQ(store.status().state, ModelState::kReady);
  EXPECT_EQ(source_.downloads(), 1);
}

TEST_F(ModelStoreTest, ManyRequestsAtOnceFetchOnce) {
  source_.Serve(200, std::string(kGood));
  ModelStore store(WithSource(), clock_);
  store.Prepare(soon_);
  Flip();
  ASSERT_TRUE(Admit(store).has_value());
  std::latch together(10);
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  threads.reserve(10);
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      if (!Admit(store)) ++admitted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 10);
  EXPECT_EQ(source_.downloads(), 1);
}

TEST_F(ModelStoreTest, ManyRequestsAtOnceShareOneFailedFetch) {
  source_.Serve(200, "something else");
  ModelStore store(WithSource(), clock_);
  Flip();
  ASSERT_TRUE(Admit(store).has_value());
  std::latch together(10);
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  threads.reserve(10);
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      if (Admit(store)) ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(source_.downloads(), 1);
}

TEST_F(ModelStoreTest, ADamagedDownloadIsNotInstalledAndThereIsAPause) {
  source_.Serve(200, std::string(kGood.substr(1)));
  ModelStore store(WithSource(), clock_);
  Flip();
  const std::string damaged = testing_support::ReadFile(model_);
  ASSERT_TRUE(Admit(store).has_value());
  const auto refusal = Admit(store);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_THAT(refusal->error.message, HasSubstr("source delivered"));
  EXPECT_THAT(refusal->error.ToString(), HasSubstr("while fetching the model"));
  EXPECT_EQ(refusal->retry_after, 5s);
  EXPECT_EQ(testing_support::ReadFile(model_), damaged);
  EXPECT_EQ(Leftovers(), 0U);
  EXPECT_EQ(store.status().state, ModelState::kFailed);

  clock_.Advance(3s);
  EXPECT_EQ(Admit(store)->retry_after, 2s);
  EXPECT_EQ(source_.downloads(), 1);
  source_.Serve(200, std::string(kGood));
  clock_.Advance(2s);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(source_.downloads(), 2);
  EXPECT_THAT(outcomes_, testing::ElementsAre("failed", "installed"));
}

TEST_F(ModelStoreTest, ASourceThatIsDownOrRefusesIsARefusal) {
  ModelStoreOptions options = WithSource();
  source_.Serve(404, std::string(kGood));
  Flip();
  {
    ModelStore store(options, clock_);
    ASSERT_TRUE(Admit(store).has_value());
    EXPECT_THAT(Admit(store)->error.message, HasSubstr("answered 404"));
  }
  options.file.source = "http://127.0.0.1:1/eeg.pt";
  ModelStore store(options, clock_);
  ASSERT_TRUE(Admit(store).has_value());
  EXPECT_EQ(Admit(store)->error.code, ErrorCode::kUnavailable);
}

TEST_F(ModelStoreTest, ADownloadIsNotLargerThanAllowed) {
  ModelStoreOptions options = WithSource();
  options.file.max_bytes = 1000;
  source_.Serve(200, std::string(1'000'000, 'x'));
  Flip();
  ModelStore store(options, clock_);
  ASSERT_TRUE(Admit(store).has_value());
  EXPECT_EQ(Admit(store)->error.code, ErrorCode::kTooLarge);
  EXPECT_EQ(Leftovers(), 0U);
}

TEST_F(ModelStoreTest, TheSourceMayBeAFile) {
  const testing_support::TempDir elsewhere;
  ModelStoreOptions options = Options();
  options.file.source = (elsewhere / "good.pt").string();
  Flip();
  ModelStore store(options, clock_);
  ASSERT_TRUE(Admit(store).has_value());
  EXPECT_EQ(Admit(store)->error.code, ErrorCode::kUnavailable);
  elsewhere.Write("good.pt", kGood);
  clock_.Advance(5s);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(testing_support::ReadFile(model_), kGood);
  EXPECT_EQ(testing_support::ReadFile(elsewhere / "good.pt"), kGood);
}

TEST_F(ModelStoreTest, AFileThatSomebodyMendedIsTakenWithoutFetching) {
  ModelStore store(WithSource(), clock_);
  Flip();
  ASSERT_TRUE(Admit(store).has_value());
  Put(kGood);
  EXPECT_FALSE(Admit(store).has_value());
  EXPECT_EQ(source_.downloads(), 0);
}

TEST_F(ModelStoreTest, TheExpectedFileIsNotFetchedAgainWhenItDoesNotLoad) {
  const std::string broken = "refuse-at-start";
  ModelStoreOptions options = WithSource();
  options.file.sha256 = crypto::Sha256Hex(broken);
  Put(broken);
  ModelStore store(options, clock_);
  EXPECT_THAT(Admit(store)->error.message, HasSubstr("no archive"));
  EXPECT_THAT(Admit(store)->error.message, HasSubstr("no archive"));
  EXPECT_EQ(source_.downloads(), 0);
  EXPECT_EQ(Admit(store)->retry_after, 5s);
}

TEST_F(ModelStoreTest, AMissingProgramIsAFailureOfTheModel) {
  ModelStoreOptions options = Options();
  options.inference.process.program = (folder_ / "montage-infer").string();
  ModelStore store(options, clock_);
  EXPECT_EQ(Admit(store)->error.code, ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, ARequestDoesNotWaitForALoadBeyondItsDeadline) {
  const std::string slow = "hang-at-start";
  ModelStoreOptions options = Options();
  options.file.sha256 = crypto::Sha256Hex(slow);
  Put(slow);
  ModelStore store(options, clock_);
  EXPECT_EQ(store.Admit(Deadline::After(50ms))->error.code, ErrorCode::kTimeout);
}

TEST_F(ModelStoreTest, WhatTheCallerReadsNamesNoPathAndNoDigest) {
  ModelStore store(Options(), clock_);
  Flip();
  const auto refusal = Admit(store);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_THAT(refusal->reason, testing::Not(HasSubstr("/")));
  EXPECT_THAT(refusal->reason, testing::Not(HasSubstr(crypto::Sha256Hex(kGood))));
  EXPECT_THAT(refusal->error.message, HasSubstr(crypto::Sha256Hex(kGood)));
}

}  // namespace
}  // namespace montage::inference
