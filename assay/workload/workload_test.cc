// The whole step: scenarios with `workload`, run against a server on loopback and replayed.

#include <atomic>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/http_action.h"
#include "assay/run/test_support.h"
#include "assay/workload/workload_action.h"
#include "lib/http/server.h"
#include "lib/net/service/background_loop.h"
#include "lib/net/timer.h"

namespace assay::workload {
namespace {

using history::Verdict;
using testing::HasSubstr;

// Counts what it is asked; `/slow` takes 30 ms, `/long` 500 ms, `/missing` is 404, `/stall` stalls
// everybody for 200 ms once.
class Target {
 public:
  Target() {
    server_ = http::Server::Start({loop_.executor()},
                                  [this](http::Request& request) { return Answer(request); }, {})
                  .value();
  }
  ~Target() {
    loop_.Run([](http::Server& server) -> net::Task<void> {
      static_cast<void>(co_await server.Shutdown(base::Deadline::After(std::chrono::seconds(1))));
    }(*server_));
    loop_.Stop();
  }

  std::string url() const { return server_->url(); }
  int asked(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(path);
    return found == asked_.end() ? 0 : found->second;
  }
  std::set<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  net::Task<http::Response> Answer(http::Request& request) {
    std::string body;
    if (request.reader != nullptr) {
      auto read = co_await http::ReadAll(*request.reader, 1 << 20,
                                         base::Deadline::After(std::chrono::seconds(5)));
      if (read) body = *read;
    }
    {
      const std::lock_guard lock(mutex_);
      ++asked_[request.path];
      if (!body.empty()) bodies_.insert(body);
    }
    if (request.path == "/slow") {
      static_cast<void>(co_await net::Sleep(std::chrono::milliseconds(30)));
    }
    if (request.path == "/long") {
      static_cast<void>(co_await net::Sleep(std::chrono::milliseconds(500)));
    }
    if (request.path == "/missing") co_return http::Response::Json(404, "{\"error\": \"gone\"}");
    co_return http::Response::Json(200, "{\"token\": \"t\"}");
  }

  net::BackgroundLoop loop_;
  std::unique_ptr<http::Server> server_;
  mutable std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::set<std::string> bodies_;
};

class WorkloadTest : public testing::Test {
 protected:
  WorkloadTest() {
    bench_.Add(std::make_unique<action::HttpAction>()).Add(std::make_unique<WorkloadAction>());
  }

  // Runs one scenario whose only step is `load`, with these lines of parameters and step fields.
  // Carried out as steps, unless the parameters speak of the engine.
  history::StepResult Load(std::string parameters, const std::string& fields = "") {
    if (!parameters.contains("engine")) parameters += "\nengine: steps";
    bench_.Scenario("w", fmt::format("id: W\ntitle: load\nvars: {{ url: '{}' }}\nsteps:\n"
                                     "  - id: load\n{}    workload:\n{}",
                                     target_.url(), Indent(fields, 4), Indent(parameters, 6)));
    model_ = bench_.Run();
    return run::StepAt(model_, "W/1/load");
  }

  static std::string Indent(const std::string& text, size_t by) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      out += std::string(by, ' ') + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

  // A figure of the recorded outcome, as typed JSON shows it.
  static std::string Figure(const history::StepResult& step, std::string_view pointer) {
    if (step.attempts.empty()) return "no attempt";
    const boost::json::value& value = step.attempts.back().value;
    boost::system::error_code error;
    const auto* found = value.find_pointer(pointer, error);
    return found == nullptr ? "absent in " + boost::json::serialize(value)
                            : boost::json::serialize(*found);
  }

  void ExpectSameOnReplay() {
    const auto report = bench_.Replay();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->ok()) << (report->differences.empty() ? "missing"
                                                              : report->differences[0].what);
  }

