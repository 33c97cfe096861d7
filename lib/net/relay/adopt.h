#pragma once
// Streams made of descriptors that were released before, to be carried by a relay for a while.

#include "lib/base/result.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace net {

/// A connected descriptor, such as Release gave, becomes a stream of `executor`'s loop, which
/// closes it, also when this fails. kInvalid: it is no TCP socket.
base::Result<TcpStream> Adopt(const Executor& executor, int descriptor);

}  // namespace net
