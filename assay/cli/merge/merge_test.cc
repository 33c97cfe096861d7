// `--shard` and `assay merge` from end to end.

#include <filesystem>
#include <fstream>
#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/cli.h"
#include "lib/http/server.h"
#include "lib/net/service/background_loop.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class MergeTest : public testing::Test {
 protected:
  /// What one command printed.
  struct Said {
    int code = -1;
    std::string out;
    std::string err;
  };

  MergeTest() {
    temp_.Write("assay.yaml", "name: demo\nsuites: [suites]\n");
    server_ = http::Server::Start({loop_.executor()},
                                  [](http::Request& request) -> net::Task<http::Response> {
                                    co_return http::Response::Text(
                                        request.path == "/bad" ? 500 : 200, "hello");
                                  },
                                  {})
                  .value();
  }
  ~MergeTest() override {
    loop_.Run([](http::Server& server) -> net::Task<void> {
      static_cast<void>(co_await server.Shutdown(base::Deadline::After(std::chrono::seconds(1))));
    }(*server_));
    loop_.Stop();
  }

  Said Call(const std::vector<std::string>& arguments) {
    Said said;
    net::Cancellation interrupt;
    Host host;
    host.out = [&said](std::string_view text) { said.out += text; };
    host.err = [&said](std::string_view text) { said.err += text; };
    host.environment = process::InheritedEnvironment();
    host.directory = temp_.path();
    host.program = ASSAY_PROGRAM;
    host.clock = &clock_;
    host.interrupt = &interrupt;
    said.code = Main(arguments, host);
    return said;
  }
  /// Both shards of a command at the same time, each with results of its own.
  std::pair<Said, Said> CallBoth(const std::vector<std::string>& arguments) {
    const auto shard = [&](const std::string& number) {
      std::vector<std::string> own = arguments;
      for (const std::string& word :
           {std::string("--shard"), number + "/2", std::string("--results"), "r" + number}) {
        own.push_back(word);
      }
      return Call(own);
    };
    std::pair<Said, Said> said;
    std::jthread first([&] { said.first = shard("1"); });
    said.second = shard("2");
    first.join();
    return said;
  }
  void Scenario(const std::string& id, const std::string& rest) {
    temp_.Write("suites/demo/" + id + ".yaml",
                "id: " + id + "\ntitle: Title of " + id + "\n" + rest);
  }
  void FourScenarios() {
    for (const std::string id : {"A", "B", "C", "D"}) {
      Scenario(id, "steps:\n  - id: say\n    exec: [echo, " + id +
                       "]\n    expect: stdout.contains('" + id + "')\n");
    }
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::BackgroundLoop loop_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(MergeTest, ScenariosAreDividedAndJoined) {
  FourScenarios();
  for (const std::string number : {"1", "2"}) {
    const Said run = Call({"run", "--shard", number + "/2", "--results", "r" + number});
    ASSERT_EQ(run.code, 0) << run.out << run.err;
    EXPECT_THAT(run.out, HasSubstr("2 passed"));
  }
  const Said merged =
      Call({"merge", "r2/latest", "r1/latest", "--results", "all", "--report", "json,junit,html"});
  EXPECT_EQ(merged.code, 0) << merged.out << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("4 passed"));
  for (const char* file : {"report.json", "junit.xml", "report.html", "run.json"}) {
    EXPECT_TRUE(std::filesystem::exists(temp_ / "all/latest" / file)) << file;
  }
  const Said verified = Call({"verify", "all/latest"});
  EXPECT_EQ(verified.code, 0) << verified.out;
  const Said replayed = Call({"replay", "all/latest"});
  EXPECT_EQ(replayed.code, 0) << replayed.out << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("identical: 4 scenarios"));
  EXPECT_THAT(Call({"history", "--results", "all"}).out, HasSubstr("passed"));
}

