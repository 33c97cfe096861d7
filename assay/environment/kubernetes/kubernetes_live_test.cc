// kubectl against the API server of the tests (tests/kubernetes/api_server.py): every command that
// the environment gives is carried out by the real program and answered over HTTP; what was asked
// is recorded. There is no kubelet: a container is what the server says of it.

#include <csignal>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/environment/guardian/journal.h"
#include "assay/environment/kubernetes/kubernetes_environment.h"
#include "assay/environment/test_support.h"
#include "lib/http/client.h"
#include "lib/json/parse.h"

namespace assay::environment {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::TempDir;

base::Deadline Patient() { return Within(std::chrono::minutes(5)); }

constexpr const char* kWeb = R"yaml(
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: page, image: "shop/${IMAGE}", args: ["${GREETING}"], ports: [{ name: http, containerPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }, { port: 9090 }] }
)yaml";

constexpr const char* kOthers = R"yaml(
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store }
spec:
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: store, image: shop/store }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: shop/agent }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: migrate }
spec: { template: { spec: { restartPolicy: Never, containers: [{ name: migrate, image: shop/done, args: [migrated] }] } } }
)yaml";

/// One request as the server got it.
struct Request {
  std::string method;
  std::string path;
  boost::json::object body;
};

/// One server for all tests of the process.
class KubernetesLive : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir;
    const std::string* path = process::FindVariable(inherited_, "PATH");
    for (const char* program : {"kubectl", "python3"}) {
      if (path == nullptr || !process::FindProgram(program, *path).has_value()) {
        skip_ = std::string(program) + " is not installed";
        return;
      }
    }
    process::SetVariable(inherited_, "HOME", folder_->path().string());
    StartServer();
    folder_->Write("config",
                   "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
                   "clusters: [{ name: test, cluster: { server: \"" +
                       server_ +
                       "\" } }]\n"
                       "contexts: [{ name: test, context: { cluster: test, user: test } }]\n"
                       "users: [{ name: test, user: {} }]\n");
  }
  static void StartServer() {
    auto input = process::MakePipe().value();
    auto output = process::MakePipe().value();
    process::Launch launch;
    launch.argv = {"python3", ASSAY_SOURCE_DIR "/tests/kubernetes/api_server.py", "--record",
                   *folder_ / "requests"};
    launch.environment = inherited_;
    launch.stdin_fd = input.reader.get();
    launch.stdout_fd = output.writer.get();
    launch.stderr_fd = STDERR_FILENO;
    server_pid_ = process::Spawn(launch).value();
    server_input_ = std::move(input.writer);
    output.writer.Reset();
    std::array<std::byte, 100> said{};
    net::Runtime runtime;
    const auto got = runtime.Run(net::ReadSome(output.reader.get(), said, Patient()));
    const std::string text(reinterpret_cast<const char*>(said.data()), got.value_or(0));
    ASSERT_TRUE(text.starts_with("listening on ")) << text;
    server_ = "http://127.0.0.1:" + std::to_string(std::stoi(text.substr(13)));
    // Open as long as the server lives: its line may come in more than one piece.
    server_output_ = std::move(output.reader);
  }
  // The server ends with its input.
  static void TearDownTestSuite() {
    server_input_.Reset();
    if (server_pid_ > 0) ::waitpid(server_pid_, nullptr, 0);
    delete folder_;
  }
  void SetUp() override {
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    folder_->Write("web.yaml", kWeb);
    folder_->Write("others.yaml", kOthers);
    seen_ = Requests().size();
  }

  static std::vector<Request> Requests() {
    std::ifstream file(*folder_ / "requests");
    std::vector<Request> requests;
    for (std::string line; std::getline(file, line);) {
      const auto json = json::Parse(line);
      if (!json.has_value()) continue;
      const auto& request = json->as_object();
      requests.push_back({std::string(request.at("method").as_string()),
                          std::string(request.at("path").as_string()),
                          request.at("body").is_object() ? request.at("body").as_object()
                                                         : boost::json::object()});
    }
    return requests;
  }
  /// `METHOD path` of what this test asked to change.
  std::vector<std::string> Changes() const {
    std::vector<std::string> changes;
    auto all = Requests();
    for (size_t i = seen_; i < all.size(); ++i) {
      if (all[i].method != "GET") changes.push_back(all[i].method + " " + all[i].path);
    }
    return changes;
  }

  static EnvironmentSpec Spec(std::vector<std::string> files = {"web.yaml"}) {
    EnvironmentSpec spec{.name = "local", .type = EnvironmentType::kKubernetes};
    for (const std::string& file : files) spec.kubernetes.manifests.push_back(*folder_ / file);
    spec.kubernetes.kubeconfig = *folder_ / "config";
    spec.kubernetes.space = "Shop";
    spec.kubernetes.variables = {{"GREETING", Fixed("polite")}, {"IMAGE", Fixed("page")}};
    spec.start_timeout = std::chrono::minutes(4);
    return spec;
  }
  static EnvironmentSpec WithWeb(EnvironmentSpec spec) {
    spec.services.insert(spec.services.begin(), {.name = "web"});
    spec.services[0].probes = {
        {.kind = ProbeKind::kHttp, .target = Fixed("/"), .within = std::chrono::minutes(2)},
        {.kind = ProbeKind::kLog, .target = Fixed("^polite$"), .within = std::chrono::minutes(1)}};
    spec.endpoints = {{"web", [](const Placement& placement) -> base::Result<std::string> {
                         return "http://127.0.0.1:" +
                                std::to_string(placement.services.at("web").port());
                       }}};
    return spec;
  }

  using Body = std::function<net::Task<void>(Environment&)>;
  void Run(EnvironmentSpec spec, const Body& body) {
    net::Runtime runtime;
    runtime.Run(RunIn(std::move(spec), &body));
  }
  /// The error with which the start fails; then nothing is left.
  base::Error FailureOf(EnvironmentSpec spec) {
    base::Error error;
    Run(std::move(spec), [&](Environment& environment) -> net::Task<void> {
      const auto started = co_await environment.Start(Patient());
      EXPECT_FALSE(started.has_value());
      if (!started.has_value()) error = started.error();
    });
    return error;
  }

  net::Task<void> RunIn(EnvironmentSpec spec, const Body* body) {
    run_ = "live" + UniqueToken();
    auto guardian = co_await Guardian::Start(OptionsIn(results_, run_), Patient());
    EXPECT_TRUE(guardian.has_value());
    if (!guardian.has_value()) co_return;
    http::Client client(co_await net::CurrentExecutor());
    client_ = &client;
    auto environment = MakeEnvironment(
        std::move(spec),
        {.clock = clock_,
         .executor = co_await net::CurrentExecutor(),
         .guardian = guardian->get(),
         .sink = [this](std::string_view kind, std::string_view path, boost::json::object data,
                        std::vector<std::string>) { events_.emplace_back(kind, path, data); },
         .http = &client,
         .blobs = &blobs_,
         .run_directory = results_.path(),
         .inherited = inherited_});
    EXPECT_TRUE(environment.has_value()) << environment.error().ToString();
    if (environment.has_value()) {
      co_await (*body)(**environment);
      const auto stopped = co_await (*environment)->Stop(Patient());
      EXPECT_TRUE(stopped.has_value()) << stopped.error().ToString() << stopped.error().hint;
    }
    EXPECT_EQ((co_await (*guardian)->Finish(Patient())).value(), 0);
    EXPECT_THAT(co_await Namespaces(), Not(HasSubstr(run_)));
    client_ = nullptr;
  }

  net::Task<std::string> Send(std::string url, std::string method) {
    http::ClientRequest request;
    request.url = std::move(url);
    request.method = std::move(method);
    const auto answer = co_await client_->Send(std::move(request), Within(seconds(30)));
    co_return answer.has_value() ? answer->body : answer.error().ToString();
  }
  net::Task<std::string> Get(std::string url) { return Send(std::move(url), "GET"); }
  net::Task<std::string> Namespaces() { return Get(server_ + "/api/v1/namespaces"); }
  net::Task<void> Disturb(std::string how) {
    (void)co_await Send(server_ + "/_test/" + how, "POST");
  }

  std::vector<boost::json::object> Events(std::string_view kind, std::string_view path) const {
    std::vector<boost::json::object> found;
    for (const auto& [name, where, data] : events_) {
      if (name == kind && where == path) found.push_back(data);
    }
    return found;
  }
  static std::vector<std::string> States(const Environment& environment) {
    std::vector<std::string> states;
    for (const ServiceStatus& status : environment.services()) {
      states.push_back(status.name + " " + std::string(ToString(status.state)));
    }
    return states;
  }
  static net::Task<bool> Becomes(Environment& environment, ServiceState state) {
    co_return co_await Eventually([&] { return environment.services()[0].state == state; },
                                  Patient());
  }

  static inline TempDir* folder_ = nullptr;
  static inline std::string skip_;
  static inline std::string server_;
  static inline pid_t server_pid_ = -1;
  static inline process::Descriptor server_input_;
  static inline process::Descriptor server_output_;
  static inline process::EnvironmentList inherited_ = process::InheritedEnvironment();
  TempDir results_;
  base::SystemClock clock_;
  history::MemoryBlobs blobs_;
  http::Client* client_ = nullptr;
  size_t seen_ = 0;
  std::string run_;
  std::vector<std::tuple<std::string, std::string, boost::json::object>> events_;
};

