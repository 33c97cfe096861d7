#include "lib/testing/test_brokers.h"

#include <sys/wait.h>

#include "lib/process/spawn.h"

namespace testing_support {
namespace {

std::unique_ptr<TestBroker> Prepare(const std::string& program) {
  if (!FindServer(program)) return nullptr;
  auto broker = std::make_unique<TestBroker>();
  broker->authority = TestAuthority::Make(broker->dir);
  if (!broker->authority) return nullptr;
  broker->port = FreePort();
  broker->tls_port = FreePort();
  return broker;
}

}  // namespace

std::unique_ptr<TestBroker> TestBroker::Redis() {
  auto broker = Prepare("redis-server");
  if (!broker) return nullptr;
  const TestAuthority& tls = *broker->authority;
  const std::string config =
      "bind 127.0.0.1 127.0.0.2\nport " + std::to_string(broker->port) + "\ntls-port " +
      std::to_string(broker->tls_port) + "\ntls-cert-file " + tls.certificate + "\ntls-key-file " +
      tls.key + "\ntls-ca-cert-file " + tls.ca + "\ntls-auth-clients no\ndir " +
      broker->dir.path().string() +
      "\nsave \"\"\nrequirepass let-me-in\nuser tester on >let-me-in ~* &* +@all\n"
      "user reader on >let-me-in ~* &* +@read +@connection\n";
  broker->dir.Write("redis.conf", config);
  broker->server =
      TestServer::Start({*FindServer("redis-server"), (broker->dir / "redis.conf").string()},
                        broker->port, broker->dir / "server.log");
  return broker;
}

// Several instances side by side, without any of the machine's own settings: each has its own port
// mapper (epmd), names, folders and ports.
std::unique_ptr<TestBroker> TestBroker::RabbitMq() {
  auto broker = Prepare("rabbitmq-server");
  const auto epmd = FindServer("epmd");
  const std::string script = "/usr/lib/rabbitmq/bin/rabbitmq-server";
  if (!broker || !epmd || !std::filesystem::exists(script)) return nullptr;
  const TestAuthority& tls = *broker->authority;
  const std::string root = broker->dir.path().string();
  const std::string epmd_port = std::to_string(FreePort());
  const std::string port = std::to_string(broker->port);
  broker->dir.Write("rabbitmq.conf",
                    "listeners.tcp.default = 127.0.0.1:" + port +
                        "\nlisteners.ssl.default = 127.0.0.1:" + std::to_string(broker->tls_port) +
                        "\nssl_options.cacertfile = " + tls.ca + "\nssl_options.certfile = " +
                        tls.certificate + "\nssl_options.keyfile = " + tls.key +
                        "\nssl_options.verify = verify_none\n"
                        "default_user = tester\ndefault_pass = let-me-in\n"
                        "log.console = true\nlog.file = false\n");
  broker->dir.Write("enabled_plugins", "[].\n");
  broker->helper =
      TestServer::Start({*epmd, "-port", epmd_port, "-address", "127.0.0.1"},
                        static_cast<uint16_t>(std::stoi(epmd_port)), broker->dir / "epmd.log");
  if (!broker->helper) return broker;
  broker->server = TestServer::Start({script}, broker->port, broker->dir / "server.log",
                                     {{"HOME", root},
                                      {"RABBITMQ_NODENAME", "test" + port + "@localhost"},
                                      {"RABBITMQ_DIST_PORT", std::to_string(FreePort())},
                                      {"ERL_EPMD_PORT", epmd_port},
                                      {"ERL_EPMD_ADDRESS", "127.0.0.1"},
                                      {"RABBITMQ_MNESIA_BASE", root + "/mnesia"},
                                      {"RABBITMQ_LOG_BASE", root + "/log"},
                                      {"RABBITMQ_PID_FILE", root + "/pid"},
                                      {"RABBITMQ_CONFIG_FILE", root + "/rabbitmq.conf"},
                                      {"RABBITMQ_ENABLED_PLUGINS_FILE", root + "/enabled_plugins"},
                                      {"RABBITMQ_CONF_ENV_FILE", "/dev/null"},
                                      {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                                       "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none"}});
  return broker;
}

std::unique_ptr<TestBroker> TestBroker::Mosquitto() {
  auto broker = Prepare("mosquitto");
  const auto passwords = FindServer("mosquitto_passwd");
  if (!broker || !passwords) return nullptr;
  const TestAuthority& tls = *broker->authority;
  const std::string users = broker->dir.Write("users", "").string();
  const auto pid = process::Spawn({.argv = {*passwords, "-b", users, "tester", "let-me-in"},
                                   .environment = process::InheritedEnvironment()});
  if (!pid || ::waitpid(*pid, nullptr, 0) != *pid) return broker;
  broker->dir.Write("acl", "user tester\ntopic readwrite open/#\ntopic read kept/#\n");
  broker->dir.Write(
      "mosquitto.conf",
      "per_listener_settings false\nuser root\nallow_anonymous false\npassword_file " + users +
          "\nacl_file " + (broker->dir / "acl").string() + "\nlistener " +
          std::to_string(broker->port) + " 127.0.0.1\nlistener " +
          std::to_string(broker->tls_port) + " 127.0.0.1\ncafile " + tls.ca + "\ncertfile " +
          tls.certificate + "\nkeyfile " + tls.key + "\n");
  broker->server =
      TestServer::Start({*FindServer("mosquitto"), "-c", (broker->dir / "mosquitto.conf").string()},
                        broker->port, broker->dir / "server.log");
  return broker;
}

}  // namespace testing_support
