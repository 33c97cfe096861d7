#include "assay/report/report.h"

#include <map>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "assay/history/transcript.h"
#include "assay/report/failure_text.h"
#include "assay/report/json_report.h"
#include "assay/report/terminal_report.h"
#include "lib/json/parse.h"

namespace assay::report {
namespace {

using history::ExpectationResult;
using history::RunModel;
using history::ScenarioResult;
using history::StepResult;
using history::Verdict;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSource =
    "id: UPLOAD\n"
    "steps:\n"
    "  - http: POST /upload\n"
    "    expect:\n"
    "      - status == 200\n";

// A transcript as the http action leaves it.
std::string Transcript() {
  history::HttpExchange exchange;
  exchange.request.method = "POST";
  exchange.request.url = "http://h/upload";
  history::HttpResponseRecord response;
  response.status = 422;
  response.body = {
      .size = 18, .media_type = "application/json", .preview = R"({"error": "<bad>"})"};
  exchange.response = response;
  return boost::json::serialize(history::ToJson(exchange));
}

class FakeRun {
 public:
  FakeRun() {
    blobs_["source"] = kSource;
    blobs_["transcript"] = Transcript();
    model_.id = "run-1";
    model_.manifest = {
        {"seed", "42"},
        {"inputs", boost::json::array{{{"file", "upload.yaml"}, {"sha256", "source"}}}}};
    model_.duration = std::chrono::milliseconds(1500);
    model_.scenarios.push_back(Failed());
    model_.scenarios.push_back(Passed());
    model_.counts = {{Verdict::kFailed, 1}, {Verdict::kPassed, 1}};
    model_.verdict = Verdict::kFailed;
    model_.complete = true;
    trace_ = {{.id = "BB-1",
               .system = "demo",
               .verdict = history::TraceVerdict::kFailed,
               .evidence = {{.run = "run-1",
                             .instance = "UPLOAD",
                             .verdict = Verdict::kFailed,
                             .events = {2, 9}}}}};
    requirements_ = {{"BB-1", {.text = "Uploads answer 200."}}};
  }

  RunModel& model() { return model_; }
  ReportInput Input() const {
    return {model_, trace_,
            [this](std::string_view name) -> base::Result<std::string> {
              const auto found = blobs_.find(std::string(name));
              if (found == blobs_.end())
                return base::Fail(base::ErrorCode::kNotFound, "no such blob");
              return found->second;
            },
            &requirements_};
  }

 private:
  static ScenarioResult Failed() {
    StepResult step;
    step.path = "UPLOAD/1";
    step.name = "upload";
    step.action = "http";
    step.head = "POST /upload";
    step.file = "upload.yaml";
    step.line = 3;
    step.verdict = Verdict::kFailed;
    step.duration = std::chrono::milliseconds(12);
    step.attempts.push_back({.disposition = "answered", .transcript = "transcript"});
    const auto explanation = json::Parse(
        R"({"nodes": [{"expression": "status == 200", "value": "false",
                       "details": [{"expression": "status", "value": "422"}]}]})");
    step.expectations.push_back({.expression = "status == 200",
                                 .file = "upload.yaml",
                                 .line = 5,
                                 .column = 9,
                                 .role = "expect",
                                 .verdict = Verdict::kFailed,
                                 .explanation = explanation.value()});
    ScenarioResult scenario;
    scenario.instance = scenario.id = "UPLOAD";
    scenario.title = "Upload & <check>";
    scenario.system = "demo";
    scenario.verifies = {"BB-1"};
    scenario.verdict = Verdict::kFailed;
    scenario.reason = "step \"upload\" failed";
    scenario.steps.push_back(std::move(step));
    return scenario;
  }

  static ScenarioResult Passed() {
    ScenarioResult scenario;
    scenario.instance = scenario.id = "HEALTH";
    scenario.title = "Health";
    scenario.system = "demo";
    scenario.verdict = Verdict::kPassed;
    return scenario;
  }

  RunModel model_;
  std::vector<history::RequirementTrace> trace_;
  std::map<std::string, std::string> blobs_;
  RequirementTexts requirements_;
};

