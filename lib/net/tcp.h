#pragma once
// TCP streams and listeners with a deadline on every call.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace net {

/// A numeric address and port: `127.0.0.1:8080`, `[::1]:8080`.
struct Endpoint {
  std::string address;
  uint16_t port = 0;

  std::string ToString() const;
};

/// One connection; belongs to the loop it was made on. Closed by the destructor. One task may read
/// while another writes.
class TcpStream {
 public:
  struct Socket;
  explicit TcpStream(std::unique_ptr<Socket> socket);
  ~TcpStream();
  TcpStream(TcpStream&&) noexcept;
  TcpStream& operator=(TcpStream&&) noexcept;

  /// At least one byte, or 0 at the end of the stream.
  Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline);
  Task<base::Result<void>> Write(std::span<const std::byte> bytes, base::Deadline deadline);
  Task<base::Result<void>> Write(std::string_view text, base::Deadline deadline);

  /// Sends the end of the stream; reading goes on.
  void FinishWriting();
  void Close();
  /// Closes with RST instead of FIN, as a crashed peer would.
  void Abort();
  /// Gives the non-blocking descriptor away: the caller closes it. The stream is closed then.
  int Release();

  bool is_open() const;
  Endpoint local() const;
  Endpoint remote() const;
  int fd() const;

 private:
  std::unique_ptr<Socket> socket_;
};

/// Accepts connections until it is destroyed.
class TcpListener {
 public:
  struct Acceptor;
  explicit TcpListener(std::unique_ptr<Acceptor> acceptor);
  ~TcpListener();
  TcpListener(TcpListener&&) noexcept;
  TcpListener& operator=(TcpListener&&) noexcept;

  /// The connection belongs to the caller's loop.
  Task<base::Result<TcpStream>> Accept(base::Deadline deadline);
  Endpoint local() const;
  uint16_t port() const { return local().port; }
  void Close();

 private:
  std::unique_ptr<Acceptor> acceptor_;
};

/// Resolves `host` and tries its addresses in order. kUnavailable: refused, unreachable or unknown.
Task<base::Result<TcpStream>> Connect(std::string host, uint16_t port, base::Deadline deadline);

/// `address` is numeric (`127.0.0.1`, `::`); port 0 takes a free one.
base::Result<TcpListener> Listen(Executor executor, const std::string& address, uint16_t port);

}  // namespace net
