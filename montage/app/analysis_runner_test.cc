#include "montage/app/analysis_runner.h"

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/fs_object_store.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/builtin_analyses.h"
#include "montage/jobs/queue_fixture.h"
#include "montage/recordings/edf_recording.h"

namespace montage::app {
namespace {

using jobs::kNever;
using testing::HasSubstr;
using namespace std::chrono_literals;

class AnalysisRunnerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(store_->EnsureBucket(recordings::kBucket, kNever).has_value());
    ASSERT_TRUE(store_->EnsureBucket(jobs::kResultsBucket, kNever).has_value());
  }

  std::string Upload(double seconds) {
    synth::EegSpec spec{.channels = *synth::FirstChannels(19), .duration_s = seconds};
    formats::edf::MemorySink sink;
    EXPECT_TRUE(synth::GenerateEeg(spec, sink).has_value());
    objects::TextSource content(
        {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()});
    const auto uploaded = recordings_.Upload({"site", "user"}, "a.edf", content,
                                             recordings::EdfValidation(folder_.path()), kNever);
    EXPECT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
    return uploaded->recording.file_id;
  }
  std::string Submit(const std::string& file_id, const std::string& type = "quick",
                     const std::string& parameters = "{}") {
    jobs::JobRequest request = jobs::Request();
    request.file_id = file_id;
    request.analysis_type = type;
    request.parameters = parameters;
    return queue_.Submit(request, kNever)->job_id;
  }
  jobs::Job RunToEnd(const std::string& job_id) {
    jobs::Workers workers(
        queue_, *store_, clock_,
        MakeAnalysisRunner({.recordings = recordings_,
                            .analyses = [] { return analysis::BuiltInAnalyses(); },
                            .metrics = metrics_,
                            .clock = clock_,
                            .spool_folder = folder_.path(),
                            .stop = stop_.get_token()}),
        {.threads = 1, .poll_every = 2ms});
    while (true) {
      const jobs::Job job = queue_.Get(job_id, kNever).value();
      if (jobs::IsFinal(job.status)) return job;
      std::this_thread::yield();
    }
  }

  testing_support::TempDir folder_;
  base::SystemClock clock_;
  storage::SqliteFile home_;
  std::unique_ptr<sql::Database> database_ = storage::ConnectMigrated(home_);
  std::unique_ptr<objects::FsObjectStore> store_ =
      objects::FsObjectStore::Open(folder_ / "objects", clock_).value();
  storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(folder_ / "keys").value();
  recordings::Recordings recordings_{*database_, *store_, ring_, clock_, 100'000'000};
  jobs::SqlJobQueue queue_{*database_, clock_};
  telemetry::Metrics metrics_;
  std::stop_source stop_;
};

TEST_F(AnalysisRunnerTest, TheResultCarriesTheJobAndIsTheObject) {
  const std::string file_id = Upload(70);
  const std::string id = Submit(file_id, "quick", R"({"sleep_analysis": null})");
  const jobs::Job job = RunToEnd(id);
  ASSERT_EQ(job.status, jobs::JobStatus::kCompleted) << job.error;
  const auto result = boost::json::parse(job.results).as_object();
  EXPECT_EQ(result.at("job_id"), boost::json::value(id));
  EXPECT_EQ(result.at("file_id"), boost::json::value(file_id));
  EXPECT_EQ(result.at("analysis_type"), boost::json::value("quick"));
  for (const auto* key :
       {"quality_report", "abnormality_detection", "sleep_analysis", "event_detection"})
    EXPECT_TRUE(result.contains(key)) << key;
  EXPECT_EQ(
      objects::GetText(*store_, jobs::kResultsBucket, jobs::ResultKey(id), 10'000'000, kNever),
      job.results);
  const std::string metrics = metrics_.Text();
  EXPECT_THAT(metrics, HasSubstr("eeg_active_analyses 0"));
  EXPECT_THAT(metrics, testing::ContainsRegex(
                           R"(eeg_processing_duration_seconds_count\{.*"completed".*\} 1)"));
  EXPECT_THAT(metrics, testing::Not(HasSubstr("model_name=\"eegpt\"")))
      << "no model ran, so none is counted";
}

TEST_F(AnalysisRunnerTest, ADamagedRecordingFailsItsOwnJobOnlyAndAtOnce) {
  const std::string whole = Upload(60);
  const std::string damaged = Upload(62);
  size_t changed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "objects")) {
    if (!entry.is_regular_file() || entry.path().string().find(damaged) == std::string::npos)
      continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200'000);
    file.put('!');
    file.put('?');
    ++changed;
  }
  ASSERT_EQ(changed, 1u);
  const jobs::Job failed = RunToEnd(Submit(damaged));
  EXPECT_EQ(failed.status, jobs::JobStatus::kFailed);
  EXPECT_EQ(failed.retry_count, 0) << "trying again does not mend it";
  EXPECT_FALSE(failed.error.empty());
  EXPECT_EQ(RunToEnd(Submit(whole)).status, jobs::JobStatus::kCompleted);
}

TEST_F(AnalysisRunnerTest, AStoppingServiceGivesTheJobBack) {
  const std::string id = Submit(Upload(60));
  stop_.request_stop();
  {
    const auto runner = MakeAnalysisRunner({.recordings = recordings_,
                                            .analyses = [] { return analysis::BuiltInAnalyses(); },
                                            .metrics = metrics_,
                                            .clock = clock_,
                                            .spool_folder = folder_.path(),
                                            .stop = stop_.get_token()});
    std::atomic<int> refused{0};
    jobs::Workers workers(queue_, *store_, clock_,
                          [&](const jobs::Job& job, jobs::JobContext& context) {
                            auto outcome = runner(job, context);
                            if (!outcome && outcome.error().code == base::ErrorCode::kUnavailable)
                              ++refused;
                            return outcome;
                          },
                          {.threads = 1, .poll_every = 2ms});
    while (refused == 0) std::this_thread::yield();
  }
  EXPECT_GE(queue_.Get(id, kNever)->retry_count, 1);
  EXPECT_NE(queue_.Get(id, kNever)->status, jobs::JobStatus::kCancelled);
}

TEST(ParseAnalysisRequest, TakesTheFourOptionsAndRefusesOtherTypes) {
  const auto request =
      ParseAnalysisRequest("comprehensive", R"({"sleep_analysis": false, "other": 1})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->sleep_analysis, false);
  EXPECT_EQ(request->event_detection, std::nullopt);
  EXPECT_FALSE(ParseAnalysisRequest("thorough", "{}").has_value());
  EXPECT_THAT(ParseAnalysisRequest("quick", R"({"event_detection": "yes"})").error().message,
              HasSubstr("event_detection is \"yes\", expected true or false"));
  EXPECT_FALSE(ParseAnalysisRequest("quick", "[]").has_value());
}

}  // namespace
}  // namespace montage::app
