#include "assay/environment/process_environment.h"

#include <csignal>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/environment/test_support.h"
#include "lib/http/client.h"

namespace assay::environment {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::TempDir;

struct SeenEvent {
  std::string kind;
  std::string path;
  boost::json::object data;
};

/// An environment with everything it needs; each test brings its services.
class Bench {
 public:
  using Body = std::function<net::Task<void>(Environment&)>;

  void Run(std::vector<ServiceSpec> services, const Body& body,
           std::vector<EndpointSpec> endpoints = {}) {
    EnvironmentSpec spec{.name = "local"};
    spec.services = std::move(services);
    spec.endpoints = std::move(endpoints);
    runtime_.Run(RunIn(std::move(spec), &body));
  }

  /// Kind and path of the events that name a service, in order: `ready db`.
  std::vector<std::string> Story(std::string_view only) const {
    std::vector<std::string> story;
    constexpr std::string_view kPrefix = "environment.service.";
    for (const SeenEvent& event : events_) {
      if (!event.kind.starts_with(kPrefix)) continue;
      const std::string what = event.kind.substr(kPrefix.size());
      if (only.find(what) != std::string_view::npos) story.push_back(what + " " + event.path);
    }
    return story;
  }
  const SeenEvent* Find(std::string_view kind, std::string_view path) const {
    for (const SeenEvent& event : events_) {
      if (event.kind == kind && event.path == path) return &event;
    }
    return nullptr;
  }
  const TempDir& folder() const { return folder_; }
  history::MemoryBlobs& blobs() { return blobs_; }

 private:
  net::Task<void> RunIn(EnvironmentSpec spec, const Body* body) {
    const std::string run = "bench" + UniqueToken();
    auto guardian = co_await Guardian::Start(OptionsIn(folder_, run), Soon());
    EXPECT_TRUE(guardian.has_value());
    const auto sink = [this](std::string_view kind, std::string_view path, boost::json::object data,
                             std::vector<std::string>) {
      events_.push_back({std::string(kind), std::string(path), std::move(data)});
    };
    http::Client client(co_await net::CurrentExecutor());
    auto environment =
        MakeEnvironment(std::move(spec), {.clock = clock_,
                                          .executor = co_await net::CurrentExecutor(),
                                          .guardian = guardian->get(),
                                          .sink = sink,
                                          .http = &client,
                                          .blobs = &blobs_,
                                          .run_directory = folder_.path(),
                                          .inherited = process::InheritedEnvironment()});
    EXPECT_TRUE(environment.has_value()) << environment.error().ToString();
    if (environment.has_value()) {
      co_await (*body)(**environment);
      EXPECT_TRUE((co_await (*environment)->Stop(Soon())).has_value());
    }
    const auto left = co_await (*guardian)->Finish(Soon());
    EXPECT_EQ(left.value(), 0) << "the environment left processes to the guardian";
  }

