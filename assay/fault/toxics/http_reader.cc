#include "assay/fault/toxics/http_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace assay::fault {

namespace {

/// A head larger than this is not waited for: the stream is passed on as it is.
constexpr size_t kLongestHead = size_t{64} * 1024;
constexpr size_t kLongestLine = 8192;

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view NextLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return Trim(line);
}

std::string_view NextWord(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool IsMethod(std::string_view word) {
  return !word.empty() && word.size() <= 32 && std::ranges::all_of(word, [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

/// Whether the bytes can be the start of a message: decides early that something is no HTTP.
bool CouldBeHead(std::string_view bytes, bool of_responses) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (of_responses) {
    const size_t known = std::min(bytes.size(), kVersion.size());
    return bytes.substr(0, known) == kVersion.substr(0, known);
  }
  const std::string_view word = bytes.substr(0, std::min(bytes.find(' '), bytes.size()));
  return IsMethod(word);
}

template <typename Number>
bool ParseNumber(std::string_view text, Number& out, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace

const std::string* HttpHead::Field(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (SameName(field, name)) return &value;
  }
  return nullptr;
}

std::optional<HttpHead> ParseHttpHead(std::string_view text) {
  HttpHead head;
  std::string_view line = NextLine(text);
  const std::string_view first = NextWord(line);
  if (first.starts_with("HTTP/1.")) {
    if (!ParseNumber(NextWord(line), head.status)) return std::nullopt;
    if (head.status < 100 || head.status > 999) return std::nullopt;
  } else {
    head.method = first;
    head.target = NextWord(line);
    if (!IsMethod(first) || !line.starts_with("HTTP/1.")) return std::nullopt;
  }
  while (!text.empty()) {
    line = NextLine(text);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    head.fields.emplace_back(line.substr(0, colon), Trim(line.substr(colon + 1)));
  }
  return head;
}

std::vector<HttpPiece> HttpReader::Feed(std::string_view bytes) {
  std::vector<HttpPiece> pieces;
  while (!bytes.empty()) {
    if (state_ == State::kHead) {
      FeedHead(bytes, pieces);
      continue;
    }
    const std::string_view part = TakeBody(bytes);
    if (!pieces.empty() && !pieces.back().head) {
      pieces.back().bytes += part;
    } else {
      pieces.push_back({.head = std::nullopt, .bytes = std::string(part)});
    }
  }
  return pieces;
}

void HttpReader::FeedHead(std::string_view& bytes, std::vector<HttpPiece>& pieces) {
  const size_t before = kept_.size();
  kept_ += bytes;
  const size_t end = kept_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    bytes = {};
    if (CouldBeHead(kept_, of_responses_) && kept_.size() <= kLongestHead) return;
    state_ = State::kOpaque;
    pieces.push_back({.head = std::nullopt, .bytes = std::move(kept_)});
    kept_.clear();
    return;
  }
  bytes.remove_prefix(end + 4 - before);
  kept_.resize(end + 4);
  auto head = ParseHttpHead(kept_);
  if (head && head->is_request() == of_responses_) head.reset();
  state_ = State::kOpaque;
  if (head) Frame(*head);
  pieces.push_back({.head = std::move(head), .bytes = std::move(kept_)});
  kept_.clear();
}

/// RFC 9112, section 6.3: how long the body of a message is.
void HttpReader::Frame(const HttpHead& head) {
  const std::string* coding = head.Field("Transfer-Encoding");
  const std::string* length = head.Field("Content-Length");
  state_ = State::kHead;
  remaining_ = 0;
  if (head.method == "CONNECT" || head.status == 101) {
    state_ = State::kOpaque;
  } else if (head.status == 204 || head.status == 304 || (head.status > 0 && head.status < 200)) {
    state_ = State::kHead;
  } else if (coding != nullptr && SameName(Trim(*coding), "chunked")) {
    state_ = State::kChunkSize;
  } else if (length != nullptr) {
    state_ = ParseNumber(Trim(*length), remaining_) ? State::kLength : State::kOpaque;
    if (state_ == State::kLength && remaining_ == 0) state_ = State::kHead;
  } else if (of_responses_) {
    state_ = State::kOpaque;  // until the connection closes
  }
}

void HttpReader::ExpectNoBody() {
  state_ = State::kHead;
  remaining_ = 0;
}

std::string_view HttpReader::TakeLine(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  const size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  const std::string_view part = bytes.substr(0, size);
  bytes.remove_prefix(size);
  line_ += part;
  if (line_.size() > kLongestLine) state_ = State::kOpaque;
  return part;
}

std::string_view HttpReader::TakeBody(std::string_view& bytes) {
  if (state_ == State::kOpaque) return std::exchange(bytes, {});
  if (state_ == State::kLength || state_ == State::kChunkBytes) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, bytes.size()));
    const std::string_view part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    remaining_ -= size;
    if (remaining_ == 0) state_ = state_ == State::kLength ? State::kHead : State::kChunkSize;
    return part;
  }
  const std::string_view part = TakeLine(bytes);
  if (state_ == State::kOpaque || !line_.ends_with('\n')) return part;
  const std::string line(Trim(std::string_view(line_).substr(0, line_.size() - 1)));
  line_.clear();
  if (state_ == State::kTrailer) {
    if (line.empty()) state_ = State::kHead;
  } else if (!ParseNumber(Trim(std::string_view(line).substr(0, line.find(';'))), remaining_, 16)) {
    state_ = State::kOpaque;
  } else if (remaining_ == 0) {
    state_ = State::kTrailer;
  } else {
    remaining_ += 2;
    state_ = State::kChunkBytes;
  }
  return part;
}

std::string HttpReader::TakeRest() {
  if (state_ == State::kHead) return std::exchange(kept_, {});
  return {};
}

}  // namespace assay::fault
