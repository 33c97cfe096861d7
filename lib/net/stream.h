#pragma once
// ByteStream: what a protocol over a connection needs, whether TCP or TLS carries it.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace net {

/// Belongs to the loop it was made on; closed by the destructor. One task may read while another
/// writes.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// At least one byte, or 0 at the end of the stream.
  virtual Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline) = 0;
  virtual Task<base::Result<void>> Write(std::span<const std::byte> bytes,
                                         base::Deadline deadline) = 0;
  /// Sends the end of the stream; reading goes on. kUnsupported over TLS.
  virtual Task<base::Result<void>> FinishWriting(base::Deadline deadline) = 0;
  virtual void Close() = 0;
  virtual Endpoint remote() const = 0;
};

/// Without encryption.
std::unique_ptr<ByteStream> OverTcp(TcpStream stream);

}  // namespace net