TEST(FailureText, LooksLikeACompilersDiagnostic) {
  const FakeRun run;
  const auto texts = FailureTexts(run.Input().model.scenarios[0], run.Input(), TextStyle{});
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0],
            "failed: status == 200\n"
            " --> upload.yaml:5:9\n"
            "  |\n"
            "5 |       - status == 200\n"
            "  |         ^^^^^^^^^^^^^\n"
            "  = step     upload: POST /upload (12 ms)\n"
            "  = values   \n"
            "      status == 200  false\n"
            "        status  422\n"
            "  = answer   422, application/json\n"
            "      {\"error\": \"<bad>\"}\n"
            "  = again    assay run --filter 'UPLOAD' --seed 42\n");
}

TEST(FailureText, NamesTheErrorThatKeptAnExpressionFromAValue) {
  FakeRun run;
  run.model().scenarios[0].steps[0].expectations[0].explanation =
      json::Parse(
          R"({"nodes": [{"expression": "1 + status", "error": "no overload of + for int, string"}]})")
          .value();
  const auto texts = FailureTexts(run.model().scenarios[0], run.Input(), TextStyle{});
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0], HasSubstr("1 + status  error: no overload of + for int, string\n"));
  EXPECT_THAT(FindReport("html")->render(run.Input()).value(),
              HasSubstr("error: no overload of + for int, string"));
}

TEST(FailureText, NamesTheErrorWhenAStepCouldNotBeCarriedOut) {
  FakeRun run;
  StepResult& step = run.model().scenarios[0].steps[0];
  step.expectations.clear();
  step.verdict = Verdict::kError;
  step.attempts[0].transcript.clear();
  step.attempts[0].error = {{"code", "unavailable"},
                            {"message", "connection refused by 127.0.0.1:1"},
                            {"hint", "is it up?"}};
  const auto texts = FailureTexts(run.model().scenarios[0], run.Input(), TextStyle{});
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0], HasSubstr("error: connection refused by 127.0.0.1:1\n"));
  EXPECT_THAT(texts[0], HasSubstr("hint     is it up?"));
}

TEST(FailureText, ManagesWithoutSourceOrTranscript) {
  FakeRun run;
  run.model().manifest.clear();
  run.model().scenarios[0].steps[0].attempts.clear();
  EXPECT_EQ(FailureTexts(run.model().scenarios[0], run.Input(), TextStyle{}).size(), 1u);
}

TEST(OneLine, CutsBetweenCharacters) {
  EXPECT_EQ(OneLine("short", 10), "short");
  EXPECT_EQ(OneLine("a\nb", 10), "a b");
  EXPECT_EQ(OneLine("abc\xc3\xa4\xc3\xa4\xc3\xa4", 7), "abc...");
}

TEST(JunitReport, CountsAndCarriesRequirementIds) {
  const FakeRun run;
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(FindReport("junit")->render(run.Input()).value().c_str()));
  const auto root = document.child("testsuites");
  EXPECT_EQ(root.attribute("tests").as_int(), 2);
  EXPECT_EQ(root.attribute("failures").as_int(), 1);
  const auto test = root.child("testsuite").child("testcase");
  EXPECT_STREQ(test.child("properties").child("property").attribute("name").value(), "verifies");
  EXPECT_STREQ(test.child("properties").child("property").attribute("value").value(), "BB-1");
  EXPECT_THAT(test.child("failure").text().get(), HasSubstr("status == 200"));
}

TEST(JunitReport, LeavesOutWhatXmlCannotHold) {
  FakeRun run;
  run.model().scenarios[0].reason = std::string("a\0b\x01", 4);
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(FindReport("junit")->render(run.Input()).value().c_str()));
}

