// Compose files with real containers: podman, podman-compose and runc from Debian, and an image
// made here from busybox, without a registry.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/environment/compose/compose_environment.h"
#include "assay/environment/guardian/journal.h"
#include "assay/environment/test_support.h"
#include "lib/http/client.h"

namespace assay::environment {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::TempDir;

base::Deadline Patient() { return Within(std::chrono::minutes(3)); }

constexpr const char* kContainersConf = R"([containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
)";

constexpr const char* kMakeImage = R"script(
set -e
mkdir -p root/bin root/tmp root/www root/etc
cp "$(command -v busybox)" root/bin/busybox
for name in sh sleep echo httpd wget true; do ln -sf busybox root/bin/$name; done
echo hello > root/www/index.html
echo 'root:x:0:0:root:/:/bin/sh' > root/etc/passwd
tar -C root -c . | podman import --change "VOLUME /scratch" - "localhost/$1:1"
)script";

/// `web` has a health check that is unhealthy at first, `job` ends at once. One name of a volume
/// begins with another one, and each container has a volume without a name.
constexpr const char* kComposeFile = R"(
services:
  web:
    image: localhost/${IMAGE}:1
    command: ["sh", "-c", "echo web is $GREETING; sleep 1; echo listening; exec httpd -f -p 8080 -h /www"]
    environment: { GREETING: "${GREETING}" }
    ports: ["127.0.0.1::8080"]
    volumes: ["data:/data"]
    healthcheck: { test: "wget -q -O /dev/null http://127.0.0.1:8080/", interval: 1s, retries: 50 }
  worker:
    image: localhost/${IMAGE}:1
    command: ["sh", "-c", "echo working; exec sleep 100000"]
    volumes: ["database:/database"]
    depends_on: [web]
  job:
    image: localhost/${IMAGE}:1
    command: ["echo", "migrated"]
volumes:
  database: {}
  data: {}
)";

