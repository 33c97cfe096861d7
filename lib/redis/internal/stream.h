#pragma once
// Bytes to and from a server, with or without TLS, with a deadline on every call. Blocks.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"
#include "lib/net/service/service_url.h"

namespace redis::internal {

class Stream {
 public:
  static base::Result<std::unique_ptr<Stream>> Connect(const net::ServiceUrl& url,
                                                       const net::ServiceTls& tls,
                                                       const net::Cancellation* stop,
                                                       base::Deadline deadline);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  base::Result<void> Write(std::string_view bytes, base::Deadline deadline);
  /// At least one byte, or 0 at the end of the stream.
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline);
  /// True when bytes, or the end of the stream, can be read without waiting.
  bool HasInput() const;
  const std::string& peer() const { return peer_; }

 private:
  struct Tls;
  Stream(int fd, std::string peer, const net::Cancellation* stop);
  base::Result<void> Secure(const net::ServiceUrl& url, const net::ServiceTls& tls,
                            base::Deadline deadline);
  template <typename Operation>
  base::Result<size_t> Drive(Operation operation, const std::string& what, base::Deadline deadline);

  int fd_;
  std::string peer_;
  const net::Cancellation* stop_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace redis::internal
