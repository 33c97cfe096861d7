// Stands for assay in tests that kill it:
//   test_host guardian-process JOURNAL RUN   the guardian
//   test_host own FOLDER RUN TOKEN           starts things through a guardian, says `started`,
//   waits

#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "assay/environment/guardian.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::environment {
namespace {

/// A server, a tree of processes, and two ways of leaving the tree: a daemon (double fork, setsid)
/// and one that also drops the marker.
process::Launch Escaper(const std::string& token) {
  const std::string nap = "sleep 100000." + token;
  process::Launch launch;
  launch.argv = {"/bin/sh", "-c",
                 "trap '' HUP; (setsid sh -c '" + nap + " & " + nap + "' &) ; (setsid env -i " +
                     nap + " &) ; " + nap + " & exec " + nap};
  launch.environment = process::InheritedEnvironment();
  return launch;
}

net::Task<int> Own(std::string folder, std::string run, std::string token) {
  const auto soon = base::Deadline::After(std::chrono::seconds(20));
  auto guardian = co_await Guardian::Start({.command = "/proc/self/exe",
                                            .journal = folder + "/" + run + ".journal",
                                            .run = run,
                                            .environment = process::InheritedEnvironment()},
                                           soon);
  if (!guardian.has_value()) co_return 1;
  for (const char* service : {"first", "second", "third"}) {
    const std::string scratch = folder + "/scratch-" + service;
    if (!(co_await (*guardian)->Own(scratch, soon)).has_value()) co_return 1;
    if (::system(("mkdir " + scratch).c_str()) != 0) co_return 1;
    auto started = co_await (*guardian)->StartProcess(
        {.service = service, .launch = Escaper(token), .limits = {}}, soon);
    if (!started.has_value()) co_return 1;
  }
  std::puts("started");
  std::fflush(stdout);
  (void)co_await net::Sleep(std::chrono::hours(1));
  co_return 0;
}

}  // namespace
}  // namespace assay::environment

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == assay::environment::kGuardianSubcommand && argc == 4) {
    return assay::environment::RunGuardian(argv[2], argv[3]);
  }
  if (mode == "own" && argc == 5) {
    net::Runtime runtime;
    return runtime.Run(assay::environment::Own(argv[2], argv[3], argv[4]));
  }
  std::fputs("usage: test_host guardian-process JOURNAL RUN | own FOLDER RUN TOKEN\n", stderr);
  return 1;
}
