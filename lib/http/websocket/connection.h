#pragma once
// One WebSocket connection (RFC 6455), client or server side: messages, ping and pong, close codes.
//
//   open --Close or close frame--> closing --close frame of the other side--> closed
//     |                               |
//     +------- Abort, failure --------+--> closed with code 1006

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace http::websocket {

// Close codes, RFC 6455 7.4.1.
inline constexpr uint16_t kNormalClosure = 1000;
inline constexpr uint16_t kGoingAway = 1001;
inline constexpr uint16_t kProtocolError = 1002;
inline constexpr uint16_t kNoStatus = 1005;  ///< never sent: the close frame had no code
inline constexpr uint16_t kAbnormal = 1006;  ///< never sent: there was no close frame
inline constexpr uint16_t kInvalidPayload = 1007;
inline constexpr uint16_t kPolicyViolation = 1008;
inline constexpr uint16_t kTooBig = 1009;

/// Whether a close frame may carry it: 1000 to 1003, 1007 to 1014, 3000 to 4999.
bool IsSendableCloseCode(int64_t code);

struct Limits {
  uint64_t max_message = uint64_t{16} << 20;  ///< bytes of a received message after inflating
  bool deflate = false;                       ///< offers or accepts permessage-deflate (RFC 7692)
};

enum class MessageType { kText, kBinary, kPing, kPong, kClose };
/// `text`, `binary`, `ping`, `pong`, `close`.
std::string_view ToString(MessageType type);

/// Something received.
struct Message {
  MessageType type = MessageType::kText;
  std::string payload;  ///< of kClose: the reason
  uint16_t code = 0;    ///< of kClose
  base::SteadyTime at;  ///< when it was complete
};

struct CloseFrame {
  uint16_t code = kNormalClosure;
  std::string reason;  ///< at most 123 bytes of UTF-8
};

namespace internal {
class Core;
}  // namespace internal

/// Belongs to one loop. One task may receive while others send. Reads ahead a few messages, so that
/// pings are answered and the end is noticed also while nobody receives. The destructor cuts a
/// connection that is still open.
class Connection {
 public:
  explicit Connection(std::shared_ptr<internal::Core> core);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The next message, ping, pong, or, as the last one, the close. After kTimeout receiving goes
  /// on. The other side broke the protocol: kCorrupt (invalid frames or UTF-8) or kTooLarge; it has
  /// been told and the connection is over.
  net::Task<base::Result<Message>> Receive(base::Deadline deadline);
  /// kInvalid: text that is not UTF-8, or a ping or pong over 125 bytes. kUnavailable: the
  /// connection is over. After kTimeout and kCancelled inside a message it is cut.
  net::Task<base::Result<void>> Send(MessageType type, std::string payload,
                                     base::Deadline deadline);
  /// Sends the close frame and waits for the one of the other side, which is returned. What comes
  /// in between is dropped. Cuts the connection at the deadline.
  net::Task<base::Result<CloseFrame>> Close(CloseFrame frame, base::Deadline deadline);
  /// Begins to close with 1001 and returns at once: the close will be received.
  void GoAway();
  /// Cuts the connection without a close frame.
  void Abort();

  bool is_open() const;
  /// The one agreed on; empty: none.
  const std::string& subprotocol() const;
  /// Whether permessage-deflate was agreed on.
  bool deflates() const;

 private:
  std::shared_ptr<internal::Core> core_;
};

}  // namespace http::websocket
