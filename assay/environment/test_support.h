#pragma once
// What the tests of this folder share.

#include <atomic>
#include <functional>
#include <string>

#include <unistd.h>

#include "assay/environment/guardian/guardian.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"
#include "lib/process/spawn.h"
#include "lib/process/table.h"
#include "lib/testing/temp_dir.h"

namespace assay::environment {

inline base::Deadline Within(base::Duration span) { return base::Deadline::After(span); }
inline base::Deadline Soon() { return Within(std::chrono::seconds(20)); }

/// Digits that no other test run uses; part of the arguments of the processes to look for.
inline std::string UniqueToken() {
  static std::atomic<int> counter{0};
  return std::to_string(::getpid()) + std::to_string(++counter);
}

/// The program that is looked for: it waits longer than any test.
inline std::string Nap(const std::string& token) { return "sleep 100000." + token; }

/// Living processes whose command line starts with this text.
inline std::vector<process::Identity> Running(const std::string& text) {
  std::vector<process::Identity> found;
  for (const process::Entry& entry : process::ListAll()) {
    if (entry.is_zombie()) continue;
    if (process::CommandLineOf(entry.identity.pid).starts_with(text))
      found.push_back(entry.identity);
  }
  return found;
}

/// False when the condition did not hold before the deadline.
inline net::Task<bool> Eventually(std::function<bool()> condition, base::Deadline deadline) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline.time()) co_return false;
    (void)co_await net::Sleep(std::chrono::milliseconds(10));
  }
  co_return true;
}

inline GuardianOptions OptionsIn(const testing_support::TempDir& folder, const std::string& run) {
  return {.command = TEST_HOST,
          .journal = folder / (run + ".journal"),
          .run = run,
          .environment = process::InheritedEnvironment()};
}

inline process::Launch Shell(const std::string& script) {
  process::Launch launch;
  launch.argv = {"/bin/sh", "-c", script};
  launch.environment = process::InheritedEnvironment();
  return launch;
}

}  // namespace assay::environment
