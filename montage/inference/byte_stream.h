#pragma once
// Bytes to and from another process by a deadline, without an event loop: who waits for a model is
// a thread that has nothing else to do.

#include <cstdint>
#include <span>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::inference {

// `fd` is a socket or a pipe, blocking or not. kTimeout; kUnavailable: the other side is gone; kIo.

base::Result<void> SendAll(int fd, std::span<const uint8_t> bytes, base::Deadline deadline);
/// Fills `bytes`. The end of the stream is kUnavailable.
base::Result<void> ReceiveAll(int fd, std::span<uint8_t> bytes, base::Deadline deadline);
/// The next line without its newline, and not one byte more. kCorrupt when it is longer than
/// `most` bytes.
base::Result<std::string> ReceiveLine(int fd, size_t most, base::Deadline deadline);
/// True when the other side has closed, or something waits to be read, although nothing should.
bool IsDisturbed(int fd);

}  // namespace montage::inference