/// One image for all tests of the process.
class ComposeLive : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TempDir;
    folder->Write("containers.conf", kContainersConf);
    folder->Write("compose.yaml", kComposeFile);
    for (const char* program : {"podman", "podman-compose", "runc", "busybox"}) {
      const std::string* path = process::FindVariable(inherited, "PATH");
      if (path == nullptr || !process::FindProgram(program, *path).has_value()) {
        skip = std::string(program) + " is not installed";
        return;
      }
    }
    image = "assay-live-" + UniqueToken();
    process::SetVariable(inherited, "CONTAINERS_CONF", (*folder / "containers.conf").string());
    const auto made = Sh(kMakeImage, image);
    if (!made.succeeded()) skip = "podman cannot make an image here: " + made.Tail(3);
  }
  static void TearDownTestSuite() {
    if (!image.empty()) (void)Sh("podman rmi -f localhost/$1:1", image);
    delete folder;
  }
  void SetUp() override {
    if (!skip.empty()) GTEST_SKIP() << skip;
  }

  static ToolOutput Sh(const std::string& script, const std::string& argument) {
    net::Runtime runtime;
    const ToolSetting setting{.run = "live", .environment = inherited, .directory = folder->path()};
    return runtime.Run(CallTool(setting.Call({"/bin/sh", "-c", script, "sh", argument}), Patient()))
        .value_or(ToolOutput{.exit = {.code = 127}});
  }

  /// What the engine still has of a run: containers, networks, volumes.
  static std::string LeftOf(const std::string& run) {
    return Sh("l=label=com.docker.compose.project=shop-$1; podman ps -aq --filter $l; "
              "podman network ls -q --filter $l; podman volume ls -q --filter $l",
              run)
        .out;
  }

  /// Names of all volumes that the containers of a run use.
  static std::string VolumesOf(const std::string& run) {
    return Sh("podman ps -aq --filter label=com.docker.compose.project=shop-$1 | xargs podman "
              "inspect "
              "--format '{{range .Mounts}}{{.Name}} {{end}}'",
              run)
        .out;
  }
  static std::string StillThere(const std::string& volumes) {
    return Sh("for one in $1; do ! podman volume exists $one || echo $one; done", volumes).out;
  }

  static EnvironmentSpec Spec() {
    EnvironmentSpec spec{.name = "local", .type = EnvironmentType::kCompose};
    spec.compose.files = {*folder / "compose.yaml"};
    spec.compose.project = "Shop";
    spec.compose.environment = {{"IMAGE", Fixed(image)}, {"GREETING", Fixed("polite")}};
    spec.services = {{.name = "web"}};
    spec.services[0].probes = {
        {.kind = ProbeKind::kHttp, .target = Fixed("/index.html"), .every = milliseconds(50)},
        {.kind = ProbeKind::kLog, .target = Fixed("^listening$")}};
    spec.endpoints = {{"web", [](const Placement& placement) -> base::Result<std::string> {
                         const auto& web = placement.services.at("web");
                         EXPECT_EQ(web.ports.front().first, "8080");
                         return "http://127.0.0.1:" + std::to_string(web.port());
                       }}};
    spec.start_timeout = std::chrono::minutes(2);
    return spec;
  }

  using Body = std::function<net::Task<void>(Environment&)>;
  void Run(EnvironmentSpec spec, const Body& body) {
    net::Runtime runtime;
    runtime.Run(RunIn(std::move(spec), &body));
  }

  std::vector<boost::json::object> Events(std::string_view kind, std::string_view path) const {
    std::vector<boost::json::object> found;
    for (const auto& [name, where, data] : events_) {
      if (name == kind && where == path) found.push_back(data);
    }
    return found;
  }

  net::Task<void> RunIn(EnvironmentSpec spec, const Body* body) {
    run_ = "live" + UniqueToken();
    auto guardian = co_await Guardian::Start(OptionsIn(results_, run_), Soon());
    EXPECT_TRUE(guardian.has_value());
    if (!guardian.has_value()) co_return;
    http::Client client(co_await net::CurrentExecutor());
    auto environment = MakeEnvironment(
        std::move(spec),
        {.clock = clock_,
         .executor = co_await net::CurrentExecutor(),
         .guardian = guardian->get(),
         .sink = [this](
                     std::string_view kind, std::string_view path, const boost::json::object& data,
                     const std::vector<std::string>&) { events_.emplace_back(kind, path, data); },
         .http = &client,
         .blobs = &blobs_,
         .run_directory = results_.path(),
         .inherited = inherited});
    EXPECT_TRUE(environment.has_value()) << environment.error().ToString();
    if (environment.has_value()) {
      co_await (*body)(**environment);
      const auto stopped = co_await (*environment)->Stop(Patient());
      EXPECT_TRUE(stopped.has_value()) << stopped.error().ToString();
    }
    EXPECT_EQ((co_await (*guardian)->Finish(Patient())).value(), 0);
  }

  static inline TempDir* folder = nullptr;
  static inline std::string skip;
  static inline std::string image;
  static inline process::EnvironmentList inherited = process::InheritedEnvironment();
  TempDir results_;
  base::SystemClock clock_;
  history::MemoryBlobs blobs_;
  std::string run_;
  std::vector<std::tuple<std::string, std::string, boost::json::object>> events_;
};

TEST_F(ComposeLive, ComesUpHealthyIsReachedAndLeavesNothing) {
  std::string volumes;
  Run(Spec(), [&](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Patient());
    EXPECT_TRUE(started.has_value()) << started.error().ToString() << started.error().hint;
    if (!started.has_value()) co_return;
    http::Client client(co_await net::CurrentExecutor());
    http::ClientRequest request;
    request.url = environment.endpoints().at(0).url + "/index.html";
    const auto answer = co_await client.Send(std::move(request), Soon());
    EXPECT_EQ(answer.value().body, "hello\n");
    EXPECT_NE(environment.Log("web").value().find("web is polite\n"), std::string::npos);
    std::vector<std::string> states;
    for (const ServiceStatus& status : environment.services()) {
      states.push_back(status.name + " " + std::string(ToString(status.state)));
    }
    EXPECT_EQ(states, (std::vector<std::string>{"web ready", "job exited", "worker ready"}));
    EXPECT_NE(LeftOf(run_), "");
    volumes = VolumesOf(run_);
    EXPECT_EQ(std::ranges::count(volumes, ' '), 5) << "two with names, three without: " << volumes;
  });
  EXPECT_EQ(LeftOf(run_), "");
  EXPECT_EQ(StillThere(volumes), "");
  const auto stopped = Events("environment.service.stopped", "job");
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(blobs_.Get(std::string(stopped[0].at("log").as_string())).value(), "migrated\n");
}

