#pragma once
// Messages between assay and its guardian: JSON objects over a SOCK_SEQPACKET pair, with
// descriptors beside them.

#include <optional>
#include <span>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"
#include "lib/process/descriptor.h"

namespace assay::environment {

struct ChannelMessage {
  boost::json::object body;
  std::vector<process::Descriptor> descriptors;
};

/// kUnavailable: the other side is gone, or (non-blocking sockets) has no room now, see errno.
base::Result<void> SendOn(int socket, const boost::json::object& body,
                          std::span<const int> descriptors = {});

/// Nothing at the end of the stream. Requires: the socket is readable.
base::Result<std::optional<ChannelMessage>> ReceiveFrom(int socket);

}  // namespace assay::environment
