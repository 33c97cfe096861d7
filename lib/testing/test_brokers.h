#pragma once
// A Redis server, a RabbitMQ and a mosquitto of the test's own, with a login and TLS.

#include <memory>
#include <optional>
#include <string>

#include "lib/testing/temp_dir.h"
#include "lib/testing/test_server.h"

namespace testing_support {

/// What every one of them has: the user "tester" with the password "let-me-in", a plain and a TLS
/// port.
struct TestBroker {
  TempDir dir;
  std::optional<TestAuthority> authority;
  uint16_t port = 0;
  uint16_t tls_port = 0;
  std::unique_ptr<TestServer> helper;  ///< RabbitMQ's port mapper
  std::unique_ptr<TestServer> server;

  std::string log() const { return ReadFile(dir / "server.log"); }

  /// Null when its program, or openssl, is not installed; without `server` when it does not start.
  static std::unique_ptr<TestBroker> Redis();
  static std::unique_ptr<TestBroker> RabbitMq();
  static std::unique_ptr<TestBroker> Mosquitto();
};

}  // namespace testing_support
