// Both ends of a link whose proxy is measured: a server, and clients that send small messages to
// and fro or many bytes at once. Blocking sockets and a thread a connection, so that nothing but
// the proxy differs between two links.
//   bench_proxy_traffic serve PORT                        until it is killed
//   bench_proxy_traffic ping MESSAGES BYTES PORT...       round trips, one to each port in turn
//   bench_proxy_traffic push MEBIBYTES CONNECTIONS PORT   a stream on every connection at once
// `ping` prints {"PORT": {"p50_us", "p90_us", "p99_us", "messages"}}, `push` {"seconds", "bytes"}.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr size_t kPiece = size_t{256} << 10;
constexpr char kPing = 'p';
constexpr char kPush = 'b';

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// False when the connection is gone.
bool SendAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

/// False when the connection is gone or at its end.
bool ReceiveAll(int fd, char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(fd, bytes, size, 0);
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

void NoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int Connected(int port, char kind) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    Die("connect");
  NoDelay(fd);
  if (!SendAll(fd, &kind, 1)) Die("send");
  return fd;
}

/// Echoes messages, or takes as many bytes as it is told and says when it has them: the end of a
/// stream in one direction alone is not passed on by every proxy.
void Answer(int fd) {
  NoDelay(fd);
  std::vector<char> buffer(kPiece);
  char kind = 0;
  uint64_t wanted = 0;
  uint64_t received = 0;
  bool goes_on = ReceiveAll(fd, &kind, 1);
  if (kind == kPush) {
    goes_on = goes_on && ReceiveAll(fd, reinterpret_cast<char*>(&wanted), sizeof wanted);
  }
  while (goes_on && (kind == kPing || received < wanted)) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    goes_on = got > 0;
    if (!goes_on) break;
    received += static_cast<uint64_t>(got);
    if (kind == kPing) goes_on = SendAll(fd, buffer.data(), static_cast<size_t>(got));
  }
  if (goes_on) (void)SendAll(fd, reinterpret_cast<const char*>(&received), sizeof received);
  ::close(fd);
}

int Serve(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = Loopback(port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    Die("bind");
  if (::listen(listener, 1024) != 0) Die("listen");
  std::vector<std::jthread> answering;
  while (true) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd >= 0) answering.emplace_back(Answer, fd);
  }
}

double Percentile(const std::vector<double>& sorted, double share) {
  const auto place = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(sorted.size() - 1, place)];
}

int Ping(int messages, size_t bytes, const std::vector<int>& ports) {
  std::vector<int> fds;
  std::vector<std::vector<double>> times(ports.size());
  for (const int port : ports) fds.push_back(Connected(port, kPing));
  std::vector<char> message(bytes, 'm');
  std::vector<char> answer(bytes);
  const int warm_up = messages / 10;
  for (int i = -warm_up; i < messages; ++i) {
    for (size_t place = 0; place < fds.size(); ++place) {
      const auto began = std::chrono::steady_clock::now();
      if (!SendAll(fds[place], message.data(), bytes) ||
          !ReceiveAll(fds[place], answer.data(), bytes)) {
        Die("the connection is gone");
      }
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - began;
      if (answer != message) Die("another answer than the message");
      if (i >= 0) times[place].push_back(took.count());
    }
  }
  std::printf("{");
  for (size_t place = 0; place < ports.size(); ++place) {
    std::ranges::sort(times[place]);
    const auto& sorted = times[place];
    std::printf(
        "%s\"%d\": {\"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"messages\": %zu}",
        place == 0 ? "" : ", ", ports[place], Percentile(sorted, 0.5), Percentile(sorted, 0.9),
        Percentile(sorted, 0.99), sorted.size());
  }
  std::printf("}\n");
  return 0;
}

int Push(uint64_t bytes, int connections, int port) {
  std::vector<std::jthread> senders;
  const uint64_t share = bytes / static_cast<uint64_t>(connections);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < connections; ++i) {
    senders.emplace_back([share, port] {
      const std::vector<char> piece(kPiece, 'x');
      const int fd = Connected(port, kPush);
      if (!SendAll(fd, reinterpret_cast<const char*>(&share), sizeof share)) Die("send");
      for (uint64_t left = share; left > 0;) {
        const auto some = std::min<uint64_t>(left, piece.size());
        if (!SendAll(fd, piece.data(), some)) Die("send");
        left -= some;
      }
      uint64_t received = 0;
      if (!ReceiveAll(fd, reinterpret_cast<char*>(&received), sizeof received) ||
          received != share) {
        Die("the server received another number of bytes");
      }
      ::close(fd);
    });
  }
  senders.clear();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("{\"seconds\": %.6f, \"bytes\": %llu}\n", took.count(),
              static_cast<unsigned long long>(share * static_cast<uint64_t>(connections)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc == 3) return Serve(std::atoi(argv[2]));
  if (mode == "ping" && argc >= 5) {
    std::vector<int> ports;
    for (int i = 4; i < argc; ++i) ports.push_back(std::atoi(argv[i]));
    return Ping(std::atoi(argv[2]), static_cast<size_t>(std::atoi(argv[3])), ports);
  }
  if (mode == "push" && argc == 5) {
    return Push(static_cast<uint64_t>(std::atoi(argv[2])) << 20, std::atoi(argv[3]),
                std::atoi(argv[4]));
  }
  std::fprintf(stderr,
               "usage: bench_proxy_traffic serve PORT | ping MESSAGES BYTES PORT... | push "
               "MEBIBYTES CONNECTIONS PORT\n");
  return 1;
}
