#pragma once
// The Minimal Lower Layer Protocol: how HL7 v2 messages are separated on a TCP connection.
//
//   0x0B  message  0x1C 0x0D

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace formats::hl7 {

/// kInvalid when the message holds one of the two bytes that frame it.
base::Result<std::string> MllpFrame(std::string_view message);

/// Takes a stream apart into messages, whatever the pieces it comes in.
class MllpDecoder {
 public:
  /// `max_message`: bytes of one message.
  explicit MllpDecoder(size_t max_message) : max_message_(max_message) {}

  /// kCorrupt when the framing is violated, kTooLarge over the limit; both name the byte of the
  /// stream, and nothing more is taken afterwards. Messages that were complete before stay.
  base::Result<void> Feed(std::string_view bytes);
  /// The next complete message.
  std::optional<std::string> Next();
  /// Between two messages: the stream may end here.
  bool at_rest() const { return state_ == State::kOutside; }

 private:
  enum class State { kOutside, kInside, kAfterEnd, kBroken };

  base::Result<void> TakeFraming(char byte);
  base::Result<size_t> TakeContent(std::string_view bytes);

  size_t max_message_;
  State state_ = State::kOutside;
  uint64_t position_ = 0;
  std::string message_;
  std::deque<std::string> complete_;
};

}  // namespace formats::hl7
