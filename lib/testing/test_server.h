#pragma once
// Real servers for live tests: those that the test run gives by URL, and those that a test starts
// and ends itself because it has to hurt them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/testing/temp_dir.h"

namespace testing_support {

/// The URL that the variable (`ASSAY_LIVE_REDIS`) holds; nullopt: no such server in this test run.
std::optional<std::string> LiveUrl(const char* variable);

/// A port of 127.0.0.1 on which nothing listens at the moment.
uint16_t FreePort();

/// The path of a program, also from /usr/sbin; nullopt when it is not installed.
std::optional<std::string> FindServer(const std::string& program);

/// A program that is killed, with all it started, at the end.
class TestServer {
 public:
  /// Returns when `port` accepts connections; null when it does not within 3 min. Its output goes
  /// to `log`.
  static std::unique_ptr<TestServer> Start(
      const std::vector<std::string>& command, uint16_t port, const std::filesystem::path& log,
      const std::vector<std::pair<std::string, std::string>>& environment = {});
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// At once (SIGKILL), as a crash; waits for its end.
  void Kill();
  /// It answers nothing any more (SIGSTOP), but its connections stay.
  void Freeze();

 private:
  explicit TestServer(int pid) : pid_(pid) {}
  int pid_;
};

/// A certificate authority of the test's own, and a certificate of localhost and 127.0.0.1.
struct TestAuthority {
  std::string ca;
  std::string certificate;
  std::string key;

  /// nullopt when openssl is not installed.
  static std::optional<TestAuthority> Make(const TempDir& dir);
};

}  // namespace testing_support