net::Task<bool> Starts(Environment& environment) {
  const auto started = co_await environment.Start(Patient());
  EXPECT_TRUE(started.has_value()) << started.error().ToString() << "\n" << started.error().hint;
  co_return started.has_value();
}

TEST_F(KubernetesLive, ComesUpIsReachedThroughForwardedPortsAndLeavesNothing) {
  Run(WithWeb(Spec({"web.yaml", "others.yaml"})), [&](Environment& environment) -> net::Task<void> {
    if (!co_await Starts(environment)) co_return;
    EXPECT_THAT(co_await Get(environment.endpoints().at(0).url),
                testing::MatchesRegex("web-.* 8080\n"));
    EXPECT_THAT(environment.Log("web").value(), HasSubstr("polite\n"));
    EXPECT_THAT(States(environment),
                ElementsAre("web ready", "store ready", "agent ready", "migrate exited"));
    std::vector<std::string> ports;
    const ServiceStatus web = environment.services().at(0);
    for (const auto& [name, number] : web.ports) ports.push_back(name);
    EXPECT_THAT(ports, ElementsAre("8080", "9090", "http"));
    EXPECT_THAT(co_await Namespaces(), HasSubstr("shop-" + run_));
  });
  const std::string space = "/api/v1/namespaces/shop-" + run_;
  const std::string apps = "/apis/apps/v1/namespaces/shop-" + run_;
  const auto changes = Changes();
  ASSERT_GE(changes.size(), 7U);
  EXPECT_EQ(changes[0], "POST /api/v1/namespaces");
  EXPECT_THAT(changes, Contains("PATCH " + apps + "/deployments/web"));
  EXPECT_THAT(changes, Contains("PATCH " + space + "/services/web"));
  EXPECT_THAT(changes, Contains("PATCH /apis/batch/v1/namespaces/shop-" + run_ + "/jobs/migrate"));
  EXPECT_THAT(changes, Contains("DELETE " + space));
  const auto all = Requests();
  for (size_t i = seen_; i < all.size(); ++i) {
    const Request& request = all[i];
    if (request.method == "POST" && request.path == "/api/v1/namespaces") {
      EXPECT_EQ(request.body.at("metadata").at("labels").at("assay-run").as_string(), run_);
    }
    if (request.path == apps + "/deployments/web" && request.method == "PATCH") {
      EXPECT_THAT(boost::json::serialize(request.body), HasSubstr(R"("image":"shop/page")"));
    }
  }
  const auto stopped = Events("environment.service.stopped", "migrate");
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_THAT(blobs_.Get(std::string(stopped[0].at("log").as_string())).value(),
              HasSubstr("migrated\n"));
}

