// The whole program on small projects: programs are started for real, nothing is sent anywhere.

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "lib/process/descriptor.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::HasSubstr;

class Program : public testing::Test {
 protected:
  Program() {
    temp_.Write("assay.yaml", "name: demo\nsuites: [suites]\n");
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
  }

  void Scenario(const std::string& id, const std::string& rest) {
    temp_.Write("suites/demo/" + id + ".yaml", "id: " + id + "\ntitle: " + id + "\n" + rest);
  }
  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

constexpr auto kPassing =
    "steps:\n  - exec: [echo, hello]\n    expect: [\"stdout.contains('hello')\"]\n";

TEST_F(Program, APassedRunCanBeReplayedAndVerified) {
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run", "--report", "terminal,json,junit,html"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("1 passed"));
  for (const char* file : {"report.json", "junit.xml", "report.html", "run.json"}) {
    EXPECT_TRUE(std::filesystem::exists(temp_ / "results/latest" / file)) << file;
  }
  EXPECT_EQ(Call({"replay", "results/latest"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("identical"));
  EXPECT_EQ(Call({"verify"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"report"}), 0) << err_;
}

TEST_F(Program, AlteredEvidenceIsNoticed) {
  Scenario("GOOD", kPassing);
  ASSERT_EQ(Call({"run"}), 0) << out_ << err_;
  std::string log = testing_support::ReadFile(temp_ / "results/latest/events.jsonl");
  log.replace(log.find("hello"), 5, "jello");
  std::ofstream(temp_ / "results/latest/events.jsonl", std::ios::binary) << log;
  EXPECT_EQ(Call({"verify"}), 4);
  EXPECT_THAT(out_, HasSubstr("not intact"));
}

TEST_F(Program, ASignedRunIsVerifiedByItsPublicKey) {
  Scenario("GOOD", kPassing);
  ASSERT_EQ(Call({"keygen", "site.key"}), 0) << err_;
  EXPECT_EQ(Call({"keygen", "site.key"}), 3);
  EXPECT_THAT(err_, HasSubstr("exists already"));
  ASSERT_EQ(Call({"keygen", "other.key"}), 0);
  EXPECT_EQ(Call({"run", "--sign", "site.key"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"verify", "--key", "site.key.pub"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("signed by "));
  EXPECT_EQ(Call({"verify", "--key", "other.key.pub"}), 4) << out_;
  std::filesystem::permissions(temp_ / "site.key", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Call({"run", "--sign", "site.key"}), 1);
  EXPECT_THAT(err_, HasSubstr("chmod 600"));
}

TEST_F(Program, AnOperatorDecidesManualStepsAndTheReplayRemembers) {
  Scenario("LAMP", "steps:\n  - manual: Is the lamp on?\n    expect: [approved, who != '']\n");
  EXPECT_EQ(Call({"run"}), 5) << out_;  // nobody is there: skipped, nothing passed
  auto pipe = process::MakePipe().value();
  ASSERT_EQ(write(pipe.writer.get(), "perhaps\ny, bright\n", 18), 18);
  host_.input = pipe.reader.get();
  EXPECT_EQ(Call({"run", "--interactive"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("Is the lamp on?"));
  EXPECT_THAT(out_, HasSubstr("\"perhaps\" is no decision"));
  EXPECT_EQ(Call({"replay"}), 0) << out_ << err_;
  pipe.writer.Reset();
  EXPECT_EQ(Call({"run", "--interactive"}), 5) << out_;  // the operator has left
}

TEST_F(Program, AStepThatTakesTooLongIsAlwaysTheSameError) {
  Scenario("SLOW",
           "steps:\n  - exec: [sleep, '10']\n    timeout: 150ms\n    expect: [exit_code == 0]\n");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Call({"run"}), 3) << out_;
    EXPECT_THAT(out_, HasSubstr("no result within 150ms"));
  }
}

TEST_F(Program, AFailedExpectationIsShown) {
  Scenario("BAD", "steps:\n  - exec: [echo, hello]\n    expect: [exit_code == 3]\n");
  EXPECT_EQ(Call({"run"}), 4) << err_;
  EXPECT_THAT(out_, HasSubstr("exit_code == 3"));
}

TEST_F(Program, FilesThatDoNotLoadAreNotRun) {
  Scenario("BROKEN", "stepz: []\n");
  EXPECT_EQ(Call({"run"}), 2);
  EXPECT_THAT(err_, HasSubstr("stepz"));
  EXPECT_EQ(Call({"check"}), 2);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "results"));
}

TEST_F(Program, WrongUseIsToldApart) {
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run", "--frobnicate"}), 1);
  EXPECT_THAT(err_, HasSubstr("--frobnicate"));
  EXPECT_EQ(Call({"run", "--filter", "NONE*"}), 1);
  EXPECT_THAT(err_, HasSubstr("no scenario"));
}

TEST_F(Program, AnEnvironmentThatDoesNotStartIsAnError) {
  temp_.Write("assay.yaml",
              "name: demo\nsuites: [suites]\nenvironments:\n  local:\n    services:\n"
              "      api:\n        command: [no-such-program-anywhere]\n");
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run"}), 3) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("no-such-program-anywhere"));
}

/// Files below the folder that hold one of the texts.
std::vector<std::string> FilesWith(const std::filesystem::path& folder,
                                   const std::vector<std::string>& texts) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string content = testing_support::ReadFile(entry.path());
    for (const std::string& text : texts) {
      if (content.contains(text)) found.push_back(entry.path().string());
    }
  }
  return found;
}

TEST_F(Program, ASecretIsInNoByteThatARunWrites) {
  const std::string secret = "canary/4711+hush";
  process::SetVariable(host_.environment, "CANARY", secret);
  temp_.Write("assay.yaml", R"yaml(name: demo
suites: [suites]
environments:
  local:
    credentials: { canary: { variable: CANARY } }
    vars: { secret: "${{ environment.credentials.canary }}" }
    services:
      page:
        command: [python3, -c, "import os, sys; from http.server import *; print('log', os.environ['TOKEN'], flush=True); HTTPServer(('127.0.0.1', int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()", "${{ port }}"]
        env: { TOKEN: "${{ environment.credentials.canary }}" }
        ports: [http]
        probes: [{ http: /, every: 50ms }, { log: ^log }]
    endpoints:
      page: "http://127.0.0.1:${{ services.page.port }}/?key=${{ environment.credentials.canary }}"
      plain: "http://127.0.0.1:${{ services.page.port }}"
)yaml");
  Scenario("LEAK", R"(steps:
  - http: POST plain:/
    headers: { X-Canary: "${{ vars.secret }}", Authorization: "Bearer ${{ vars.secret }}" }
    query: { key: "${{ vars.secret }}" }
    json: { inner: { text: "before ${{ vars.secret }} after" } }
    expect: [status == 200, "text == vars.secret"]
    on_failure: continue
  - exec: [sh, -c, 'echo "$TOKEN"; printf %s "$TOKEN" | base64']
    env: { TOKEN: "${{ vars.secret }}" }
    expect: ["stdout == vars.secret"]
    on_failure: continue
  - note: "the secret is ${{ vars.secret }} at ${{ endpoints.page.url }}"
)");
  EXPECT_EQ(Call({"run", "--verbose", "--report", "terminal,json,junit,html"}), 4) << out_ << err_;
  std::vector<std::string> printed{out_, err_};
  EXPECT_EQ(Call({"run", "--json"}), 4);
  printed.insert(printed.end(), {out_, err_});
  const std::vector<std::string> forms = {secret, "canary%2F4711%2Bhush", "Y2FuYXJ5LzQ3MTEraHVzaA",
                                          "63616e6172792f343731312b68757368"};
  EXPECT_THAT(FilesWith(temp_ / "results", forms), testing::IsEmpty());
  for (const std::string& text : printed) {
    for (const std::string& form : forms) EXPECT_THAT(text, testing::Not(HasSubstr(form)));
  }
  const std::string log = testing_support::ReadFile(temp_ / "results/latest/logs/local.page.log");
  EXPECT_THAT(log, HasSubstr("log [redacted:")) << "the log stays, without the secret";
}

TEST_F(Program, AStepCanAddressAnotherEnvironment) {
  constexpr auto kRegion = R"(
    profile: multi-region
    services:
      page:
        command: [python3, -m, http.server, "${{ port }}", --bind, 127.0.0.1]
        cwd: REGION
        ports: [http]
        probes: [{ http: /, every: 50ms }]
    endpoints: { page: "http://127.0.0.1:${{ services.page.port }}" }
)";
  std::string project = "name: demo\nsuites: [suites]\nenvironment: region-a\nenvironments:\n";
  for (const std::string region : {"region-a", "region-b"}) {
    std::string text = kRegion;
    text.replace(text.find("REGION"), 6, region);
    project += "  " + region + ":" + text;
    temp_.Write(region + "/name", "here is " + region);
  }
  temp_.Write("assay.yaml", project);
  Scenario("NEAR", R"(steps:
  - http: GET page:/name
    expect: ["text == 'here is region-a'"]
  - group:
      - http: GET /name
        at: region-b
        expect: ["text == 'here is region-b'"]
)");
  EXPECT_EQ(Call({"run"}), 0) << out_ << err_;
}

TEST_F(Program, AnInterruptedRunSaysSo) {
  Scenario("GOOD", kPassing);
  interrupt_.Request();
  EXPECT_EQ(Call({"run"}), 130) << out_ << err_;
}

}  // namespace
}  // namespace assay::cli
