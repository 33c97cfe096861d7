// The log of a run: redaction, writing, reading back and proving that nothing was changed.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/file_io.h"
#include "assay/history/outcome.h"
#include "assay/history/redactor.h"
#include "assay/history/transcript.h"
#include "assay/history/verify.h"
#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"
#include "lib/testing/temp_dir.h"

namespace assay::history {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// --- redaction ----------------------------------------------------------------------------------

class RedactorTest : public ::testing::Test {
 protected:
  Redactor redactor_{"test key"};
};

TEST_F(RedactorTest, ReplacesAKnownSecretWhereverItStands) {
  ASSERT_TRUE(redactor_.AddSecret("s3cr3t-value"));
  const std::string clean = redactor_.Text("before s3cr3t-value, s3cr3t-value after");
  EXPECT_THAT(clean, Not(HasSubstr("s3cr3t")));
  EXPECT_TRUE(clean.starts_with("before [redacted:"));
  EXPECT_TRUE(clean.ends_with("] after"));
}

TEST_F(RedactorTest, LeavesOtherTextAlone) {
  ASSERT_TRUE(redactor_.AddSecret("s3cr3t-value"));
  for (const std::string text : {"", "s3cr3t-valu", "POST /api/v1/eeg/upload", "status == 200"}) {
    EXPECT_EQ(redactor_.Text(text), text);
  }
}

TEST_F(RedactorTest, RefusesSecretsThatWouldDestroyTheLog) {
  EXPECT_FALSE(redactor_.AddSecret("abc"));
  EXPECT_EQ(redactor_.Text("abcdef"), "abcdef");
}

TEST_F(RedactorTest, KeepsDifferentSecretsDifferent) {
  ASSERT_TRUE(redactor_.AddSecret("first-secret"));
  ASSERT_TRUE(redactor_.AddSecret("other-secret"));
  EXPECT_NE(redactor_.Text("first-secret"), redactor_.Text("other-secret"));
  EXPECT_EQ(redactor_.Text("first-secret"), redactor_.Text("first-secret"));
}

TEST_F(RedactorTest, ReplacesOverlappingSecretsAsAWhole) {
  ASSERT_TRUE(redactor_.AddSecret("abcdef"));
  ASSERT_TRUE(redactor_.AddSecret("defghi"));
  ASSERT_TRUE(redactor_.AddSecret("cdef"));
  const std::string clean = redactor_.Text("<abcdefghi>");
  EXPECT_EQ(clean.size(), std::string("<[redacted:00000000]>").size()) << clean;
}

TEST_F(RedactorTest, FindsASecretInsideBase64AtEveryAlignment) {
  ASSERT_TRUE(redactor_.AddSecret("hunter2-password"));
  for (const std::string before : {"", "a", "ab", "abc", "user:"}) {
    for (const std::string after : {"", "x", "xy", "xyz"}) {
      const std::string encoded = crypto::Base64(before + "hunter2-password" + after);
      EXPECT_THAT(redactor_.Text(encoded), HasSubstr("[redacted:")) << encoded;
      const std::string url = crypto::Base64Url(before + "hunter2-password" + after);
      EXPECT_THAT(redactor_.Text(url), HasSubstr("[redacted:")) << url;
    }
  }
}

TEST_F(RedactorTest, FindsPercentEncodedEscapedAndHexadecimalForms) {
  const std::string secret = "p@ss \"word\"/1";
  ASSERT_TRUE(redactor_.AddSecret(secret));
  for (const std::string form : {"p%40ss%20%22word%22%2F1", "p%40ss+%22word%22%2f1",
                                 "p@ss \\\"word\\\"/1", "p@ss \\\"word\\\"\\/1", "7040737320",
                                 "704073732022776f7264222f31", "704073732022776F7264222F31"}) {
    if (form == "7040737320") {
      EXPECT_EQ(redactor_.Text(form), form) << "a part of a secret is no secret";
    } else {
      EXPECT_THAT(redactor_.Text("<" + form + ">"), HasSubstr("<[redacted:")) << form;
    }
  }
}

TEST_F(RedactorTest, RecognisesCredentialsByTheirShape) {
  struct Case {
    std::string text;
    std::string secret;
  };
  for (const Case& c : {
           Case{"Authorization: Bearer abc.def-123", "abc.def-123"},
           Case{R"(["authorization","Basic dXNlcjpwdw=="])", "dXNlcjpwdw"},
           Case{"postgres://app:hunter2@db:5432/x", "hunter2"},
           Case{"GET /file?X-Amz-Signature=0123456789abcdef&x=1", "0123456789abcdef"},
           Case{R"({"user":"a","password": "open \"sesame\""})", "sesame"},
           Case{"Set-Cookie: session=deadbeef42; HttpOnly", "deadbeef42"},
           Case{"X-Amz-Security-Token: FwoGZXIvYXdz", "FwoGZXIvYXdz"},
           Case{"[\n  \"X-Amz-Security-Token\",\n  \"FwoGZXIvYXdz\"\n]", "FwoGZXIvYXdz"},
           Case{"GET /x?X-Amz-Security-Token=FwoGZXIvYXdz&y=1", "FwoGZXIvYXdz"},
           Case{"SignedHeaders=host;x-amz-security-token,Signature=0123abcd", "0123abcd"},
           Case{R"({"access_key": "AK", "secret_key": "wJalrXUtnFEMI"})", "wJalrXUtnFEMI"},
           Case{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLWJ5dGVz",
                "c2lnbmF0dXJlLWJ5dGVz"},
       }) {
    const std::string clean = redactor_.Text(c.text);
    EXPECT_THAT(clean, Not(HasSubstr(c.secret))) << c.text;
    EXPECT_THAT(clean, HasSubstr("[redacted:")) << c.text;
    EXPECT_EQ(redactor_.Text(clean), clean) << "twice is the same as once";
  }
}