TEST(JsonReport, IsOneDocumentWithScenariosAndTrace) {
  const FakeRun run;
  const auto root = json::Parse(FindReport("json")->render(run.Input()).value()).value();
  EXPECT_EQ(root.at("scenarios").at(0).at("verdict").as_string(), "failed");
  EXPECT_EQ(
      root.at("scenarios").at(0).at("steps").at(0).at("expectations").at(0).at("line").as_int64(),
      5);
  EXPECT_EQ(root.at("trace").at("requirements").at(0).at("id").as_string(), "BB-1");
  EXPECT_EQ(root.at("counts").at("failed").as_int64(), 1);
}

TEST(HtmlReport, ShowsFailuresOpenAndEscapesWhatTheSystemSaid) {
  const FakeRun run;
  const std::string page = FindReport("html")->render(run.Input()).value();
  EXPECT_THAT(page, HasSubstr("Upload &amp; &lt;check&gt;"));
  EXPECT_THAT(page, HasSubstr("&lt;bad&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<bad>")));
  EXPECT_THAT(page, HasSubstr("id='at-UPLOAD' data-verdict='failed'"));
  EXPECT_THAT(page, HasSubstr("id='req-BB-1'"));
  EXPECT_THAT(page, Not(HasSubstr("http-equiv")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));  // self-contained
}

TEST(FindReport, KnowsOnlyItsFormats) {
  EXPECT_EQ(FindReport("word"), nullptr);
  EXPECT_EQ(FindReport("html")->file, "report.html");
}

history::Event EventOf(std::string_view kind, std::string path, boost::json::object data) {
  history::Event event;
  event.kind = kind;
  event.path = std::move(path);
  event.data = std::move(data);
  return event;
}

std::string TerminalOutput(TerminalOptions options) {
  const FakeRun run;
  std::string out;
  TerminalReport report(options, [&](std::string_view text) { out += text; });
  report.OnEvent(EventOf(
      "run.started", "",
      {{"manifest",
        boost::json::object{
            {"version", "0.1.0"}, {"seed", "42"}, {"planned", boost::json::array{1, 2}}}}}));
  report.OnEvent(EventOf("scenario.started", "UPLOAD", {{"title", "Upload"}}));
  report.OnEvent(EventOf("step.started", "UPLOAD/1/upload", {{"name", "upload"}}));
  report.OnEvent(
      EventOf("scenario.finished", "UPLOAD",
              {{"verdict", "failed"}, {"reason", "because"}, {"duration_ns", 12'000'000}}));
  report.OnEvent(
      EventOf("scenario.skipped", "LATER", {{"title", "Later"}, {"reason", "needs mail"}}));
  report.Finish(run.Input(), "results/run-1");
  return out;
}

TEST(TerminalReport, PrintsPlainLinesWithoutATerminal) {
  const std::string out = TerminalOutput({.unicode = false});
  EXPECT_THAT(out, HasSubstr("assay 0.1.0, 2 scenarios, seed 42"));
  EXPECT_THAT(out, HasSubstr("  FAIL UPLOAD "));
  EXPECT_THAT(out, HasSubstr("      because\n"));
  EXPECT_THAT(out, HasSubstr("  skip LATER "));
  EXPECT_THAT(out, HasSubstr("failed: status == 200"));
  EXPECT_THAT(out, HasSubstr("1 passed, 1 failed  in 1.5 s\n0 of 1 requirements verified\n"));
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(out, Not(HasSubstr("\r")));
}

TEST(TerminalReport, RedrawsAStatusLineOnATerminalAndRemovesItAtTheEnd) {
  const std::string out = TerminalOutput({.live = true, .style = {.color = true}});
  EXPECT_THAT(out, HasSubstr("\r\x1b[2K"));
  EXPECT_THAT(out, HasSubstr("0/2"));
  EXPECT_GT(out.rfind("\r\x1b[2K"), out.rfind("0/2"));
}

}  // namespace
}  // namespace assay::report
