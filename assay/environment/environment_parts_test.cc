// Start order, ports, captured logs, and environments without processes.

#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/environment/environment.h"
#include "assay/environment/log_capture.h"
#include "assay/environment/ports.h"
#include "assay/environment/test_support.h"
#include "lib/http/client.h"
#include "lib/http/server.h"
#include "lib/http/websocket/server.h"
#include "lib/net/tcp.h"
#include "lib/sql/open.h"

namespace assay::environment {
namespace {

using testing_support::ReadFile;
using testing_support::TempDir;

ServiceSpec Named(const std::string& name, const std::vector<std::string>& needs) {
  ServiceSpec service{.name = name};
  for (const std::string& other : needs) service.depends_on.push_back({.service = other});
  return service;
}

TEST(StartOrder, PutsDependenciesFirst) {
  const auto order = StartOrder({Named("web", {"api"}), Named("db", {}), Named("api", {"db"})});
  EXPECT_EQ(order.value(), (std::vector<size_t>{1, 2, 0}));
}

TEST(StartOrder, ShowsACircle) {
  const auto order =
      StartOrder({Named("web", {"api"}), Named("api", {"db"}), Named("db", {"api"})});
  EXPECT_EQ(order.error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(order.error().message, "services depend on each other in a circle: api -> db -> api");
}

TEST(StartOrder, SuggestsTheServiceThatWasMeant) {
  const auto order = StartOrder({Named("api", {"postgras"}), Named("postgres", {})});
  EXPECT_TRUE(order.error().message.contains("\"postgras\""));
  EXPECT_EQ(order.error().hint, "did you mean \"postgres\"?");
}

TEST(PortPool, NeverGivesAPortTwiceWhileItIsHeld) {
  PortPool pool(7);
  PortPool same(7);
  std::vector<ReservedPort> held;
  std::set<uint16_t> numbers;
  for (int i = 0; i < 50; ++i) {
    held.push_back((i % 2 == 0 ? pool : same).Take().value());
    held.back().Release();
    numbers.insert(held.back().number());
  }
  EXPECT_EQ(numbers.size(), 50U);
}

TEST(PortPool, RefusesAFixedPortThatIsInUse) {
  net::Runtime runtime;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const auto taken = PortPool::TakeFixed(listener.port());
  EXPECT_EQ(taken.error().code, base::ErrorCode::kConflict);
  EXPECT_TRUE(taken.error().message.contains(std::to_string(listener.port())));
}

TEST(LogCapture, CountsMatchingLinesAcrossPieces) {
  const TempDir folder;
  auto log = LogCapture::Create(folder / "a.log", 1 << 20).value();
  const auto watch = log->Watch("ready: [0-9]+").value();
  ASSERT_TRUE(log->Append("ready: 1\nrea").has_value());
  ASSERT_TRUE(log->Append("dy: 2\nnot ready: x\nready: 3").has_value());
  EXPECT_EQ(watch->count(), 2) << "the last line is not finished";
  EXPECT_EQ(log->Tail(2), (std::vector<std::string>{"not ready: x", "ready: 3"}));
  EXPECT_EQ(log->Tail(100).size(), 4U);
  EXPECT_EQ(ReadFile(folder / "a.log"), "ready: 1\nready: 2\nnot ready: x\nready: 3");
}

TEST(LogCapture, KeepsTheNewestPartAndSaysWhatWasLost) {
  const TempDir folder;
  auto log = LogCapture::Create(folder / "a.log", 200).value();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(log->Append("line " + std::to_string(i) + "\n").has_value());
  }
  const std::string kept = log->Contents();
  EXPECT_LT(kept.size(), 400U);
  EXPECT_TRUE(kept.ends_with("line 99\n"));
  EXPECT_TRUE(kept.contains("[assay: log rotated, "));
  EXPECT_GT(log->dropped_bytes(), 500U);
}

TEST(LogCapture, RefusesAPatternThatIsNoRegularExpression) {
  const TempDir folder;
  auto log = LogCapture::Create(folder / "a.log", 1 << 20).value();
  EXPECT_EQ(log->Watch("(open").error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(LogCapture::Create(folder / "no" / "a.log", 1).error().code, base::ErrorCode::kIo);
}

/// An environment without processes, whose events are not of interest.
base::Result<std::unique_ptr<Environment>> MakeRemote(EnvironmentSpec spec, net::Runtime& runtime,
                                                      const base::Clock& clock,
                                                      http::Client* client = nullptr) {
  return MakeEnvironment(std::move(spec),
                         {.clock = clock,
                          .executor = runtime.executor(),
                          .sink = [](std::string_view, std::string_view, boost::json::object,
                                     std::vector<std::string>) {},
                          .http = client,
                          .run_directory = "/",
                          .inherited = {}});
}

TEST(RemoteEnvironment, OnlyProbesWhatIsThere) {
  net::Runtime runtime;
  const base::SystemClock clock;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string address = listener.local().ToString();
  EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
  ServiceSpec api{.name = "api"};
  api.probes = {{.kind = ProbeKind::kTcp, .target = Fixed(address)}};
  spec.services = {api};
  spec.endpoints = {{.name = "api", .url = Fixed("http://" + address)}};
  auto environment = MakeRemote(spec, runtime, clock).value();
  EXPECT_TRUE(runtime.Run(environment->Start(Soon())).has_value());
  EXPECT_EQ(environment->endpoints()[0].url, "http://" + address);
  const auto killed = runtime.Run(environment->Control("api", ServiceCommand::kKill, Soon()));
  EXPECT_EQ(killed.error().code, base::ErrorCode::kUnsupported);
  EXPECT_TRUE(runtime.Run(environment->Stop(Soon())).has_value());
}

net::Task<void> Nothing(http::websocket::Connection& connection) {
  static_cast<void>(co_await connection.Receive(Soon()));
}

TEST(RemoteEnvironment, ProbesWhetherAConnectionUpgrades) {
  net::Runtime runtime;
  const base::SystemClock clock;
  auto server = http::Server::Start(runtime.executors(),
                                    [](http::Request& request) -> net::Task<http::Response> {
                                      if (request.path != "/events")
                                        co_return http::Response::Text(404, "gone");
                                      co_return http::websocket::Accept(request, {}, Nothing);
                                    },
                                    {})
                    .value();
  const auto start = [&](const std::string& path, std::vector<int> statuses) {
    EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
    ServiceSpec api{.name = "api"};
    api.probes = {{.kind = ProbeKind::kWebSocket,
                   .target = Fixed("ws" + server->url().substr(4) + path),
                   .statuses = std::move(statuses),
                   .within = std::chrono::milliseconds(100),
                   .every = std::chrono::milliseconds(20)}};
    spec.services = {api};
    auto environment = MakeRemote(spec, runtime, clock).value();
    return runtime.Run(environment->Start(Soon()));
  };
  EXPECT_TRUE(start("/events", {}).has_value());
  const auto refused = start("/other", {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().message.contains("answered the upgrade with 404: gone"))
      << refused.error().message;
  EXPECT_TRUE(start("/other", {404}).has_value());
  runtime.Run(server->Shutdown(Soon()));
}

TEST(RemoteEnvironment, SaysWhichServiceCannotBeReached) {
  net::Runtime runtime;
  const base::SystemClock clock;
  http::Client client(runtime.executor());
  EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
  ServiceSpec api{.name = "api"};
  api.probes = {{.kind = ProbeKind::kHttp,
                 .target = Fixed("http://127.0.0.1:1/health"),
                 .within = std::chrono::milliseconds(100),
                 .every = std::chrono::milliseconds(20)}};
  spec.services = {api};
  auto environment = MakeRemote(spec, runtime, clock, &client).value();
  const auto started = runtime.Run(environment->Start(Soon()));
  EXPECT_EQ(started.error().code, base::ErrorCode::kTimeout);
  EXPECT_TRUE(started.error().message.contains("service \"api\" is not ready"));
  EXPECT_FALSE(started.error().hint.empty());
}

/// Starts a remote environment whose only service has this probe.
base::Result<void> ProbeOnce(ProbeSpec probe) {
  net::Runtime runtime;
  const base::SystemClock clock;
  probe.within = std::chrono::milliseconds(500);
  probe.every = std::chrono::milliseconds(10);
  ServiceSpec database{.name = "database"};
  database.probes = {std::move(probe)};
  EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
  spec.services = {database};
  auto environment = MakeRemote(spec, runtime, clock).value();
  return runtime.Run(environment->Start(Soon()));
}

TEST(SqlProbe, IsReadyWhenTheDatabaseAnswersTheQuery) {
  const testing_support::TempDir folder;
  const std::string url = "sqlite:" + (folder / "a.db").string();
  const auto missing = ProbeOnce({.kind = ProbeKind::kSql, .target = Fixed(url)});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, base::ErrorCode::kTimeout) << "it may be made yet";
  EXPECT_TRUE(missing.error().ToString().contains("a.db")) << missing.error().ToString();
  {
    const auto soon = base::Deadline::After(std::chrono::seconds(5));
    auto database = sql::Open(url + "?mode=rwc", {}, soon).value();
    ASSERT_TRUE(sql::Change(*database, "CREATE TABLE migration (id INTEGER)", {}, soon));
  }
  EXPECT_TRUE(ProbeOnce({.kind = ProbeKind::kSql, .target = Fixed(url)}).has_value());
  const auto asked = [&](const char* query) {
    return ProbeOnce({.kind = ProbeKind::kSql, .target = Fixed(url), .query = query});
  };
  EXPECT_TRUE(asked("SELECT count(*) = 0 FROM migration").has_value());
  for (const char* query : {"SELECT count(*) FROM migration", "SELECT id FROM migration",
                            "SELECT max(id) FROM migration", "SELECT * FROM nowhere"}) {
    EXPECT_FALSE(asked(query).has_value()) << query;
  }
}

TEST(SqlProbe, AUrlOfSomethingElseIsRefusedWithoutItsPassword) {
  const auto wrong =
      ProbeOnce({.kind = ProbeKind::kSql, .target = Fixed("mysql://u:secret@127.0.0.1/d")});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_FALSE(wrong.error().ToString().contains("secret"));
}

EnvironmentSpec StorageSpec(const std::string& url) {
  EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
  ServiceSpec storage{.name = "storage"};
  storage.probes = {{.kind = ProbeKind::kS3,
                     .target = Fixed(url),
                     .within = std::chrono::seconds(5),
                     .every = std::chrono::milliseconds(10)}};
  spec.services = {storage};
  return spec;
}

TEST(S3Probe, SucceedsWhenTheServiceListsItsBuckets) {
  net::Runtime runtime;
  const base::SystemClock clock;
  int asked = 0;
  auto handler = [&](http::Request&) -> net::Task<http::Response> {
    if (++asked < 3)
      co_return http::Response::Text(403, "<Error><Code>AccessDenied</Code></Error>");
    co_return http::Response::Text(200, "<ListAllMyBucketsResult/>");
  };
  auto server = http::Server::Start({runtime.executor()}, handler, {}).value();
  http::Client client(runtime.executor());
  const std::string url = "http://KEY:top-secret@127.0.0.1:" + std::to_string(server->port());
  auto environment = MakeRemote(StorageSpec(url), runtime, clock, &client).value();
  const auto started = runtime.Run(environment->Start(Soon()));
  EXPECT_TRUE(started.has_value()) << started.error().ToString();
  EXPECT_EQ(asked, 3);
  runtime.Run(server->Shutdown(Soon()));
}

TEST(S3Probe, AnAddressThatIsNoneIsSaidWithoutTheSecret) {
  net::Runtime runtime;
  const base::SystemClock clock;
  http::Client client(runtime.executor());
  auto environment =
      MakeRemote(StorageSpec("ftp://KEY:top-secret@host"), runtime, clock, &client).value();
  const auto started = runtime.Run(environment->Start(Soon()));
  ASSERT_FALSE(started.has_value());
  EXPECT_TRUE(started.error().ToString().contains("no address of an S3 service"));
  EXPECT_FALSE(started.error().ToString().contains("top-secret"));
}

TEST(RemoteEnvironment, ProbesBrokersByTheirUrl) {
  net::Runtime runtime;
  const base::SystemClock clock;
  const auto start = [&](ProbeKind kind, std::string url) {
    EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
    ServiceSpec broker{.name = "broker"};
    broker.probes = {{.kind = kind,
                      .target = Fixed(std::move(url)),
                      .within = std::chrono::milliseconds(100),
                      .every = std::chrono::milliseconds(20)}};
    spec.services = {broker};
    auto environment = MakeRemote(spec, runtime, clock).value();
    return runtime.Run(environment->Start(Soon())).error();
  };
  const base::Error redis = start(ProbeKind::kRedis, "redis://:topsecret@127.0.0.1:1");
  EXPECT_EQ(redis.code, base::ErrorCode::kTimeout);
  EXPECT_TRUE(redis.message.contains("cannot connect to 127.0.0.1:1")) << redis.message;
  EXPECT_FALSE(redis.message.contains("topsecret"));
  const base::Error amqp = start(ProbeKind::kAmqp, "http://127.0.0.1:1");
  EXPECT_EQ(amqp.code, base::ErrorCode::kInvalid);
  EXPECT_TRUE(amqp.message.contains("expected amqp://")) << amqp.message;
}

TEST(Environment, StartsNothingWithoutAGuardian) {
  net::Runtime runtime;
  const base::SystemClock clock;
  for (const auto type :
       {EnvironmentType::kProcess, EnvironmentType::kCompose, EnvironmentType::kKubernetes}) {
    const auto made = MakeRemote({.name = "x", .type = type}, runtime, clock);
    EXPECT_EQ(made.error().code, base::ErrorCode::kInternal);
  }
}

TEST(LogCapture, FindsLinesThatWereThereBeforeTheWatch) {
  const testing_support::TempDir folder;
  auto capture = LogCapture::Create(folder / "log", 1 << 20).value();
  ASSERT_TRUE(capture->Append("listening\nlistening\nlisten").has_value());
  const auto watch = capture->Watch("^listening$").value();
  EXPECT_EQ(watch->count(), 0);
  capture->SearchAgain();
  EXPECT_EQ(watch->count(), 2);
  ASSERT_TRUE(capture->Append("ing\n").has_value());
  EXPECT_EQ(watch->count(), 3);
}

}  // namespace
}  // namespace assay::environment