TEST_F(RedactorTest, KeepsWhatAScenarioMayAskAbout) {
  EXPECT_TRUE(redactor_.Text("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLWJ5dGVz")
                  .starts_with("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0."));
  boost::json::value json = {{"headers",
                              {{"set-cookie", "session=deadbeef42; HttpOnly; Secure"},
                               {"Authorization", "Bearer abcdef"},
                               {"content-type", "application/json"}}}};
  redactor_.Json(json);
  const auto& headers = json.at("headers").as_object();
  EXPECT_THAT(std::string(headers.at("set-cookie").as_string()), HasSubstr("; HttpOnly; Secure"));
  EXPECT_THAT(std::string(headers.at("set-cookie").as_string()), Not(HasSubstr("deadbeef42")));
  EXPECT_TRUE(headers.at("Authorization").as_string().starts_with("Bearer [redacted:"));
  EXPECT_EQ(headers.at("content-type").as_string(), "application/json");
}

TEST_F(RedactorTest, ReplacesSensitiveMembersOfBodiesKeptAsText) {
  redactor_.AddSensitiveKey("refresh_token");
  for (const char* text :
       {R"({"refresh_token": "mrt_4711-secret", "expires_in": 1800})",
        R"({"a": [{"Refresh_Token":"mrt_4711-\"secret"}]})",
        "grant=x&refresh_token=mrt_4711-secret&y=1", "refresh_token=mrt_4711-secret"}) {
    const std::string redacted = redactor_.Text(text);
    EXPECT_THAT(redacted, Not(HasSubstr("4711"))) << redacted;
    EXPECT_THAT(redacted, HasSubstr("[redacted")) << redacted;
  }
  EXPECT_EQ(redactor_.Text(R"({"refresh_tokens": "none"})"), R"({"refresh_tokens": "none"})");
  redactor_.AddSensitiveKey("a.b(c");  // no regular expression by itself
  EXPECT_THAT(redactor_.Text(R"({"a.b(c":"4711"})"), Not(HasSubstr("4711")));
}