  Target target_;
  run::Bench bench_;
  history::RunModel model_;
};

TEST_F(WorkloadTest, SharedIterationsAreCarriedOutExactlySoOften) {
  const auto step = Load(R"yaml(executor: shared-iterations
vus: 4
iterations: 60
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/ok
        expect: body.token == 't'
thresholds:
  - iterations == 60
  - errors.count == 0
  - status['200'].count == 60
  - status['404'].count == 0
  - tasks.get.latency.p99 < duration('5s')
  - dropped == 0 && late == 0)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(target_.asked("/ok"), 60);
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, WhatItsStepsRecordIsJudgedByTheCheckAfterIt) {
  bench_.Scenario("w", fmt::format(R"yaml(id: W
title: load
vars: {{ url: '{}' }}
steps:
  - id: load
    workload:
      executor: shared-iterations
      vus: 4
      iterations: 40
      tasks:
        - name: all
          steps:
            - http: "GET ${{{{ vars.url }}}}/${{{{ index % 10 == 3 ? 'missing' : 'ok' }}}}"
              record: {{ ledger: pages, op: add, key: "${{{{ index }}}}" }}
              expect: status == 200
  - set: {{ seen: "${{{{ lists.range(40).filter(i, i % 10 != 3 && i != 5) }}}}" }}
    record: {{ ledger: pages, op: read, value: "${{{{ vars.seen }}}}" }}
  - id: kept
    check: set
    ledger: pages
    expect: [ "unmet != ''", lost == 1, acknowledged == 36, "witnesses[0].subject == '5'" ]
)yaml",
                                   target_.url()));
  model_ = bench_.Run();
  EXPECT_EQ(run::Said(run::StepAt(model_, "W/1/kept")), "passed: ");
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, EveryUserDoesItsOwnIterations) {
  const auto step = Load(R"yaml(executor: per-vu-iterations
vus: 3
iterations: 5
tasks:
  - name: post
    steps:
      - http: POST ${{ vars.url }}/post
        body: "user ${{ vu }}"
        expect: status == 200
thresholds: iterations == 15 && vus == 3)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_THAT(target_.bodies(), testing::ElementsAre("user 1", "user 2", "user 3"));
}

TEST_F(WorkloadTest, TasksAreDrawnByWeightAndSeeTheirRows) {
  bench_.File("suites/bench/names.csv", "name\nAnna\nBert\nCleo\n");
  const auto step = Load(R"yaml(executor: shared-iterations
vus: 2
iterations: 60
tasks:
  - name: quick
    weight: 3
    data: names.csv
    steps:
      - http: POST ${{ vars.url }}/quick
        body: "${{ row.name }}"
        expect: status == 200
  - name: status
    weight: 2
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status == 404
  - name: full
    steps:
      - http: GET ${{ vars.url }}/full
        save: { token: body.token }
        expect: status == 200
      - http: GET ${{ vars.url }}/again?t=${{ vars.token }}
        expect: status == 200
thresholds:
  - tasks.quick.iterations == 30 && tasks.status.iterations == 20 && tasks.full.iterations == 10
  - status['404'].count == 20
  - errors.rate == 0.0)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_THAT(target_.bodies(), testing::ElementsAre("Anna", "Bert", "Cleo"));
  EXPECT_EQ(target_.asked("/again"), 10);
}

TEST_F(WorkloadTest, AThresholdThatDoesNotHoldFailsAndSaysWhich) {
  const auto step = Load(R"yaml(executor: shared-iterations
iterations: 6
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status == 200
thresholds:
  - errors.rate < 0.01)yaml");
  EXPECT_EQ(step.verdict, Verdict::kFailed);
  EXPECT_THAT(step.reason, HasSubstr("errors.rate < 0.01"));
  EXPECT_EQ(Figure(step, "/failures/0/count"), "6") << Figure(step, "");
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, FailuresAreKeptWithTheirTranscriptsAndNeverAllOfThem) {
  Load(R"yaml(executor: shared-iterations
iterations: 40
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status == 200)yaml");
  int failures = 0;
  int outcomes = 0;
  for (const history::Event& event : bench_.Events()) {
    if (event.kind == history::kind::kOutcome) ++outcomes;
    if (event.kind != history::kind::kWorkloadFailure) continue;
    ++failures;
    EXPECT_EQ(event.path, "W/1/load");
    EXPECT_EQ(event.data.at("reason").as_string(), "status == 200");
    EXPECT_EQ(event.data.at("status"), 404);
    EXPECT_EQ(event.data.at("transcript").as_string().size(), 64);
    EXPECT_FALSE(event.blobs.empty());
  }
  EXPECT_EQ(failures, 3);
  EXPECT_EQ(outcomes, 1);
}

TEST_F(WorkloadTest, AnArrivalThatFindsNobodyFreeWaitsAndItsWaitingCounts) {
  // Two users of 30 ms can do 66 a second; 100 a second are due: the queue grows by 17 in half a
  // second, and the last one waits for about 250 ms.
  const auto step = Load(R"yaml(executor: constant-arrival-rate
rate: 100
duration: 500ms
pre_allocated_vus: 2
max_lag: 10s
tasks:
  - name: slow
    steps:
      - http: GET ${{ vars.url }}/slow
        expect: status == 200
thresholds:
  - iterations == 50 && scheduled == 50 && dropped == 0
  - late > 10
  - latency.max > duration('120ms')
  - latency.max > service_time.max
  - service_time.min >= duration('29ms'))yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(target_.asked("/slow"), 50);
}