TEST_F(MergeTest, WhatDoesNotBelongTogetherIsRefused) {
  FourScenarios();
  for (const std::string number : {"1", "2"}) {
    ASSERT_EQ(Call({"run", "--shard", number + "/2", "--results", "r" + number}).code, 0);
  }
  const auto refused = [&](const std::vector<std::string>& shards) {
    std::vector<std::string> command = {"merge"};
    command.insert(command.end(), shards.begin(), shards.end());
    const Said said = Call(command);
    EXPECT_EQ(said.code, 1) << said.out;
    return said.err;
  };
  EXPECT_THAT(refused({"r1/latest"}), HasSubstr("of 2 shards 2 is missing"));
  EXPECT_THAT(refused({"r1/latest", "r1/latest"}), HasSubstr("shard 1/2 is there twice"));
  ASSERT_EQ(Call({"run", "--shard", "2/3", "--results", "r3"}).code, 0);
  EXPECT_THAT(refused({"r1/latest", "r3/latest"}), HasSubstr("is a shard of 2"));
  ASSERT_EQ(Call({"run", "--results", "whole"}).code, 0);
  EXPECT_THAT(refused({"r1/latest", "whole/latest"}), HasSubstr("is the run of no shard"));
  ASSERT_EQ(Call({"run", "--shard", "2/2", "--seed", "3", "--results", "r4"}).code, 0);
  EXPECT_THAT(refused({"r1/latest", "r4/latest"}),
              AllOf(HasSubstr("ran different plans"), HasSubstr("seed")));
  Scenario("D", "steps:\n  - exec: [echo, else]\n    expect: exit_code == 0\n");
  ASSERT_EQ(Call({"run", "--shard", "2/2", "--results", "r5"}).code, 0);
  EXPECT_THAT(refused({"r1/latest", "r5/latest"}),
              AllOf(HasSubstr("ran different plans"), HasSubstr("suites/demo/D.yaml")));
  std::string log = testing_support::ReadFile(temp_ / "r2/latest/events.jsonl");
  log.replace(log.find("Title of"), 5, "title");
  std::ofstream(temp_ / "r2/latest/events.jsonl", std::ios::binary) << log;
  EXPECT_THAT(refused({"r1/latest", "r2/latest"}), HasSubstr("is not intact"));
}

TEST_F(MergeTest, AnAlteredMergeIsNoticed) {
  FourScenarios();
  for (const std::string number : {"1", "2"}) {
    ASSERT_EQ(Call({"run", "--shard", number + "/2", "--results", "r" + number}).code, 0);
  }
  ASSERT_EQ(Call({"merge", "r1/latest", "r2/latest", "--results", "all"}).code, 0);
  std::string log = testing_support::ReadFile(temp_ / "all/latest/events.jsonl");
  log.replace(log.find("Title of"), 5, "title");
  std::ofstream(temp_ / "all/latest/events.jsonl", std::ios::binary) << log;
  EXPECT_EQ(Call({"verify", "all/latest"}).code, 4);
}

TEST_F(MergeTest, AFailureOfOneShardIsAFailureOfTheWhole) {
  FourScenarios();
  Scenario("C", "steps:\n  - exec: [echo, no]\n    expect: exit_code == 3\n");
  int failed = 0;
  for (const std::string number : {"1", "2"}) {
    failed += Call({"run", "--shard", number + "/2", "--results", "r" + number}).code == 4 ? 1 : 0;
  }
  EXPECT_EQ(failed, 1);
  const Said merged = Call({"merge", "r1/latest", "r2/latest", "--results", "all"});
  EXPECT_EQ(merged.code, 4);
  EXPECT_THAT(merged.out, HasSubstr("3 passed, 1 failed"));
}

