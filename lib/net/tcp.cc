#include "lib/net/tcp.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/error_mapping.h"
#include "lib/net/pch/asio.h"
#include "lib/net/relay/adopt.h"
#include "lib/net/timer.h"

namespace net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct TcpStream::Socket {
  explicit Socket(tcp::socket opened) : socket(std::move(opened)) {}
  tcp::socket socket;
};

struct TcpListener::Acceptor {
  explicit Acceptor(tcp::acceptor opened) : acceptor(std::move(opened)) {}
  tcp::acceptor acceptor;
};

namespace {

Endpoint ToEndpoint(const tcp::endpoint& from) {
  return {.address = from.address().to_string(), .port = from.port()};
}

/// Runs one socket operation `start(token)` bounded by `deadline`. Only operations that cannot
/// finish at once get here, so a timer for each is cheap enough.
template <typename Start>
Task<std::pair<error_code, bool>> Bounded(Executor executor, Start start, base::Deadline deadline) {
  if (deadline.is_never()) {
    const auto [error] = co_await start(asio::as_tuple(asio::use_awaitable));
    co_return std::pair(error, false);
  }
  asio::steady_timer timer(executor);
  timer.expires_at(deadline.time());
  auto race = asio::experimental::make_parallel_group(start(asio::deferred),
                                                      timer.async_wait(asio::deferred));
  const auto [order, error, late] = co_await race.async_wait(asio::experimental::wait_for_one(),
                                                             asio::as_tuple(asio::use_awaitable));
  co_return std::pair(error, error && !late);
}

base::Error Failure(const std::pair<error_code, bool>& outcome, std::string_view what) {
  return outcome.second ? TimeoutError(what) : ToError(outcome.first, what);
}

Task<base::Result<void>> WaitSocket(tcp::socket& socket, tcp::socket::wait_type type,
                                    base::Deadline deadline, std::string_view what) {
  if (co_await IsCancelled()) co_return base::Fail(CancelledError(what));
  auto start = [&](auto token) { return socket.async_wait(type, token); };
  const auto outcome = co_await Bounded(socket.get_executor(), start, deadline);
  if (outcome.first) co_return base::Fail(Failure(outcome, what));
  co_return base::Result<void>();
}

bool WouldBlock(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again ||
         error == asio::error::interrupted;
}

tcp::socket Prepared(tcp::socket socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  return socket;
}

Task<base::Result<tcp::resolver::results_type>> Resolve(const std::string& host, uint16_t port,
                                                        const std::string& what) {
  if (co_await IsCancelled()) co_return base::Fail(CancelledError(what));
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto [error, found] =
      co_await resolver.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
                                      asio::as_tuple(asio::use_awaitable));
  if (error) {
    co_return base::Fail(ToError(error, what).Hint("check the host name and the name server"));
  }
  co_return found;
}

Task<base::Result<TcpStream>> ConnectAny(std::string host, uint16_t port, base::Deadline deadline) {
  const std::string what = "connect to " + Endpoint{host, port}.ToString();
  CO_TRY(const auto addresses, co_await Resolve(host, port, what));
  base::Error last = CancelledError(what);
  Executor executor = co_await asio::this_coro::executor;
  for (const auto& address : addresses) {
    if (co_await IsCancelled()) break;
    tcp::socket socket(executor);
    const tcp::endpoint endpoint = address.endpoint();
    auto start = [&](auto token) { return socket.async_connect(endpoint, token); };
    const auto outcome = co_await Bounded(executor, start, deadline);
    if (!outcome.first) {
      co_return TcpStream(std::make_unique<TcpStream::Socket>(Prepared(std::move(socket))));
    }
    last = Failure(outcome, what);
    if (outcome.second) break;
  }
  co_return base::Fail(std::move(last));
}

}  // namespace