TEST_F(WorkloadTest, MoreUsersAreMadeWhileArrivalsFindNobody) {
  const auto step = Load(R"yaml(executor: constant-arrival-rate
rate: 100
duration: 300ms
pre_allocated_vus: 1
max_vus: 40
max_lag: 10s
tasks:
  - name: slow
    steps:
      - http: GET ${{ vars.url }}/slow
        expect: status == 200
thresholds:
  - iterations == 30
  - vus > 1 && vus <= 40)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
}

TEST_F(WorkloadTest, WhatCannotBeBegunBeforeTheGraceEndsIsDropped) {
  const auto step = Load(R"yaml(executor: constant-arrival-rate
rate: 200
duration: 200ms
pre_allocated_vus: 1
graceful_stop: 50ms
max_lag: 10s
tasks:
  - name: slow
    steps:
      - http: GET ${{ vars.url }}/slow
        expect: status == 200
thresholds:
  - scheduled == 40
  - dropped > 20 && dropped + begun == 40)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
}

TEST_F(WorkloadTest, AbortEndsTheLoadAtOnceAndFailsTheStep) {
  const auto step = Load(R"yaml(executor: constant-vus
vus: 1
duration: 1m
think: 20ms
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status == 200
abort_on:
  - { when: errors.rate > 0.5, delay: 500ms })yaml");
  EXPECT_EQ(step.verdict, Verdict::kFailed);
  EXPECT_THAT(step.reason, HasSubstr("errors.rate > 0.5"));
  EXPECT_LT(step.duration, std::chrono::seconds(20));
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, AUserKeepsWhatItGotAtItsStart) {
  const auto step = Load(R"yaml(executor: per-vu-iterations
vus: 2
iterations: 3
on_start:
  - http: GET ${{ vars.url }}/login
    save: { mine: "body.token + string(vu)" }
    expect: status == 200
tasks:
  - name: post
    steps:
      - http: POST ${{ vars.url }}/post
        body: "${{ vars.mine }}"
        expect: status == 200
thresholds: iterations == 6)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(target_.asked("/login"), 2);
  EXPECT_THAT(target_.bodies(), testing::ElementsAre("t1", "t2"));
}

TEST_F(WorkloadTest, AGeneratorThatLagsIsInconclusiveNotPassed) {
  const auto step = Load(R"yaml(executor: constant-arrival-rate
rate: 50
duration: 200ms
pre_allocated_vus: 5
max_lag: 1ns
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/ok
        expect: status == 200
thresholds: iterations == 10)yaml");
  EXPECT_EQ(step.verdict, Verdict::kInconclusive);
  EXPECT_THAT(step.reason, HasSubstr("the generator lagged"));
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, AnUnreachableSystemFailsIterationsAndTheThreshold) {
  const auto step = Load(R"yaml(executor: shared-iterations
iterations: 5
tasks:
  - name: get
    steps:
      - http: GET http://127.0.0.1:1/
        expect: status == 200
thresholds: errors.count == 0)yaml");
  EXPECT_EQ(step.verdict, Verdict::kFailed);
  EXPECT_EQ(Figure(step, "/failures/0/count"), "5");
}

TEST_F(WorkloadTest, WrongParametersAreErrorsThatNameThem) {
  const auto step = Load(R"yaml(executor: constant-vus
vus: 2
rate: 5
duration: 1s
tasks:
  - name: get
    steps: [ { http: "GET /" } ])yaml");
  EXPECT_EQ(step.verdict, Verdict::kError);
  EXPECT_THAT(step.reason, HasSubstr("has no parameter \"rate\""));
}

// --- at wire speed -----------------------------------------------------------------------------

TEST_F(WorkloadTest, RequestsThatAreAlwaysTheSameGoAtWireSpeed) {
  const auto step = Load(R"yaml(executor: shared-iterations
vus: 4
iterations: 300
tasks:
  - name: ok
    weight: 2
    steps:
      - http: POST ${{ vars.url }}/ok
        json: { a: 1 }
        auth: { bearer: secret-token }
        expect: status == 200
  - name: missing
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status in [404, 410]
thresholds:
  - engine == 'wire' && engine_reason == ''
  - iterations == 300 && errors.count == 0
  - tasks.ok.status['200'].count == 200
  - tasks.missing.status['404'].count == 100
  - received_bytes > 0
  - vus == 4)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(target_.asked("/ok"), 200);
  EXPECT_THAT(target_.bodies(), testing::ElementsAre("{\"a\":1}"));
  ExpectSameOnReplay();
}