TEST_F(ComposeLive, AKilledServiceIsSeenAndCanBeStartedAgain) {
  Run(Spec(), [&](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Patient());
    EXPECT_TRUE(started.has_value()) << started.error().ToString() << started.error().hint;
    if (!started.has_value()) co_return;
    const auto command = [&](ServiceCommand what) {
      return environment.Control("web", what, Within(seconds(60)));
    };
    const auto state = [&] { return environment.services()[0].state; };
    EXPECT_TRUE((co_await command(ServiceCommand::kPause)).has_value());
    EXPECT_EQ(state(), ServiceState::kPaused);
    EXPECT_TRUE((co_await command(ServiceCommand::kResume)).has_value());
    EXPECT_EQ((co_await command(ServiceCommand::kStart)).error().code, base::ErrorCode::kConflict);
    EXPECT_TRUE((co_await command(ServiceCommand::kKill)).has_value());
    EXPECT_EQ(state(), ServiceState::kExited);
    const auto exits = Events("environment.service.exited", "web");
    EXPECT_EQ(exits.size(), 1U);
    if (!exits.empty()) {
      EXPECT_EQ(exits[0].at("exit_code").as_int64(), 128 + SIGKILL);
      EXPECT_FALSE(exits[0].at("wanted").as_bool());
    }
    EXPECT_EQ((co_await command(ServiceCommand::kPause)).error().code, base::ErrorCode::kConflict);
    const auto again = co_await command(ServiceCommand::kStart);
    EXPECT_TRUE(again.has_value()) << again.error().ToString() << again.error().hint;
    EXPECT_EQ(state(), ServiceState::kReady);
    EXPECT_TRUE((co_await command(ServiceCommand::kStop)).has_value());
    EXPECT_EQ(state(), ServiceState::kStopped);
  });
  EXPECT_EQ(LeftOf(run_), "");
}

TEST_F(ComposeLive, AServiceThatFailsStopsTheStartWithItsLastWords) {
  folder->Write("broken.yaml", R"(
services:
  web: { image: "localhost/${IMAGE}:1", command: ["sh", "-c", "echo no licence; exit 3"] }
)");
  EnvironmentSpec spec = Spec();
  spec.compose.files = {*folder / "broken.yaml"};
  spec.services[0].probes.clear();
  Run(std::move(spec), [&](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Patient());
    EXPECT_FALSE(started.has_value());
    if (started.has_value()) co_return;
    EXPECT_NE(started.error().message.find("\"web\" exited with code 3"), std::string::npos)
        << started.error().message;
    EXPECT_NE(started.error().hint.find("no licence"), std::string::npos) << started.error().hint;
  });
  EXPECT_EQ(LeftOf(run_), "");
}

TEST_F(ComposeLive, AnImageThatDoesNotExistIsNamed) {
  folder->Write("missing.yaml", R"(
services:
  web: { image: "localhost/assay-no-such-image:1", command: ["true"], pull_policy: never }
)");
  EnvironmentSpec spec = Spec();
  spec.compose.files = {*folder / "missing.yaml"};
  Run(std::move(spec), [&](Environment& environment) -> net::Task<void> {
    const auto started = co_await environment.Start(Patient());
    EXPECT_FALSE(started.has_value());
    if (started.has_value()) co_return;
    EXPECT_NE(started.error().hint.find("assay-no-such-image"), std::string::npos)
        << started.error().ToString() << started.error().hint;
  });
  EXPECT_EQ(LeftOf(run_), "");
}

// The program that stands for assay dies at several moments of the start and after it.
TEST_F(ComposeLive, TheGuardianRemovesEverythingWhenAssayIsKilled) {
  net::Runtime runtime;
  for (const int moment_ms : {300, 1500, 4000, 60000}) {
    const std::string run = "killed" + UniqueToken();
    auto output = process::MakePipe().value();
    process::Launch launch;
    launch.argv = {TEST_HOST, "compose", results_.path(), run, *folder / "compose.yaml", image};
    launch.environment = inherited;
    launch.stdout_fd = output.writer.get();
    launch.stderr_fd = STDERR_FILENO;
    const pid_t pid = process::Spawn(launch).value();
    output.writer.Reset();
    std::array<std::byte, 100> said{};
    (void)runtime.Run(net::ReadSome(output.reader.get(), said, Within(milliseconds(moment_ms))));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    const auto journal = results_ / (run + ".journal");
    const auto undone = [&] {
      const auto state = ReadJournal(journal);
      return state.has_value() && state->undone;
    };
    EXPECT_TRUE(runtime.Run(Eventually(undone, Within(seconds(90))))) << moment_ms;
    EXPECT_EQ(LeftOf(run), "") << "killed after " << moment_ms << " ms";
  }
}

}  // namespace
}  // namespace assay::environment
