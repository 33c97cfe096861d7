// Whole scenarios over WebSocket and MLLP against servers of their own thread, live and replayed.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/run/test_support.h"
#include "lib/formats/hl7/message.h"
#include "lib/formats/hl7/mllp.h"
#include "lib/http/server.h"
#include "lib/http/websocket/server.h"
#include "lib/net/cancellation.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"

namespace assay::run {
namespace {

using base::Deadline;
using history::Verdict;
using http::websocket::Connection;
using http::websocket::MessageType;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

/// Numbers its events, tells new ones to whoever listens at /events, and old ones after `?after=N`.
class EventService {
 public:
  EventService() : thread_([this] { runtime_.Run(Serve()); }) { url_ = ready_.get_future().get(); }
  ~EventService() {
    stop_.Request();
    thread_.join();
  }

  /// `127.0.0.1:8080`
  const std::string& address() const { return url_; }
  const std::string& mllp() const { return mllp_; }

 private:
  net::Task<void> Serve() {
    net::TaskGroup group(runtime_.executor(), {});
    auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
    mllp_ = listener.local().ToString();
    group.Spawn(Acknowledge(listener));
    auto server =
        http::Server::Start({runtime_.executor()},
                            [this](http::Request& request) { return Handle(request); }, {})
            .value();
    ready_.set_value(server->url().substr(7));
    static_cast<void>(co_await stop_.Wait(Deadline::Never()));
    co_await server->Shutdown(Deadline::After(1s));
    co_await group.Shutdown(Deadline::After(0s));
  }

  net::Task<http::Response> Handle(http::Request& request) {
    if (request.path == "/trigger") {
      request.body = (co_await http::ReadAll(*request.reader, 1 << 20, Soon())).value_or("");
      for (Connection* const listener : listeners_) {
        static_cast<void>(co_await listener->Send(
            MessageType::kText, fmt::format(R"({{"type": "created", "of": {}}})", request.body),
            Soon()));
      }
      co_return http::Response::Json(202, fmt::format(R"({{"told": {}}})", listeners_.size()));
    }
    if (!request.headers.Get("Authorization")) co_return http::Response::Text(401, "who are you");
    const std::string after = request.QueryValue("after").value_or("");
    co_return http::websocket::Accept(
        request, {}, [this, after](Connection& connection) { return Tell(connection, after); });
  }

  net::Task<void> Tell(Connection& connection, std::string after) {
    for (int n = after.empty() ? 100 : std::stoi(after) + 1; n <= 5; ++n) {
      if (!(co_await connection.Send(MessageType::kText, fmt::format(R"({{"n": {}}})", n), Soon())))
        co_return;
    }
    listeners_.push_back(&connection);
    while (const auto got = co_await connection.Receive(Soon())) {
      if (got->type == MessageType::kClose) break;
    }
    std::erase(listeners_, &connection);
  }

  net::Task<void> Acknowledge(net::TcpListener& listener) {
    while (auto stream = co_await listener.Accept(Deadline::Never())) {
      formats::hl7::MllpDecoder decoder(1 << 20);
      std::array<std::byte, 4096> buffer{};
      while (const auto got = co_await stream->Read(buffer, Soon())) {
        if (*got == 0) break;
        if (!decoder.Feed({reinterpret_cast<const char*>(buffer.data()), *got})) break;
        while (const auto message = decoder.Next()) {
          const auto parsed = formats::hl7::Parse(*message).value();
          const bool known = parsed.Value("PID", {3}) == "123";
          const auto answer = formats::hl7::MakeAcknowledgement(parsed, known ? "AA" : "AE", "1");
          static_cast<void>(co_await stream->Write(
              formats::hl7::MllpFrame(formats::hl7::Encode(answer)).value(), Soon()));
        }
      }
    }
  }

  net::Runtime runtime_;
  net::Cancellation stop_;
  std::promise<std::string> ready_;
  std::vector<Connection*> listeners_;
  std::string mllp_;
  std::string url_;
  std::thread thread_;
};

class StreamScenarioTest : public ::testing::Test {
 protected:
  StreamScenarioTest() { bench_.BuiltinActions(); }

  history::RunModel Steps(std::string rest) {
    const auto replace = [&](std::string_view what, const std::string& with) {
      for (size_t at = rest.find(what); at != std::string::npos; at = rest.find(what, at)) {
        rest.replace(at, what.size(), with);
      }
    };
    replace("HOST", service_.address());
    replace("MLLP", service_.mllp());
    bench_.Scenario("x", "id: X\n" + rest);
    history::RunModel model = bench_.Run();
    const auto replay = bench_.Replay();
    EXPECT_TRUE(replay) << replay.error().ToString();
    if (replay) {
      EXPECT_THAT(replay->missing, IsEmpty());
      EXPECT_THAT(replay->differences, IsEmpty());
    }
    return model;
  }

