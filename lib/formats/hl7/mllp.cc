#include "lib/formats/hl7/mllp.h"

#include <fmt/format.h>

namespace formats::hl7 {
namespace {

using base::ErrorCode;

constexpr char kStartBlock = '\x0B';
constexpr char kEndBlock = '\x1C';
constexpr char kReturn = '\r';

}  // namespace

base::Result<std::string> MllpFrame(std::string_view message) {
  for (const char reserved : {kStartBlock, kEndBlock}) {
    if (const size_t at = message.find(reserved); at != std::string_view::npos) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("byte {} of the message is 0x{:02X}, which frames it in MLLP",
                                    at, static_cast<unsigned>(reserved)));
    }
  }
  std::string framed;
  framed.reserve(message.size() + 3);
  framed += kStartBlock;
  framed += message;
  framed += kEndBlock;
  framed += kReturn;
  return framed;
}

base::Result<void> MllpDecoder::TakeFraming(char byte) {
  const char expected = state_ == State::kOutside ? kStartBlock : kReturn;
  if (byte != expected) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("byte {} of the stream: {} 0x{:02X}, found 0x{:02X}", position_,
                    state_ == State::kOutside ? "an MLLP block begins with"
                                              : "0x1C, which ends an MLLP block, is followed by",
                    static_cast<unsigned>(expected), static_cast<unsigned char>(byte)));
  }
  if (state_ == State::kAfterEnd) {
    complete_.push_back(std::move(message_));
    message_.clear();
  }
  state_ = state_ == State::kOutside ? State::kInside : State::kOutside;
  ++position_;
  return {};
}

// Up to the end of the block; returns how many bytes were used.
base::Result<size_t> MllpDecoder::TakeContent(std::string_view bytes) {
  constexpr char kFraming[] = {kStartBlock, kEndBlock};
  const size_t end = bytes.find_first_of(std::string_view(kFraming, sizeof kFraming));
  const std::string_view content = bytes.substr(0, end);
  if (content.size() > max_message_ - message_.size()) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("an MLLP block of more than {} bytes", max_message_));
  }
  message_ += content;
  position_ += content.size();
  if (end == std::string_view::npos) return content.size();
  if (bytes[end] == kStartBlock) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("byte {} of the stream: 0x0B begins an MLLP block inside another", position_));
  }
  ++position_;
  state_ = State::kAfterEnd;
  return content.size() + 1;
}

base::Result<void> MllpDecoder::Feed(std::string_view bytes) {
  if (state_ == State::kBroken) {
    return base::Fail(ErrorCode::kCorrupt, "the MLLP stream is broken already");
  }
  while (!bytes.empty()) {
    base::Result<size_t> used = 1;
    if (state_ == State::kInside) {
      used = TakeContent(bytes);
    } else if (auto framed = TakeFraming(bytes.front()); !framed) {
      used = base::Fail(std::move(framed).error());
    }
    if (!used) {
      state_ = State::kBroken;
      return base::Fail(std::move(used).error());
    }
    bytes.remove_prefix(*used);
  }
  return {};
}

std::optional<std::string> MllpDecoder::Next() {
  if (complete_.empty()) return std::nullopt;
  std::string message = std::move(complete_.front());
  complete_.pop_front();
  return message;
}

}  // namespace formats::hl7