std::string Endpoint::ToString() const {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

TcpStream::TcpStream(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
TcpStream::~TcpStream() = default;
TcpStream::TcpStream(TcpStream&&) noexcept = default;
TcpStream& TcpStream::operator=(TcpStream&&) noexcept = default;

Task<base::Result<size_t>> TcpStream::Read(std::span<std::byte> into, base::Deadline deadline) {
  while (true) {
    error_code error;
    const size_t got = socket_->socket.read_some(asio::buffer(into.data(), into.size()), error);
    if (!error) co_return got;
    if (error == asio::error::eof) co_return size_t{0};
    if (!WouldBlock(error)) co_return base::Fail(ToError(error, "read"));
    CO_TRY(co_await WaitSocket(socket_->socket, tcp::socket::wait_read, deadline, "read"));
  }
}

Task<base::Result<void>> TcpStream::Write(std::span<const std::byte> bytes,
                                          base::Deadline deadline) {
  while (!bytes.empty()) {
    error_code error;
    const size_t put = socket_->socket.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    if (!error) {
      bytes = bytes.subspan(put);
      continue;
    }
    if (!WouldBlock(error)) co_return base::Fail(ToError(error, "write"));
    CO_TRY(co_await WaitSocket(socket_->socket, tcp::socket::wait_write, deadline, "write"));
  }
  co_return base::Result<void>();
}

Task<base::Result<void>> TcpStream::Write(std::string_view text, base::Deadline deadline) {
  return Write(std::as_bytes(std::span(text)), deadline);
}

void TcpStream::FinishWriting() {
  error_code ignored;
  socket_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void TcpStream::Close() {
  error_code ignored;
  socket_->socket.close(ignored);
}

void TcpStream::Abort() {
  error_code ignored;
  socket_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_->socket.close(ignored);
}

int TcpStream::Release() {
  error_code error;
  const int descriptor = socket_->socket.release(error);
  return error ? -1 : descriptor;
}

bool TcpStream::is_open() const { return socket_->socket.is_open(); }

Endpoint TcpStream::local() const {
  error_code error;
  const auto endpoint = socket_->socket.local_endpoint(error);
  return error ? Endpoint{} : ToEndpoint(endpoint);
}

Endpoint TcpStream::remote() const {
  error_code error;
  const auto endpoint = socket_->socket.remote_endpoint(error);
  return error ? Endpoint{} : ToEndpoint(endpoint);
}

int TcpStream::fd() const { return socket_->socket.native_handle(); }

TcpListener::TcpListener(std::unique_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
TcpListener::~TcpListener() = default;
TcpListener::TcpListener(TcpListener&&) noexcept = default;
TcpListener& TcpListener::operator=(TcpListener&&) noexcept = default;

Task<base::Result<TcpStream>> TcpListener::Accept(base::Deadline deadline) {
  const std::string what = "accept on " + local().ToString();
  if (co_await IsCancelled()) co_return base::Fail(CancelledError(what));
  tcp::socket socket(co_await asio::this_coro::executor);
  auto start = [&](auto token) { return acceptor_->acceptor.async_accept(socket, token); };
  const auto outcome = co_await Bounded(acceptor_->acceptor.get_executor(), start, deadline);
  if (outcome.first) co_return base::Fail(Failure(outcome, what));
  co_return TcpStream(std::make_unique<TcpStream::Socket>(Prepared(std::move(socket))));
}

Endpoint TcpListener::local() const {
  error_code error;
  const auto endpoint = acceptor_->acceptor.local_endpoint(error);
  return error ? Endpoint{} : ToEndpoint(endpoint);
}

void TcpListener::Close() {
  error_code ignored;
  acceptor_->acceptor.close(ignored);
}

Task<base::Result<TcpStream>> Connect(std::string host, uint16_t port, base::Deadline deadline) {
  const std::string what = "connect to " + Endpoint{host, port}.ToString();
  auto result = co_await WithDeadline(ConnectAny(host, port, deadline), deadline);
  if (!result.has_value() && result.error().code == base::ErrorCode::kTimeout) {
    co_return base::Fail(TimeoutError(what));
  }
  co_return std::move(result);
}

base::Result<TcpStream> Adopt(const Executor& executor, int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
    if (descriptor >= 0) ::close(descriptor);
    return base::Fail(base::ErrorCode::kInvalid, "the descriptor is no TCP socket");
  }
  tcp::socket socket(executor);
  error_code error;
  socket.assign(address.ss_family == AF_INET ? tcp::v4() : tcp::v6(), descriptor, error);
  if (error) {
    ::close(descriptor);
    return base::Fail(ToError(error, "take over a connection"));
  }
  return TcpStream(std::make_unique<TcpStream::Socket>(Prepared(std::move(socket))));
}

base::Result<TcpListener> Listen(Executor executor, const std::string& address, uint16_t port) {
  const std::string what = "listen on " + Endpoint{address, port}.ToString();
  error_code error;
  const auto numeric = asio::ip::make_address(address, error);
  if (error) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "'" + address + "' is not a numeric address such as 127.0.0.1 or ::1");
  }
  const tcp::endpoint endpoint(numeric, port);
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(4096, error);
  if (error) return base::Fail(ToError(error, what));
  return TcpListener(std::make_unique<TcpListener::Acceptor>(std::move(acceptor)));
}

}  // namespace net