TEST_F(KubernetesLive, ServicesAreStoppedStartedRestartedAndKilled) {
  Run(WithWeb(Spec()), [&](Environment& environment) -> net::Task<void> {
    if (!co_await Starts(environment)) co_return;
    const auto command = [&](ServiceCommand what) {
      return environment.Control("web", what, Patient());
    };
    const std::string url = environment.endpoints()[0].url;
    const std::string before = co_await Get(url);
    EXPECT_TRUE((co_await command(ServiceCommand::kStop)).has_value());
    EXPECT_EQ(environment.services()[0].state, ServiceState::kStopped);
    EXPECT_THAT(co_await Get(url), Not(HasSubstr("8080\n")));
    EXPECT_TRUE((co_await command(ServiceCommand::kStart)).has_value());
    EXPECT_EQ(environment.services()[0].state, ServiceState::kReady);
    const std::string after = co_await Get(url);
    EXPECT_THAT(after, HasSubstr("8080\n"));
    EXPECT_NE(after, before);
    EXPECT_EQ((co_await command(ServiceCommand::kStart)).error().code, base::ErrorCode::kConflict);
    const auto restarted = co_await command(ServiceCommand::kRestart);
    EXPECT_TRUE(restarted.has_value()) << restarted.error().ToString();
    EXPECT_NE(co_await Get(url), after);
    EXPECT_THAT(Events("environment.service.exited", "web"), IsEmpty());
    EXPECT_TRUE((co_await command(ServiceCommand::kKill)).has_value());
    EXPECT_TRUE(co_await Becomes(environment, ServiceState::kReady));
    EXPECT_THAT(co_await Get(url), HasSubstr("8080\n"));
    EXPECT_EQ(Events("environment.service.exited", "web").size(), 2U);
    EXPECT_EQ(environment.services()[0].restarts, 2);
    for (const auto what : {ServiceCommand::kPause, ServiceCommand::kResume}) {
      EXPECT_EQ((co_await command(what)).error().code, base::ErrorCode::kUnsupported);
    }
    const auto unknown = co_await environment.Control("wep", ServiceCommand::kStop, Patient());
    EXPECT_THAT(unknown.error().hint, HasSubstr("web"));
  });
  const std::string web = "/apis/apps/v1/namespaces/shop-" + run_ + "/deployments/web";
  EXPECT_THAT(Changes(), Contains("PATCH " + web + "/scale").Times(2));
  EXPECT_THAT(Changes(), Contains("PATCH " + web).Times(2));
}

