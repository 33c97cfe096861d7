#include "lib/testing/test_server.h"

#include <chrono>
#include <csignal>
#include <cstdlib>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/spawn.h"

namespace testing_support {
namespace {

constexpr std::chrono::seconds kStartLimit(180);

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool Accepts(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

bool Run(const std::vector<std::string>& command) {
  const auto pid =
      process::Spawn({.argv = command, .environment = process::InheritedEnvironment()});
  int status = 1;
  return pid && ::waitpid(*pid, &status, 0) == *pid && status == 0;
}

}  // namespace

std::optional<std::string> LiveUrl(const char* variable) {
  const char* const url = std::getenv(variable);
  if (url == nullptr || *url == '\0') return std::nullopt;
  return url;
}

uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::optional<std::string> FindServer(const std::string& program) {
  const auto environment = process::InheritedEnvironment();
  const std::string* path = process::FindVariable(environment, "PATH");
  const auto found =
      process::FindProgram(program, (path == nullptr ? "" : *path) + ":/usr/sbin:/sbin");
  if (!found) return std::nullopt;
  return *found;
}

std::unique_ptr<TestServer> TestServer::Start(
    const std::vector<std::string>& command, uint16_t port, const std::filesystem::path& log,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  process::Launch launch{.argv = command,
                         .environment = process::InheritedEnvironment(),
                         .stdout_fd = output,
                         .stderr_fd = output,
                         .dies_with_parent = true};
  for (const auto& [name, value] : environment) {
    process::SetVariable(launch.environment, name, value);
  }
  const auto pid = process::Spawn(launch);
  ::close(output);
  if (!pid) return nullptr;
  std::unique_ptr<TestServer> server(new TestServer(*pid));
  const auto limit = std::chrono::steady_clock::now() + kStartLimit;
  while (!Accepts(port)) {
    const bool ended = ::waitpid(*pid, nullptr, WNOHANG) == *pid;
    if (ended) server->pid_ = 0;
    if (ended || std::chrono::steady_clock::now() > limit) return nullptr;
    ::poll(nullptr, 0, 20);
  }
  return server;
}

TestServer::~TestServer() { Kill(); }

void TestServer::Kill() {
  if (pid_ == 0) return;
  ::kill(-pid_, SIGKILL);  // Spawn made it the leader of its group
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void TestServer::Freeze() { ::kill(-pid_, SIGSTOP); }

std::optional<TestAuthority> TestAuthority::Make(const TempDir& dir) {
  const auto openssl = FindServer("openssl");
  if (!openssl) return std::nullopt;
  const auto path = [&](const char* name) { return (dir / name).string(); };
  const TestAuthority made{path("ca.pem"), path("server.pem"), path("server.key")};
  dir.Write("server.ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const bool done =
      Run({*openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
           "-nodes", "-days", "1", "-subj", "/CN=test authority", "-keyout", path("ca.key"), "-out",
           made.ca}) &&
      Run({*openssl, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
           "-subj", "/CN=localhost", "-keyout", made.key, "-out", path("server.csr")}) &&
      Run({*openssl, "x509", "-req", "-in", path("server.csr"), "-CA", made.ca, "-CAkey",
           path("ca.key"), "-CAcreateserial", "-days", "1", "-extfile", path("server.ext"), "-out",
           made.certificate});
  if (!done) return std::nullopt;
  // Servers may give up their rights before they read it.
  std::filesystem::permissions(made.key, std::filesystem::perms::all);
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  return made;
}

}  // namespace testing_support