TEST_F(RedactorTest, CoversKeysNestedValuesAndHeaderPairs) {
  ASSERT_TRUE(redactor_.AddSecret("s3cr3t-value"));
  redactor_.AddSensitiveKey("X-Session");
  boost::json::value json = boost::json::parse(
      R"({"s3cr3t-value": [1, {"deep": "s3cr3t-value"}], "h": [["x-session", "zzz"]], "n": 7})");
  redactor_.Json(json);
  const std::string text = boost::json::serialize(json);
  EXPECT_THAT(text, Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(text, Not(HasSubstr("zzz")));
  EXPECT_THAT(text, HasSubstr("\"n\":7"));
}

TEST_F(RedactorTest, TakesFurtherPatternsAndRefusesBrokenOnes) {
  ASSERT_TRUE(redactor_.AddPattern(R"(MRN-(\d{8}))"));
  EXPECT_THAT(redactor_.Text("patient MRN-12345678."), HasSubstr("MRN-[redacted:"));
  const auto broken = redactor_.AddPattern("(");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, base::ErrorCode::kInvalid);
}

TEST_F(RedactorTest, MakesTextValidUtf8AndLeavesBinaryBlobsAlone) {
  EXPECT_EQ(redactor_.Text("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(redactor_.Bytes(std::string_view("a\xFF\0z", 4)), std::string_view("a\xFF\0z", 4));
  ASSERT_TRUE(redactor_.AddSecret("s3cr3t-value"));
  EXPECT_THAT(redactor_.Bytes("\xFF s3cr3t-value"), Not(HasSubstr("s3cr3t")));
}

// --- outcomes and blobs -------------------------------------------------------------------------

TEST(OutcomeRecordTest, ComesBackAsItWas) {
  MemoryBlobs blobs;
  Outcome outcome;
  outcome.value = cel::Value::Object(
      {{"status", cel::Value::Int(200)},
       {"ratio", cel::Value::Double(1.0)},
       {"text", cel::Value::String(std::string(10'000, 'x'))},
       {"bytes", cel::Value::Bytes(std::string(10'000, '\xFF'))},
       {"body", cel::Value::Object({{"$odd", cel::Value::Uint(7)}})},
       {"rows", cel::Value::List(std::vector<cel::Value>(
                    20'000, cel::Value::Object({{"id", cel::Value::Int(1)}})))}});
  outcome.duration = std::chrono::milliseconds(5);
  outcome.error = base::Error{base::ErrorCode::kTimeout, "too late"};
  outcome.error->hint = "wait longer";
  std::vector<std::string> names;
  const auto record = RecordOutcome(outcome, blobs, names);
  ASSERT_TRUE(record);
  EXPECT_THAT(names, SizeIs(3));
  EXPECT_LT(json::Canonical(*record).size(), 2000U);
  const auto parsed = json::Parse(json::Canonical(*record));
  ASSERT_TRUE(parsed);
  const auto back = ReadRecordedOutcome(parsed->get_object(), names, blobs);
  ASSERT_TRUE(back) << back.error().ToString();
  EXPECT_TRUE(cel::Identical(back->value, outcome.value));
  EXPECT_EQ(back->duration, outcome.duration);
  ASSERT_TRUE(back->error);
  EXPECT_EQ(back->error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(back->error->hint, "wait longer");
}

TEST(OutcomeRecordTest, ManySmallFieldsLeaveTheEventTogether) {
  MemoryBlobs blobs;
  cel::MapBuilder map;
  for (int i = 0; i < 10'000; ++i) map.Set("key" + std::to_string(i), cel::Value::Int(i));
  Outcome outcome;
  outcome.value = std::move(map).Build();
  std::vector<std::string> names;
  const auto record = RecordOutcome(outcome, blobs, names);
  ASSERT_TRUE(record);
  EXPECT_THAT(names, SizeIs(1));
  const auto back = ReadRecordedOutcome(*record, names, blobs);
  ASSERT_TRUE(back);
  EXPECT_TRUE(cel::Identical(back->value, outcome.value));
}

TEST(OutcomeRecordTest, NamesWhatIsMissing) {
  const MemoryBlobs blobs;
  const auto unknown = ReadRecordedOutcome({{"disposition", "melted"}}, {}, blobs);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, base::ErrorCode::kCorrupt);
  const boost::json::object marker = {{"$blob", std::string(64, 'a')}, {"as", "text"}};
  const auto gone =
      ReadRecordedOutcome({{"disposition", "answered"}, {"value", marker}}, {}, blobs);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, base::ErrorCode::kNotFound);
}

TEST(BlobsTest, SameBytesAreKeptOnceAndComeBack) {
  const testing_support::TempDir dir;
  DirectoryBlobs blobs(dir / "blobs", nullptr);
  const auto first = blobs.Put("hello");
  const auto again = blobs.Put("hello");
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(*first, crypto::Sha256Hex("hello"));
  EXPECT_EQ(blobs.PathOf(*first), dir / "blobs" / first->substr(0, 2) / *first);
  EXPECT_EQ(blobs.Get(*first).value_or(""), "hello");
}

TEST(BlobsTest, RefusesWhatIsNoNameOrNotThereOrDamaged) {
  const testing_support::TempDir dir;
  DirectoryBlobs blobs(dir / "blobs", nullptr);
  EXPECT_EQ(blobs.Get("../../etc/passwd").error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(blobs.Get(std::string(64, 'a')).error().code, base::ErrorCode::kNotFound);
  const std::string name = blobs.Put("hello").value_or("");
  std::ofstream(blobs.PathOf(name)) << "other";
  EXPECT_EQ(blobs.Get(name).error().code, base::ErrorCode::kCorrupt);
}

TEST(BlobsTest, CutsOffAtTheLimitAndSaysSo) {
  MemoryBlobs blobs(nullptr, {.size = 10});
  const std::string name = blobs.Put(std::string(100, 'x')).value_or("");
  const std::string kept = blobs.Get(name).value_or("");
  EXPECT_TRUE(kept.starts_with(std::string(10, 'x') + "\n[truncated: the first 10 of 100 bytes"));
  EXPECT_THAT(kept, HasSubstr(crypto::Sha256Hex(std::string(100, 'x'))));
}

TEST(TranscriptTest, AnExchangeComesBackAndHoldsNoCredential) {
  const Redactor redactor("k");
  MemoryBlobs blobs(&redactor);
  HttpExchange exchange;
  exchange.request.method = "POST";
  exchange.request.url = "http://localhost:8080/login";
  exchange.request.http_version = "1.1";
  exchange.request.headers = {{"Authorization", "Bearer topsecret99"}, {"Accept", "*/*"}};
  exchange.response = HttpResponseRecord{};
  exchange.response->status = 201;
  exchange.response->body = RecordBody("{\"a\":1}", "application/json", blobs).value();
  exchange.timings.total = std::chrono::milliseconds(3);
  exchange.redirects = {"http://localhost/elsewhere"};
  const std::string name = RecordExchange(exchange, blobs).value_or("");
  const std::string text = blobs.Get(name).value_or("");
  EXPECT_THAT(text, Not(HasSubstr("topsecret99")));
  const auto back = HttpExchangeFromJson(json::Parse(text)->get_object());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->request.url, exchange.request.url);
  EXPECT_EQ(back->request.headers[1].second, "*/*");
  EXPECT_EQ(back->response->status, 201);
  EXPECT_EQ(back->response->body.preview, "{\"a\":1}");
  EXPECT_EQ(back->timings.total, exchange.timings.total);
  EXPECT_EQ(back->redirects, exchange.redirects);
  EXPECT_FALSE(HttpExchangeFromJson({{"kind", "smoke"}}));
}

// --- writing, reading, verifying ----------------------------------------------------------------

class LogTest : public ::testing::Test {
 protected:
  // A run directory with four events, one blob and no run.json.
  void WriteRun() {
    auto log = FileLog::Create(dir_ / "events.jsonl");
    ASSERT_TRUE(log) << log.error().ToString();
    DirectoryBlobs blobs(dir_ / "blobs", &redactor_);
    blob_ = blobs.Put("a transcript").value_or("");
    EventWriter writer(*log, clock_, redactor_);
    writer.Write(kind::kRunStarted, "", {{"manifest", Manifest()}});
    clock_.Advance(std::chrono::milliseconds(1));
    writer.Write(kind::kNote, "NS-A/note", {{"text", "caf\xC3\xA9"}, {"x", 1.5}});
    writer.Write(kind::kOutcome, "NS-A/get#1", {{"disposition", "answered"}}, {blob_});
    const std::string head = writer.head_hash();
    writer.Write(kind::kRunFinished, "", {{"verdict", "passed"}, {"head", head}});
    ASSERT_TRUE(writer.Finish());
  }

  boost::json::object Manifest() const {
    return {{"inputs", boost::json::array{boost::json::object{
                           {"file", "suite.yaml"}, {"sha256", crypto::Sha256Hex("id: NS-A\n")}}}}};
  }

  std::string Lines() const { return testing_support::ReadFile(dir_ / "events.jsonl"); }
  void Replace(const std::string& from, const std::string& to) const {
    std::string text = Lines();
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    std::ofstream(dir_ / "events.jsonl", std::ios::binary) << text;
  }
  VerifyReport Check(const VerifyOptions& options = {}) const {
    auto report = Verify(dir_.path(), options);
    EXPECT_TRUE(report);
    return report.value_or(VerifyReport{});
  }

  testing_support::TempDir dir_;
  Redactor redactor_{"test key"};
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  std::string blob_;
};

TEST_F(LogTest, AWrittenLogReadsBackAndVerifies) {
  WriteRun();
  const auto log = ReadEvents(dir_ / "events.jsonl");
  ASSERT_TRUE(log);
  EXPECT_FALSE(log->damage);
  ASSERT_THAT(log->events, SizeIs(4));
  EXPECT_EQ(log->events[0].prev, FirstPrev());
  EXPECT_EQ(log->events[1].data.at("text").as_string(), "caf\xC3\xA9");
  EXPECT_EQ(log->events[1].elapsed, std::chrono::milliseconds(1));
  EXPECT_EQ(log->events[1].time, clock_.Now());
  EXPECT_EQ(log->events[3].prev, log->events[2].hash);
  const VerifyReport report = Check();
  EXPECT_TRUE(report.ok()) << report.problems[0].what;
  EXPECT_EQ(report.events, 4U);
  EXPECT_EQ(report.blobs, 1U);
  EXPECT_TRUE(report.finished);
  EXPECT_EQ(report.signature, SignatureState::kAbsent);
}

TEST_F(LogTest, ALineIsTheCanonicalFormAndItsHashCanBeCheckedByAnyTool) {
  WriteRun();
  const std::string first = Lines().substr(0, Lines().find('\n'));
  auto json = json::Parse(first).value();
  EXPECT_EQ(json::Canonical(json), first);
  const std::string hash(json.at("hash").as_string());
  json.get_object().erase("hash");
  EXPECT_EQ(crypto::Sha256Hex(std::string(64, '0') + json::Canonical(json)), hash);
}

TEST_F(LogTest, SecretsNeverReachTheFile) {
  ASSERT_TRUE(redactor_.AddSecret("canary-1234"));
  auto log = FileLog::Create(dir_ / "events.jsonl");
  ASSERT_TRUE(log);
  std::vector<Event> seen;
  EventWriter writer(*log, clock_, redactor_, [&](const Event& e) { seen.push_back(e); });
  writer.Write(kind::kNote, "NS-A/canary-1234", {{"text", "key canary-1234"}});
  ASSERT_TRUE(writer.Finish());
  EXPECT_THAT(Lines(), Not(HasSubstr("canary")));
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_THAT(ToLine(seen[0]), Not(HasSubstr("canary"))) << "observers see what is written";
  EXPECT_EQ(HashOf(seen[0]), seen[0].hash);
}

TEST_F(LogTest, ALogIsNeverContinued) {
  WriteRun();
  const auto again = FileLog::Create(dir_ / "events.jsonl");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::ErrorCode::kConflict);
}

TEST_F(LogTest, ASilentWriterKeepsNothingAndNeverFails) {
  EventWriter writer(clock_);
  EXPECT_TRUE(writer.is_silent());
  EXPECT_EQ(writer.Write(kind::kNote, "a", {{"text", "b"}}), 0);
  EXPECT_TRUE(writer.Flush());
  EXPECT_TRUE(writer.Finish());
  EXPECT_EQ(writer.count(), 0);
}

TEST_F(LogTest, AFullDiskIsAClearErrorAndStopsTheLog) {
  auto log = FileLog::Create(dir_ / "events.jsonl");
  ASSERT_TRUE(log);
  std::filesystem::remove(dir_ / "events.jsonl");
  const base::Error full = FileError("write", "events.jsonl", ENOSPC);
  EXPECT_EQ(full.code, base::ErrorCode::kExhausted);
  EXPECT_THAT(full.message, HasSubstr("cannot write events.jsonl: no space left on device"));

  class FullLog final : public LogSink {
   public:
    base::Result<void> Append(std::string_view) override {
      return base::Fail(FileError("write", "events.jsonl", ENOSPC));
    }
    base::Result<void> Sync() override { return {}; }
  } sink;
  EventWriter writer(sink, clock_, redactor_);
  writer.Write(kind::kNote, "", {});
  EXPECT_FALSE(writer.failure());
  EXPECT_FALSE(writer.Flush());
  ASSERT_TRUE(writer.failure());
  EXPECT_EQ(writer.failure()->code, base::ErrorCode::kExhausted);
  const uint64_t seq = writer.count();
  writer.Write(kind::kNote, "", {});
  EXPECT_EQ(writer.count(), seq) << "nothing is queued behind a hole";
  EXPECT_FALSE(writer.Finish());
}

TEST_F(LogTest, AChangedValueBreaksTheLogAtThatLine) {
  WriteRun();
  Replace("1.5", "1.6");
  const VerifyReport report = Check();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.problems[0].line, 2U);
  EXPECT_EQ(report.problems[0].seq, 2U);
  EXPECT_THAT(report.problems[0].what, HasSubstr("does not match its hash"));
}

TEST_F(LogTest, ARemovedLineIsNoticed) {
  WriteRun();
  std::string text = Lines();
  const size_t second = text.find('\n') + 1;
  text.erase(second, text.find('\n', second) + 1 - second);
  std::ofstream(dir_ / "events.jsonl", std::ios::binary) << text;
  const VerifyReport report = Check();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.problems[0].line, 2U);
  EXPECT_THAT(report.problems[0].what, HasSubstr("seq is 3, expected 2"));
}

TEST_F(LogTest, AnotherSpellingOfTheSameEventIsNoticed) {
  WriteRun();
  Replace("\"x\":1.5", "\"x\": 1.5");
  const VerifyReport report = Check();
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.problems[0].what, HasSubstr("canonical"));
}

TEST_F(LogTest, ACutOffLogNamesThePlaceAndKeepsWhatIsBefore) {
  WriteRun();
  const std::string whole = Lines();
  // Cut at every byte of the second half: each must give a readable beginning and a named place.
  for (size_t size = whole.size() / 2; size < whole.size(); size += 7) {
    std::ofstream(dir_ / "events.jsonl", std::ios::binary) << whole.substr(0, size);
    const auto log = ReadEvents(dir_ / "events.jsonl");
    ASSERT_TRUE(log);
    const auto lines = static_cast<size_t>(std::ranges::count(whole.substr(0, size), '\n'));
    EXPECT_THAT(log->events, SizeIs(lines));
    const VerifyReport report = Check();
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.problems[0].seq, lines);
    EXPECT_FALSE(report.finished);
    if (whole[size - 1] != '\n') {
      ASSERT_TRUE(log->damage);
      EXPECT_THAT(log->damage->message,
                  HasSubstr("events.jsonl:" + std::to_string(lines + 1) + ": the line is cut off"));
      EXPECT_THAT(log->damage->message, HasSubstr("seq " + std::to_string(lines)));
    } else {
      EXPECT_THAT(report.problems[0].what, HasSubstr("cut off after seq"));
    }
  }
}

TEST_F(LogTest, AMissingOrChangedBlobIsNoticed) {
  WriteRun();
  const DirectoryBlobs blobs(dir_ / "blobs", nullptr);
  std::ofstream(blobs.PathOf(blob_)) << "another transcript";
  EXPECT_THAT(Check().problems.at(0).what, HasSubstr("does not match its name"));
  EXPECT_EQ(Check().problems.at(0).seq, 3U);
  std::filesystem::remove(blobs.PathOf(blob_));
  EXPECT_THAT(Check().problems.at(0).what, HasSubstr("is not there"));
}

TEST_F(LogTest, ASignatureCoversTheLogAndBelongsToItsKey) {
  WriteRun();
  const auto key = crypto::GenerateSigningKey();
  const auto other = crypto::GenerateSigningKey();
  EXPECT_FALSE(Check({.public_key = key.public_key, .project_dir = {}}).ok()) << "not signed yet";
  ASSERT_TRUE(SignRun(dir_.path(), key));
  EXPECT_EQ(Check().signature, SignatureState::kValid);
  EXPECT_TRUE(Check({.public_key = key.public_key, .project_dir = {}}).ok());
  EXPECT_THAT(Check({.public_key = other.public_key, .project_dir = {}}).problems.at(0).what,
              HasSubstr("another key"));

  // A whole new log under the old signature: the chain holds, the signature does not.
  const std::string signature = testing_support::ReadFile(dir_ / "run.sig");
  std::filesystem::remove(dir_ / "events.jsonl");
  clock_.Advance(std::chrono::seconds(1));
  WriteRun();
  const VerifyReport forged = Check();
  EXPECT_EQ(forged.signature, SignatureState::kInvalid);
  EXPECT_THAT(forged.problems.at(0).what, HasSubstr("signature does not match"));
}

TEST_F(LogTest, InputsThatChangedSinceAreListed) {
  WriteRun();
  dir_.Write("project/suite.yaml", "id: NS-A\n");
  EXPECT_TRUE(Check({.public_key = {}, .project_dir = dir_ / "project"}).changed_inputs.empty());
  dir_.Write("project/suite.yaml", "id: NS-B\n");
  const VerifyReport report = Check({.public_key = {}, .project_dir = dir_ / "project"});
  EXPECT_TRUE(report.ok()) << "the log itself is whole";
  ASSERT_THAT(report.changed_inputs, SizeIs(1));
  EXPECT_EQ(report.changed_inputs[0].file, "suite.yaml");
}

TEST_F(LogTest, ThereIsNothingToVerifyWithoutALog) {
  const auto report = Verify(dir_ / "nowhere");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, base::ErrorCode::kNotFound);
}

TEST(EventTest, RefusesLinesThatAreNoEvents) {
  for (
      const std::string line :
      {"", "[]", "{}", "not json", R"({"seq":1})",
       R"({"blobs":[],"data":{},"elapsed_ns":0,"hash":"","kind":"","path":"","prev":"","seq":1,"time":"yesterday"})",
       R"({"blobs":[],"data":{},"elapsed_ns":0,"extra":1,"hash":"","kind":"","path":"","prev":"","seq":1,"time":"2026-11-21T00:00:00Z"})",
       R"({"blobs":[1],"data":{},"elapsed_ns":0,"hash":"","kind":"","path":"","prev":"","seq":1,"time":"2026-11-21T00:00:00Z"})",
       R"({"blobs":[],"data":{},"elapsed_ns":-1,"hash":"","kind":"","path":"","prev":"","seq":1,"time":"2026-11-21T00:00:00Z"})"}) {
    EXPECT_FALSE(ParseEvent(line)) << line;
  }
}

}  // namespace
}  // namespace assay::history