TEST_F(KubernetesLive, ACrashAndALostPortForwardAreSeenAndSurvived) {
  Run(WithWeb(Spec()), [&](Environment& environment) -> net::Task<void> {
    if (!co_await Starts(environment)) co_return;
    const std::string url = environment.endpoints()[0].url;
    const std::string pod =
        (co_await Get(url)).substr(0, std::string_view("web-0123456789-01234").size());
    co_await Disturb("drop");
    std::string answer;
    const auto limit = Patient();
    while (!answer.ends_with("8080\n") && !limit.HasPassed(clock_)) {
      answer = co_await Get(url);
      (void)co_await net::Sleep(milliseconds(100));
    }
    EXPECT_THAT(answer, HasSubstr("8080\n"));
    EXPECT_EQ(environment.services()[0].state, ServiceState::kReady);
    co_await Disturb("crash/shop-" + run_ + "/" + pod);
    EXPECT_TRUE(co_await Eventually(
        [&] { return !Events("environment.service.exited", "web").empty(); }, Patient()));
    EXPECT_TRUE(co_await Becomes(environment, ServiceState::kReady));
    const auto exits = Events("environment.service.exited", "web");
    EXPECT_EQ(exits.size(), 1U);
    if (exits.empty()) co_return;
    EXPECT_EQ(exits[0].at("exit_code").as_int64(), 137);
    EXPECT_EQ(exits[0].at("pod").as_string(), pod);
    EXPECT_FALSE(exits[0].at("wanted").as_bool());
    EXPECT_EQ(environment.services()[0].restarts, 1);
  });
  const auto stopped = Events("environment.service.stopped", "web");
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_GE(stopped[0].at("port_forward_restarts").as_int64(), 1);
}

TEST_F(KubernetesLive, AnImageThatDoesNotExistAndACrashLoopAreNamed) {
  EnvironmentSpec missing = Spec();
  missing.kubernetes.variables[1].second = Fixed("missing");
  const base::Error image = FailureOf(std::move(missing));
  EXPECT_THAT(image.message, HasSubstr("ImagePullBackOff"));
  EnvironmentSpec failing = Spec();
  failing.kubernetes.variables[1].second = Fixed("fails:3");
  const base::Error crash = FailureOf(std::move(failing));
  EXPECT_THAT(crash.message, HasSubstr("CrashLoopBackOff"));
  EXPECT_THAT(crash.hint, HasSubstr("polite"));
}