  base::SystemClock clock_;
  TempDir folder_;
  history::MemoryBlobs blobs_;
  net::Runtime runtime_;
  std::vector<SeenEvent> events_;
};

ServiceSpec ShellService(const std::string& name, const std::string& script) {
  ServiceSpec service{.name = name};
  service.command = {Fixed("/bin/sh"), Fixed("-c"), Fixed(script)};
  return service;
}

ServiceSpec Server(const std::string& name, const std::string& delay_ms = "0") {
  ServiceSpec service{.name = name};
  service.command = {Fixed(TEST_HOST), Fixed("serve"), PortOf(), Fixed(delay_ms)};
  service.ports = {{.name = "http", .fixed = std::nullopt}};
  service.probes = {
      {.kind = ProbeKind::kHttp, .target = Fixed("/health"), .every = milliseconds(20)}};
  return service;
}

ProbeSpec LogProbe(const std::string& pattern, int64_t occurrences = 1) {
  return {.kind = ProbeKind::kLog,
          .target = Fixed(pattern),
          .occurrences = occurrences,
          .within = seconds(10),
          .every = milliseconds(10)};
}

TEST(ProcessEnvironment, StartsInOrderOfDependenciesAndStopsInReverse) {
  Bench bench;
  ServiceSpec api = Server("api");
  api.depends_on = {{.service = "db", .condition = StartCondition::kReady}};
  api.environment = {{"DB_PORT", PortOf("db", "http")}};
  const auto url = [](const Placement& placement) -> base::Result<std::string> {
    return "http://127.0.0.1:" + std::to_string(placement.services.at("api").port());
  };
  bench.Run({api, Server("db", "50")},
            [&](Environment& environment) -> net::Task<void> {
              const auto started = co_await environment.Start(Soon());
              EXPECT_TRUE(started.has_value()) << started.error().ToString();
              EXPECT_EQ(environment.endpoints().size(), 1U);
              http::Client client(co_await net::CurrentExecutor());
              const auto answer =
                  co_await client.Send({.url = environment.endpoints().at(0).url}, Soon());
              EXPECT_EQ(answer.value().body, "{\"up\":true}");
              for (const ServiceStatus& service : environment.services()) {
                EXPECT_EQ(service.state, ServiceState::kReady);
              }
            },
            {{.name = "api", .url = url}});
  EXPECT_EQ(bench.Story("starting ready stopping"),
            (std::vector<std::string>{"starting db", "ready db", "starting api", "ready api",
                                      "stopping api", "stopping db"}));
  const SeenEvent* stopped = bench.Find("environment.service.stopped", "db");
  ASSERT_NE(stopped, nullptr);
  EXPECT_EQ(stopped->data.at("signal").as_int64(), SIGTERM);
  const auto log = bench.blobs().Get(std::string(stopped->data.at("log").as_string()));
  EXPECT_TRUE(log.value().starts_with("listening on "));
  EXPECT_NE(bench.Find("environment.ready", "local"), nullptr);
  EXPECT_NE(bench.Find("environment.stopped", "local"), nullptr);
}

TEST(ProcessEnvironment, FailsAtOnceWhenAServiceDiesWhileItIsProbed) {
  Bench bench;
  ServiceSpec broken = ShellService("broken", "echo one; echo no such table >&2; exit 3");
  broken.probes = {{.kind = ProbeKind::kTcp, .target = Fixed("127.0.0.1:1")}};
  const auto began = std::chrono::steady_clock::now();
  bench.Run({broken}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_FALSE(started.has_value());
    EXPECT_EQ(started.error().message, "service \"broken\" exited with code 3 before it was ready");
    EXPECT_TRUE(started.error().hint.contains("one\nno such table"));
  });
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10)) << "its probe may take 30 s";
  const SeenEvent* exited = bench.Find("environment.service.exited", "broken");
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->data.at("exit_code").as_int64(), 3);
  EXPECT_EQ(exited->data.at("log_tail").as_array().size(), 2U);
}

TEST(ProcessEnvironment, GivesUpWhenAProbeTakesTooLong) {
  Bench bench;
  ServiceSpec silent = ShellService("silent", "echo loading; exec sleep 1000");
  silent.probes = {LogProbe("listening on \\d+")};
  silent.probes[0].within = milliseconds(150);
  bench.Run({silent}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_EQ(started.error().code, base::ErrorCode::kTimeout);
    EXPECT_TRUE(started.error().message.contains("within 150ms"));
    EXPECT_TRUE(started.error().message.contains("in 0 lines of the log, expected 1"));
    EXPECT_TRUE(started.error().hint.contains("loading"));
  });
}

TEST(ProcessEnvironment, ProbesLogsFilesAndPrograms) {
  Bench bench;
  ServiceSpec service =
      ShellService("worker", "echo started; echo state=up > state; echo started; exec sleep 1000");
  service.probes = {LogProbe("^started$", 2),
                    {.kind = ProbeKind::kFile,
                     .target = Fixed("state"),
                     .matches = "state=(up|ok)",
                     .every = milliseconds(10)},
                    {.kind = ProbeKind::kExec,
                     .command = {Fixed("/bin/sh"), Fixed("-c"), Fixed("test -e state; exit 7")},
                     .exit_code = 7,
                     .every = milliseconds(10)}};
  bench.Run({service}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    EXPECT_EQ(environment.Log("worker").value(), "started\nstarted\n");
  });
  EXPECT_NE(bench.Find("environment.probe", "worker"), nullptr);
}