TEST_F(WorkloadTest, BothEnginesCountTheSame) {
  const std::string parameters = R"yaml(executor: per-vu-iterations
vus: 3
iterations: 20
engine: ENGINE
tasks:
  - name: missing
    steps:
      - http: GET ${{ vars.url }}/missing
        expect: status == 200
thresholds: iterations == 60)yaml";
  const auto with = [&](std::string_view engine) {
    std::string text = parameters;
    text.replace(text.find("ENGINE"), 6, engine);
    return Load(text);
  };
  const auto wire = with("auto");
  const auto steps = with("steps");
  EXPECT_EQ(Figure(wire, "/engine"), "\"wire\"");
  EXPECT_EQ(Figure(steps, "/engine"), "\"steps\"");
  for (const auto& step : {wire, steps}) {
    EXPECT_EQ(run::Said(step), "passed: ");
    EXPECT_EQ(Figure(step, "/failures/0/reason"), "\"status == 200\"");
    EXPECT_EQ(Figure(step, "/failures/0/count"), "60");
    EXPECT_EQ(Figure(step, "/status/404/count"), "60");
  }
  EXPECT_EQ(target_.asked("/missing"), 120);
}

TEST_F(WorkloadTest, WhatAsksForMoreSaysWhyItIsSlower) {
  const auto step = Load(R"yaml(executor: shared-iterations
iterations: 2
tasks:
  - name: get
    steps:
      - http: GET ${{ vars.url }}/ok?n=${{ index }}
        expect: status == 200
thresholds: engine == 'steps')yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_THAT(Figure(step, "/engine_reason"), HasSubstr("differs between iterations"));
}

TEST_F(WorkloadTest, AtWireSpeedWaitingForAFreeUserCountsAsWell) {
  const auto step = Load(R"yaml(executor: constant-arrival-rate
rate: 100
duration: 500ms
pre_allocated_vus: 2
max_lag: 10s
tasks:
  - name: slow
    steps:
      - http: GET ${{ vars.url }}/slow
        expect: status == 200
thresholds:
  - engine == 'wire'
  - iterations == 50 && scheduled == 50 && dropped == 0
  - late > 10
  - latency.max > duration('120ms')
  - service_time.min >= duration('29ms'))yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
}

TEST_F(WorkloadTest, AtWireSpeedAStepsOwnTimeEndsItsRequest) {
  const auto step = Load(R"yaml(executor: per-vu-iterations
vus: 2
iterations: 1
tasks:
  - name: slow
    steps:
      - http: GET ${{ vars.url }}/long
        timeout: 10ms
        expect: status == 200
thresholds: engine == 'wire' && errors.count == 2)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(Figure(step, "/failures/0/reason"), "\"no result within 10ms\"");
}

TEST_F(WorkloadTest, AtWireSpeedUsersComeAndGoAndThink) {
  const auto step = Load(R"yaml(executor: ramping-vus
start_vus: 1
stages: [ { duration: 300ms, target: 4 }, { duration: 300ms, target: 0 } ]
think: { min: 10ms, max: 30ms }
max_lag: 10s
tasks:
  - name: ok
    steps:
      - http: GET ${{ vars.url }}/ok
        expect: status == 200
thresholds:
  - engine == 'wire' && vus == 4 && errors.count == 0 && interrupted == 0
  - iterations > 10 && iterations < 200
  - think_time.min >= duration('10ms'))yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
}

TEST_F(WorkloadTest, AtWireSpeedARefusedConnectionIsAFailureOfTheIteration) {
  const auto step = Load(R"yaml(executor: shared-iterations
iterations: 5
tasks:
  - name: get
    steps: [ { http: "GET http://127.0.0.1:1/", expect: status == 200 } ]
thresholds: engine == 'wire' && errors.count == 5)yaml");
  EXPECT_EQ(run::Said(step), "passed: ");
  EXPECT_EQ(Figure(step, "/failures/0/reason"), "\"the connection was refused\"");
}

TEST_F(WorkloadTest, TheStepsOwnTimeEndsIt) {
  const auto step = Load(R"yaml(executor: constant-vus
vus: 2
duration: 1m
tasks:
  - name: get
    steps: [ { http: "GET ${{ vars.url }}/slow" } ])yaml",
                         "timeout: 300ms");
  EXPECT_EQ(step.verdict, Verdict::kError);
  EXPECT_LT(step.duration, std::chrono::seconds(20));
}

}  // namespace
}  // namespace assay::workload
