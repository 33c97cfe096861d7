#include "lib/http/wire/response_reader.h"

#include <algorithm>
#include <cstring>

namespace http::wire {
namespace {

constexpr size_t kLongestLine = 64 * 1024;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool SameWord(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return Lower(a) == b; });
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a comma-separated list holds the word.
bool HasToken(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (SameWord(Trim(list.substr(0, comma)), lower)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void ResponseReader::Begin(bool to_head, uint64_t most_body) {
  part_ = Part::kStatus;
  line_.clear();
  status_ = 0;
  to_head_ = to_head;
  keeps_alive_ = true;
  chunked_ = has_length_ = false;
  left_ = body_ = 0;
  most_body_ = most_body;
  problem_ = "";
}

ResponseReader::State ResponseReader::Broken(const char* why) {
  problem_ = why;
  keeps_alive_ = false;
  return State::kBroken;
}

// RFC 9112, 4: HTTP/1.1 SP 3DIGIT SP [ reason ].
bool ResponseReader::Status(std::string_view line) {
  constexpr size_t kShortest = 12;
  if (line.size() < kShortest || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  int status = 0;
  for (size_t i = 9; i < kShortest; ++i) {
    if (line[i] < '0' || line[i] > '9') return false;
    status = status * 10 + (line[i] - '0');
  }
  if (status < 100 || (line.size() > kShortest && line[kShortest] != ' ')) return false;
  status_ = status;
  keeps_alive_ = line[7] != '0';
  return true;
}

bool ResponseReader::Field(std::string_view line) {
  const char first = Lower(line.front());
  if (first != 'c' && first != 't') return true;  // no field that frames
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 1));
  if (SameWord(name, "content-length")) {
    uint64_t length = 0;
    constexpr size_t kMostDigits = 18;
    if (value.empty() || value.size() > kMostDigits) return false;
    for (const char c : value) {
      if (c < '0' || c > '9') return false;
      length = length * 10 + static_cast<uint64_t>(c - '0');
    }
    if (has_length_ && length != left_) return false;
    has_length_ = true;
    left_ = length;
  } else if (SameWord(name, "transfer-encoding")) {
    chunked_ = HasToken(value, "chunked");
  } else if (SameWord(name, "connection")) {
    if (HasToken(value, "close")) keeps_alive_ = false;
    if (HasToken(value, "keep-alive")) keeps_alive_ = true;
  }
  return true;
}

// RFC 9112, 6.3: what follows the head.
ResponseReader::State ResponseReader::EndOfFields() {
  if (status_ == 101) return Broken("switched to another protocol");
  if (status_ < 200) {
    part_ = Part::kStatus;
    chunked_ = has_length_ = false;
    left_ = 0;
    return State::kMore;
  }
  if (to_head_ || status_ == 204 || status_ == 304) {
    part_ = Part::kDone;
  } else if (chunked_) {
    part_ = Part::kChunkSize;
  } else if (has_length_) {
    if (!Count(left_)) return Broken("the body is over the limit");
    part_ = left_ == 0 ? Part::kDone : Part::kLength;
  } else {
    keeps_alive_ = false;
    part_ = Part::kUntilEnd;
  }
  return part_ == Part::kDone ? State::kDone : State::kMore;
}

bool ResponseReader::Count(uint64_t bytes) {
  body_ += bytes;
  return body_ <= most_body_;
}

bool ResponseReader::ChunkSize(std::string_view line) {
  line = Trim(line.substr(0, line.find(';')));
  constexpr size_t kMostDigits = 15;
  if (line.empty() || line.size() > kMostDigits) return false;
  left_ = 0;
  for (const char c : line) {
    const int digit = DigitOf(c);
    if (digit < 0) return false;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
  }
  part_ = left_ == 0 ? Part::kTrailers : Part::kChunk;
  return true;
}

ResponseReader::State ResponseReader::Line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  switch (part_) {
    case Part::kStatus:
      // RFC 9112, 2.2: an empty line before a message is passed over.
      if (line.empty()) return State::kMore;
      if (!Status(line)) return Broken("the status line is malformed");
      part_ = Part::kFields;
      return State::kMore;
    case Part::kFields:
      if (line.empty()) return EndOfFields();
      if (!Field(line)) return Broken("a field of the head is malformed");
      return State::kMore;
    case Part::kChunkSize:
      if (!ChunkSize(line)) return Broken("the size of a chunk is malformed");
      if (!Count(left_)) return Broken("the body is over the limit");
      return State::kMore;
    case Part::kChunkEnd:
      if (!line.empty()) return Broken("a chunk is longer than it says");
      part_ = Part::kChunkSize;
      return State::kMore;
    case Part::kTrailers:
      if (!line.empty()) return State::kMore;
      part_ = Part::kDone;
      return State::kDone;
    default:
      return State::kMore;
  }
}

ResponseReader::State ResponseReader::Skip(std::string_view& bytes) {
  if (part_ == Part::kUntilEnd) {
    const bool fits = Count(bytes.size());
    bytes = {};
    return fits ? State::kMore : Broken("the body is over the limit");
  }
  const auto some = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  bytes.remove_prefix(some);
  left_ -= some;
  if (left_ > 0) return State::kMore;
  if (part_ == Part::kChunk) {
    part_ = Part::kChunkEnd;
    return State::kMore;
  }
  part_ = Part::kDone;
  return State::kDone;
}

ResponseReader::State ResponseReader::Take(std::string_view& bytes) {
  while (!bytes.empty()) {
    State state = State::kMore;
    if (part_ == Part::kLength || part_ == Part::kChunk || part_ == Part::kUntilEnd) {
      state = Skip(bytes);
    } else {
      const auto* end = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
      const size_t length = end == nullptr ? bytes.size() : static_cast<size_t>(end - bytes.data());
      if (line_.size() + length > kLongestLine) return Broken("a line of the head is too long");
      const std::string_view piece = bytes.substr(0, length);
      bytes.remove_prefix(end == nullptr ? length : length + 1);
      if (end == nullptr) {
        line_ += piece;
        return State::kMore;
      }
      if (line_.empty()) {
        state = Line(piece);
      } else {
        line_ += piece;
        state = Line(line_);
        line_.clear();
      }
    }
    if (state != State::kMore) return state;
  }
  return State::kMore;
}

ResponseReader::State ResponseReader::TakeEnd() {
  if (part_ == Part::kUntilEnd) {
    part_ = Part::kDone;
    return State::kDone;
  }
  return Broken(untouched() ? "the connection was closed before an answer"
                            : "the connection was closed in the middle of an answer");
}

}  // namespace http::wire