TEST(ProcessEnvironment, AProbeCanJudgeTheBody) {
  Bench bench;
  ServiceSpec service = Server("api");
  int calls = 0;
  service.probes[0].accept = [&calls](int, const std::string& body) -> base::Result<bool> {
    return body.contains("\"up\":true") && ++calls == 3;
  };
  bench.Run({service}, [](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
  });
  EXPECT_EQ(calls, 3);
}

TEST(ProcessEnvironment, StartsDependentsWhenATaskIsCompleted) {
  Bench bench;
  ServiceSpec api = ShellService("api", "exec sleep 1000");
  api.depends_on = {{.service = "migrate", .condition = StartCondition::kCompleted}};
  bench.Run({api, ShellService("migrate", "echo done")},
            [](Environment& environment) -> net::Task<void> {
              const auto started = co_await environment.Start(Soon());
              EXPECT_TRUE(started.has_value()) << started.error().ToString();
            });
  EXPECT_EQ(bench.Story("starting exited"),
            (std::vector<std::string>{"starting migrate", "exited migrate", "starting api",
                                      "exited api"}));
}

TEST(ProcessEnvironment, NamesTheTaskThatFailedAndDoesNotStartItsDependents) {
  Bench bench;
  ServiceSpec api = ShellService("api", "exec sleep 1000");
  api.depends_on = {{.service = "migrate", .condition = StartCondition::kCompleted}};
  bench.Run({api, ShellService("migrate", "exit 9")},
            [](Environment& environment) -> net::Task<void> {
              const auto started = co_await environment.Start(Soon());
              EXPECT_TRUE(started.error().message.contains("\"migrate\" exited with code 9"))
                  << started.error().ToString();
            });
  EXPECT_EQ(bench.Find("environment.service.starting", "api"), nullptr);
}

TEST(ProcessEnvironment, NamesAProgramThatIsMissing) {
  Bench bench;
  ServiceSpec service{.name = "api"};
  service.command = {Fixed("no-such-server")};
  bench.Run({service}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_EQ(started.error().code, base::ErrorCode::kNotFound);
    EXPECT_TRUE(started.error().message.contains("no-such-server"));
  });
}

TEST(ProcessEnvironment, AnOptionalServiceMayFail) {
  Bench bench;
  ServiceSpec extra = ShellService("extra", "exit 1");
  extra.probes = {LogProbe("ready")};
  extra.optional = true;
  bench.Run({extra, Server("api")}, [](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
    EXPECT_EQ(environment.services()[0].state, ServiceState::kFailed);
  });
}

TEST(ProcessEnvironment, RestartsAServiceThatFailsButNotForEver) {
  Bench bench;
  ServiceSpec flaky = ShellService(
      "flaky", "echo x >> starts; [ $(wc -l < starts) -ge 3 ] || exit 1; echo ready; sleep 1000");
  flaky.probes = {LogProbe("ready")};
  flaky.restart = RestartRule::kOnFailure;
  bench.Run({flaky}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    EXPECT_EQ(environment.services()[0].restarts, 2);
  });
  Bench other;
  flaky.max_restarts = 1;
  other.Run({flaky}, [](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_FALSE(started.has_value());
    EXPECT_EQ(environment.services()[0].restarts, 1);
  });
}

TEST(ProcessEnvironment, RestartsAServiceThatIsKilledLater) {
  Bench bench;
  ServiceSpec service = Server("api");
  service.restart = RestartRule::kOnFailure;
  bench.Run({service}, [](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
    const pid_t before = environment.services()[0].pid;
    EXPECT_TRUE((co_await environment.Control("api", ServiceCommand::kKill, Soon())).has_value());
    const auto again = [&] {
      const ServiceStatus now = environment.services()[0];
      return now.pid != before && now.state == ServiceState::kReady;
    };
    EXPECT_TRUE(co_await Eventually(again, Soon()));
  });
}

TEST(ProcessEnvironment, RestartsAServiceThatEndsAgainWhileItIsRestarted) {
  Bench bench;
  // Up at first; after it was killed it fails twice before it is up again.
  ServiceSpec service = ShellService(
      "unlucky",
      "echo x >> starts; n=$(wc -l < starts); [ $n -eq 1 ] || [ $n -ge 4 ] || exit 1; echo ready; "
      "sleep 1000");
  service.probes = {LogProbe("ready")};
  service.restart = RestartRule::kAlways;
  bench.Run({service}, [](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
    EXPECT_TRUE(
        (co_await environment.Control("unlucky", ServiceCommand::kKill, Soon())).has_value());
    const auto again = [&] {
      const ServiceStatus now = environment.services()[0];
      return now.restarts == 3 && now.state == ServiceState::kReady;
    };
    EXPECT_TRUE(co_await Eventually(again, Soon()));
  });
}