  EventService service_;
  Bench bench_;
};

TEST_F(StreamScenarioTest, ABackgroundListenerHearsWhatALaterStepCauses) {
  const auto model = Steps(R"yaml(
vars: { wanted: r-7 }
steps:
  - id: events
    websocket: ws://HOST/events
    auth: { bearer: canary-token-1 }
    background: true
    timeout: 10s
    until: message.json.type == 'created' && message.json.of.id == vars.wanted
    expect: [ "messages.all(m, m.type == 'text')" ]
  - http: POST http://HOST/trigger
    json: { id: other }
    expect: [ status == 202, body.told == 1 ]
  - http: POST http://HOST/trigger
    json: { id: "${{ vars.wanted }}" }
  - join: events
    expect: [ ended == 'until', count == 2, "messages[1].json.of.id == 'r-7'", code == 1000 ]
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

TEST_F(StreamScenarioTest, AnEventThatNeverComesFailsTheStep) {
  const auto model = Steps(R"yaml(
steps:
  - id: events
    websocket: ws://HOST/events
    auth: { bearer: canary-token-1 }
    background: true
    collect: { for: 50ms }
    until: message.json.type == 'deleted'
  - http: POST http://HOST/trigger
    json: {}
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_THAT(Said(StepAt(model, "X/1/events")),
              HasSubstr("failed: until did not come true in 1 messages"));
}

TEST_F(StreamScenarioTest, AnExpectationMayAskForWhatIsUnmet) {
  const auto model = Steps(R"yaml(
steps:
  - websocket: ws://HOST/events
    auth: { bearer: canary-token-1 }
    collect: { for: 20ms }
    until: "true"
    expect: [ "unmet.contains('0 messages')" ]
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

TEST_F(StreamScenarioTest, AStreamIsResumedWhereItBrokeOff) {
  const auto model = Steps(R"yaml(
steps:
  - websocket: ws://HOST/events?after=0
    auth: { bearer: canary-token-1 }
    timeout: 10s
    collect: { count: 2 }
    close: { abort: true }
    save: { last: "messages[1].json.n" }
    expect: [ code == 1006 ]
  - websocket: "ws://HOST/events?after=${{ vars.last }}"
    auth: { bearer: canary-token-1 }
    timeout: 10s
    until: message.json.n == 5
    expect: [ "messages.map(m, m.json.n) == [3, 4, 5]" ]
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

TEST_F(StreamScenarioTest, ARefusedListenerIsJudgedByItsExpectations) {
  const auto model = Steps(R"yaml(
steps:
  - { id: l, websocket: "ws://HOST/events", background: true, timeout: 10s, expect: [ status == 101 ] }
  - { id: next, http: "POST http://HOST/trigger", json: {} }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_EQ(StepAt(model, "X/1/l").verdict, Verdict::kFailed);
  EXPECT_THAT(Said(StepAt(model, "X/1/next")), HasSubstr("skipped: not evaluated"));
  EXPECT_EQ(Steps(R"yaml(
steps:
  - { websocket: "ws://HOST/events", background: true, timeout: 10s, expect: [ status == 401 ] }
)yaml")
                .verdict,
            Verdict::kPassed);
}

// The expression keeps the token out of the scenario's text, which a run keeps as it is.
TEST_F(StreamScenarioTest, SecretsOfTheUpgradeAreNotWritten) {
  Steps(R"yaml(
steps:
  - { websocket: "ws://u:canary-password@HOST/events", timeout: 10s,
      auth: { bearer: "${{ 'canary-token-' + string(1) }}" } }
)yaml");
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench_.dir())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(text.contains("canary-token-1")) << entry.path();
    EXPECT_FALSE(text.contains("canary-password")) << entry.path();
  }
  EXPECT_GE(files, 2U) << "the log and the transcript";
}

TEST_F(StreamScenarioTest, AnAdmissionIsAcknowledged) {
  const auto model = Steps(R"yaml(
vars: { mrn: "123" }
steps:
  - tcp: tcp://MLLP
    mode: mllp
    send:
      MSH: { 3: EHR, 9: { 1: ADT, 2: A01 }, 10: M1, 12: 2.5.1 }
      PID: { 3: "${{ vars.mrn }}", 5: { 1: DOE, 2: JOHN } }
    expect:
      - ack == 'AA'
      - acks[0].matches
      - message.MSA[0]['2'] == 'M1'
      - message.MSH[0]['9.2'] == 'A01'
      - message.segments == ['MSH', 'MSA']
  - tcp: tcp://MLLP
    mode: mllp
    send: |
      MSH|^~\&|EHR|||||||M2
      PID|||999
    expect: [ ack == 'AE' ]
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

}  // namespace
}  // namespace assay::run