TEST_F(KubernetesLive, WhatOutlivesANamespaceIsRefusedBeforeAnythingIsMade) {
  folder_->Write("role.yaml",
                 "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n"
                 "metadata: { name: reader }\nrules: []\n");
  const base::Error error = FailureOf(Spec({"web.yaml", "role.yaml"}));
  EXPECT_EQ(error.code, base::ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("role.yaml"));
  EXPECT_THAT(error.message, HasSubstr("ClusterRole reader"));
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(KubernetesLive, MistakesAreExplained) {
  EnvironmentSpec misspelt = Spec();
  misspelt.services = {{.name = "wep"}};
  const base::Error unknown = FailureOf(std::move(misspelt));
  EXPECT_EQ(unknown.code, base::ErrorCode::kNotFound);
  EXPECT_EQ(unknown.hint, "did you mean \"web\"?");
  EnvironmentSpec nowhere = Spec();
  nowhere.kubernetes.context = "no-such-context";
  EXPECT_THAT(FailureOf(std::move(nowhere)).message, HasSubstr("no-such-context"));
  folder_->Write("broken.yaml", "kind: Deployment\nmetadata: { name: x }\n");
  const base::Error broken = FailureOf(Spec({"broken.yaml"}));
  EXPECT_THAT(broken.ToString() + broken.hint, HasSubstr("broken.yaml"));
}

TEST_F(KubernetesLive, AChartNeedsHelm) {
  const auto path = *process::FindVariable(inherited_, "PATH");
  const auto kubectl = process::FindProgram("kubectl", path).value();
  folder_->Write("bin/readme", "");
  std::error_code ignored;
  std::filesystem::create_symlink(std::filesystem::canonical(kubectl), *folder_ / "bin/kubectl",
                                  ignored);
  const auto before = inherited_;
  process::SetVariable(inherited_, "PATH", (*folder_ / "bin").string());
  EnvironmentSpec spec = Spec();
  spec.kubernetes.charts = {
      {.chart = "./chart", .release = "shop", .version = {}, .value_files = {}}};
  const base::Error error = FailureOf(std::move(spec));
  inherited_ = before;
  EXPECT_EQ(error.code, base::ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("helm cannot be used"));
  EXPECT_THAT(error.hint, HasSubstr("helm template"));
  EXPECT_THAT(Changes(), IsEmpty());
}

// The program that stands for assay dies while the environment starts, and after it.
TEST_F(KubernetesLive, TheGuardianDeletesTheNamespaceWhenAssayIsKilled) {
  net::Runtime runtime;
  for (const std::string moment : {"POST /api/v1/namespaces", "started"}) {
    const std::string run = "killed" + UniqueToken();
    seen_ = Requests().size();
    auto output = process::MakePipe().value();
    process::Launch launch;
    launch.argv = {TEST_HOST, "kubernetes",        results_.path(),
                   run,       *folder_ / "config", *folder_ / "others.yaml"};
    launch.environment = inherited_;
    launch.stdout_fd = output.writer.get();
    launch.stderr_fd = STDERR_FILENO;
    const pid_t pid = process::Spawn(launch).value();
    output.writer.Reset();
    if (moment == "started") {
      std::array<std::byte, 100> said{};
      const auto got = runtime.Run(net::ReadSome(output.reader.get(), said, Patient()));
      EXPECT_GT(got.value_or(0), 0U);
    } else {
      EXPECT_TRUE(runtime.Run(Eventually([&] { return !Changes().empty(); }, Patient())));
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    const auto undone = [&] {
      const auto state = ReadJournal(results_ / (run + ".journal"));
      return state.has_value() && state->undone;
    };
    EXPECT_TRUE(runtime.Run(Eventually(undone, Patient()))) << moment;
    const std::string space = "/api/v1/namespaces/shop-" + run;
    EXPECT_THAT(Changes(), Contains("DELETE " + space)) << moment;
    const auto all = Requests();
    EXPECT_EQ(all.back().path, "/api/v1/namespaces") << "the last thing asked is what is left";
    EXPECT_THAT(Running("kubectl --kubeconfig=" + (*folder_ / "config").string()), IsEmpty());
  }
}

}  // namespace
}  // namespace assay::environment