TEST(ProcessEnvironment, TakesOtherPortsWhenAnotherProgramWasFaster) {
  Bench bench;
  ServiceSpec service{.name = "api"};
  service.ports = {{.name = "http", .fixed = std::nullopt}};
  service.command = {Fixed("/bin/sh"), Fixed("-c"),
                     [](const Placement& placement) -> base::Result<std::string> {
                       const std::string port = std::to_string(placement.own()->port());
                       return "echo " + port +
                              " >> ports; [ $(wc -l < ports) -eq 2 ] || { echo bind: Address "
                              "already in use; exit 1; }; exec " TEST_HOST " serve " +
                              port;
                     }};
  service.probes = {{.kind = ProbeKind::kTcp, .every = milliseconds(20)}};
  bench.Run({service}, [&](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Soon());
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    int first = 0;
    int second = 0;
    const std::string ports = testing_support::ReadFile(
        std::filesystem::path(environment.services()[0].directory) / "ports");
    EXPECT_EQ(std::sscanf(ports.c_str(), "%d\n%d", &first, &second), 2);
    EXPECT_NE(first, second);
  });
}

TEST(ProcessEnvironment, KillsWhatIgnoresTheStopSignalWithAllItsChildren) {
  Bench bench;
  const std::string token = UniqueToken();
  ServiceSpec service =
      ShellService("stubborn", "trap '' TERM; (setsid " + Nap(token) + " &); " + Nap(token) +
                                   " & echo ready; while :; do "
                                   "wait; done");
  service.probes = {LogProbe("ready")};
  service.stop_grace = milliseconds(200);
  bench.Run({service}, [&](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
    EXPECT_TRUE(co_await Eventually([&] { return Running(Nap(token)).size() == 2; }, Soon()));
  });
  EXPECT_TRUE(Running(Nap(token)).empty());
  const SeenEvent* stopped = bench.Find("environment.service.stopped", "stubborn");
  ASSERT_NE(stopped, nullptr);
  EXPECT_EQ(stopped->data.at("signal").as_int64(), SIGKILL);
}

TEST(ProcessEnvironment, PausesResumesStopsAndStartsByName) {
  Bench bench;
  bench.Run({Server("api")}, [](Environment& environment) -> net::Task<void> {
    EXPECT_TRUE((co_await environment.Start(Soon())).has_value());
    const auto command = [&](ServiceCommand what) {
      return environment.Control("api", what, Soon());
    };
    const pid_t pid = environment.services()[0].pid;
    EXPECT_TRUE((co_await command(ServiceCommand::kPause)).has_value());
    const auto paused = [pid] { return process::Find(pid)->state == 'T'; };
    EXPECT_TRUE(co_await Eventually(paused, Soon()));
    EXPECT_TRUE((co_await command(ServiceCommand::kResume)).has_value());
    EXPECT_TRUE(co_await Eventually([&] { return !paused(); }, Soon()));
    EXPECT_EQ((co_await command(ServiceCommand::kStart)).error().code, base::ErrorCode::kConflict);
    EXPECT_TRUE((co_await command(ServiceCommand::kStop)).has_value());
    EXPECT_EQ(environment.services()[0].state, ServiceState::kStopped);
    EXPECT_EQ((co_await command(ServiceCommand::kPause)).error().code, base::ErrorCode::kConflict);
    EXPECT_TRUE((co_await command(ServiceCommand::kStart)).has_value());
    EXPECT_TRUE((co_await command(ServiceCommand::kRestart)).has_value());
    EXPECT_NE(environment.services()[0].pid, pid);
    const auto unknown = co_await environment.Control("apis", ServiceCommand::kKill, Soon());
    EXPECT_EQ(unknown.error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(unknown.error().hint, "did you mean \"api\"?");
  });
}

}  // namespace
}  // namespace assay::environment
