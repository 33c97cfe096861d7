// Stands for assay, and for services, in tests:
//   test_host guardian-process JOURNAL RUN   the guardian
//   test_host own FOLDER RUN TOKEN           brings an environment up, says `started`, waits
//   test_host compose FOLDER RUN FILE IMAGE  the same with compose files
//   test_host kubernetes FOLDER RUN KUBECONFIG MANIFEST
//   test_host serve PORT [DELAY_MS]          listens (after a while), answers every GET

#include <cstdio>
#include <string>

#include "assay/environment/environment.h"
#include "assay/environment/guardian/guardian.h"
#include "lib/net/runtime.h"
#include "lib/net/tcp.h"
#include "lib/net/timer.h"

namespace assay::environment {
namespace {

/// A server, a tree of processes, and two ways of leaving the tree: a daemon (double fork, setsid)
/// and one that also drops the marker.
ServiceSpec Escaper(const std::string& name, const std::string& token) {
  const std::string nap = "sleep 100000." + token;
  ServiceSpec service{.name = name};
  service.command = {Fixed("/bin/sh"), Fixed("-c"),
                     Fixed("trap '' HUP; (setsid sh -c '" + nap + " & " + nap +
                           "' &) ; (setsid env -i " + nap + " &) ; " + nap + " & exec " + nap)};
  return service;
}

EnvironmentSpec Escapers(const std::string& token) {
  EnvironmentSpec spec{.name = "local"};
  for (const char* service : {"first", "second", "third"}) {
    spec.services.push_back(Escaper(service, token));
  }
  spec.services[2].depends_on = {{.service = "first"}};
  return spec;
}

EnvironmentSpec Shop(const std::string& file, const std::string& image) {
  EnvironmentSpec spec{.name = "shop", .type = EnvironmentType::kCompose};
  spec.compose.files = {file};
  spec.compose.environment = {{"IMAGE", Fixed(image)}, {"GREETING", Fixed("short")}};
  return spec;
}

EnvironmentSpec InCluster(const std::string& kubeconfig, const std::string& manifest) {
  EnvironmentSpec spec{.name = "shop", .type = EnvironmentType::kKubernetes};
  spec.kubernetes.manifests = {manifest};
  spec.kubernetes.kubeconfig = kubeconfig;
  spec.start_timeout = std::chrono::minutes(4);
  return spec;
}

net::Task<int> Own(std::string folder, std::string run, EnvironmentSpec spec) {
  const auto soon = base::Deadline::After(std::chrono::seconds(20));
  auto guardian = co_await Guardian::Start({.command = "/proc/self/exe",
                                            .journal = folder + "/" + run + ".journal",
                                            .run = run,
                                            .environment = process::InheritedEnvironment()},
                                           soon);
  if (!guardian.has_value()) co_return 1;
  const base::SystemClock clock;
  auto environment = MakeEnvironment(
      std::move(spec), {.clock = clock,
                        .executor = co_await net::CurrentExecutor(),
                        .guardian = guardian->get(),
                        .sink = [](std::string_view, std::string_view, boost::json::object,
                                   std::vector<std::string>) {},
                        .run_directory = folder,
                        .inherited = process::InheritedEnvironment()});
  if (!environment.has_value()) co_return 1;
  if (!(co_await (*environment)->Start(base::Deadline::After(std::chrono::minutes(4))))
           .has_value()) {
    co_return 1;
  }
  std::puts("started");
  std::fflush(stdout);
  (void)co_await net::Sleep(std::chrono::hours(1));
  co_return 0;
}

net::Task<int> Serve(uint16_t port, base::Duration delay) {
  (void)co_await net::Sleep(delay);
  auto listener = net::Listen(co_await net::CurrentExecutor(), "127.0.0.1", port);
  if (!listener.has_value()) {
    std::fputs((listener.error().message + "\n").c_str(), stderr);
    co_return 1;
  }
  std::printf("listening on %d\n", port);
  std::fflush(stdout);
  while (true) {
    auto stream = co_await listener->Accept(base::Deadline::Never());
    if (!stream.has_value()) co_return 1;
    std::array<std::byte, 4096> request{};
    const auto soon = base::Deadline::After(std::chrono::seconds(1));
    const auto got = co_await stream->Read(request, soon);
    if (!got.has_value() || *got == 0) continue;
    (void)co_await stream->Write(
        std::string_view("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"up\":true}"),
        soon);
  }
}

int Main(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  net::Runtime runtime;
  if (mode == kGuardianSubcommand && arguments.size() == 3) {
    return RunGuardian(arguments[1], arguments[2]);
  }
  if (mode == "own" && arguments.size() == 4) {
    return runtime.Run(Own(arguments[1], arguments[2], Escapers(arguments[3])));
  }
  if (mode == "compose" && arguments.size() == 5) {
    return runtime.Run(Own(arguments[1], arguments[2], Shop(arguments[3], arguments[4])));
  }
  if (mode == "kubernetes" && arguments.size() == 5) {
    return runtime.Run(Own(arguments[1], arguments[2], InCluster(arguments[3], arguments[4])));
  }
  if (mode == "serve" && arguments.size() >= 2) {
    const int delay_ms = arguments.size() > 2 ? std::stoi(arguments[2]) : 0;
    return runtime.Run(
        Serve(static_cast<uint16_t>(std::stoi(arguments[1])), std::chrono::milliseconds(delay_ms)));
  }
  std::fputs("usage: see the top of test_host.cc\n", stderr);
  return 1;
}

}  // namespace
}  // namespace assay::environment

int main(int argc, char** argv) {
  return assay::environment::Main(std::vector<std::string>(argv + 1, argv + argc));
}