constexpr auto kLoadScenario =
    "steps:\n"
    "  - id: first\n    http: GET /hello\n    expect: status == 200\n"
    "  - id: load\n    workload:\n      executor: constant-arrival-rate\n      rate: 100\n"
    "      duration: 2s\n      pre_allocated_vus: 8\n      max_lag: 10s\n      tasks:\n"
    "        - { name: good, weight: 3, steps: [ { http: GET /hello, expect: status == 200 } ] }\n"
    "        - { name: bad, weight: 1, steps: [ { http: GET /bad, expect: status == 500 } ] }\n"
    "      thresholds: [iterations == 200, \"status['500'].count == 50\", errors.count == 0]\n";

TEST_F(MergeTest, TheLoadOfASingleScenarioIsDividedAndJudgedAsAWhole) {
  Scenario("LOAD", kLoadScenario);
  const auto [one, two] = CallBoth({"run", "--url", server_->url()});
  EXPECT_EQ(one.code, 4) << one.err << "a half alone does not meet the threshold";
  EXPECT_EQ(two.code, 4) << two.err;
  const Said merged =
      Call({"merge", "r1/latest", "r2/latest", "--results", "all", "--report", "json,html"});
  ASSERT_EQ(merged.code, 0) << merged.out << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("1 passed"));
  const Said verified = Call({"verify", "all/latest"});
  EXPECT_EQ(verified.code, 0) << verified.out;
  const Said replayed = Call({"replay", "all/latest"});
  EXPECT_EQ(replayed.code, 0) << replayed.out << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("identical: 1 scenario"));
  const std::string page = testing_support::ReadFile(temp_ / "all/latest/report.html");
  EXPECT_THAT(page, HasSubstr("200 &times; 150"));
  EXPECT_THAT(page, HasSubstr("500 &times; 50"));
  EXPECT_THAT(Call({"history", "--results", "all", "--metric", "*load:rate"}).out,
              HasSubstr("LOAD/1/load:rate"));
}

TEST_F(MergeTest, ALoadFromTheCommandLineIsDividedAsWell) {
  const auto [one, two] = CallBoth({"load", server_->url() + "/hello", "-r", "60", "-d", "1s",
                                    "--max-lag", "10s", "--expect", "status == 200"});
  ASSERT_EQ(one.code, 0) << one.out << one.err;
  ASSERT_EQ(two.code, 0) << two.out << two.err;
  const Said merged = Call({"merge", "r1/latest", "r2/latest", "--results", "all", "--json"});
  EXPECT_EQ(merged.code, 0) << merged.out << merged.err;
  EXPECT_EQ(boost::json::parse(merged.out).at("verdict").as_string(), "passed");
  EXPECT_EQ(Call({"verify", "all/latest"}).code, 0);
  const std::string log = testing_support::ReadFile(temp_ / "all/latest/events.jsonl");
  EXPECT_THAT(log, HasSubstr(R"("iterations":60)"));
}

TEST_F(MergeTest, LoadsThatDidNotRunTogetherProveNothing) {
  for (const std::string number : {"1", "2"}) {
    const Said run =
        Call({"load", server_->url() + "/hello", "-r", "40", "-d", "1500ms", "--max-lag", "10s",
              "--shard", number + "/2", "--results", "r" + number});
    ASSERT_EQ(run.code, 0) << run.out << run.err;
  }
  const Said merged = Call({"merge", "r1/latest", "r2/latest", "--results", "all"});
  EXPECT_EQ(merged.code, 5) << merged.out << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("the shards did not load at the same time"));
}

TEST_F(MergeTest, AScenarioWithALedgerIsNotDivided) {
  Scenario("LOAD", std::string(kLoadScenario) +
                       "  - check: set\n    ledger: notes\n    expect: lost == 0\n");
  const Said run = Call({"run", "--shard", "1/2", "--url", server_->url()});
  EXPECT_EQ(run.code, 2) << run.out;
  EXPECT_THAT(run.err, HasSubstr("has a ledger: its load cannot be divided"));
}

TEST_F(MergeTest, TooManyShardsAreRefused) {
  FourScenarios();
  const Said run = Call({"run", "--shard", "9/9"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("there are more shards than groups"));
}

}  // namespace
}  // namespace assay::cli
