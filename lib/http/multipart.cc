#include "lib/http/multipart.h"

#include <algorithm>
#include <span>
#include <vector>

#include "lib/http/internal/fields.h"
#include "lib/http/media.h"

namespace http {
namespace {

using base::ErrorCode;

base::Error Malformed(const std::string& why) {
  return {.code = ErrorCode::kInvalid, .message = "the multipart body is malformed: " + why};
}

base::Result<PartHead> ParsePartHead(std::string_view text) {
  PartHead head;
  head.headers = internal::ParseFields(text);
  for (const HeaderField& field : head.headers) {
    if (!IsFieldName(field.name) || !IsFieldValue(field.value)) {
      return base::Fail(Malformed("a part has the header field '" + field.name + "'"));
    }
  }
  head.content_type = head.headers.Get("Content-Type").value_or("");
  const auto disposition = head.headers.Get("Content-Disposition");
  if (!disposition) return base::Fail(Malformed("a part has no Content-Disposition"));
  const size_t semicolon = std::min(disposition->find(';'), disposition->size());
  if (!EqualsIgnoringCase(TrimBlanks(disposition->substr(0, semicolon)), "form-data")) {
    return base::Fail(Malformed("the Content-Disposition of a part is not form-data"));
  }
  TRY(const auto parameters, ParseParameters(disposition->substr(semicolon)));
  bool named = false;
  for (const HeaderField& parameter : parameters) {
    if (parameter.name == "name") {
      head.name = parameter.value;
      named = true;
    } else if (parameter.name == "filename") {
      head.filename = parameter.value;
      head.has_filename = true;
    }
  }
  if (!named) return base::Fail(Malformed("a part has no name"));
  return head;
}

}  // namespace

MultipartParser::MultipartParser(std::string boundary, PartSink& sink, MultipartLimits limits)
    : delimiter_("\r\n--" + std::move(boundary)), sink_(sink), limits_(limits), held_("\r\n") {
  // The line break before the first delimiter may be missing, so one is made up.
}

base::Result<void> MultipartParser::Feed(std::string_view bytes) {
  // Large input goes in by pieces, so that what is held stays small.
  constexpr size_t kPiece = size_t{64} * 1024;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    if (state_ == State::kEpilogue) return {};
    held_.append(piece);
    while (true) {
      TRY(const bool more, Step());
      if (!more) break;
    }
    held_.erase(0, taken_);
    taken_ = 0;
  }
  return {};
}

base::Result<void> MultipartParser::Finish() const {
  if (state_ == State::kEpilogue) return {};
  return base::Fail(Malformed("it ends before its closing delimiter"));
}

base::Result<bool> MultipartParser::Step() {
  switch (state_) {
    case State::kPreamble:
    case State::kContent:
      return TakeUntilDelimiter();
    case State::kAfterDelimiter:
      return TakeDelimiterEnd();
    case State::kHeader:
      return TakeHeader();
    case State::kEpilogue:
      taken_ = held_.size();
      return false;
  }
  return false;
}

base::Result<void> MultipartParser::Give(std::string_view content) {
  if (state_ == State::kPreamble || content.empty()) return {};
  part_bytes_ += content.size();
  if (part_bytes_ > limits_.max_part) {
    return base::Fail(ErrorCode::kTooLarge,
                      "a part is over " + std::to_string(limits_.max_part) + " bytes");
  }
  return sink_.OnContent(content);
}

base::Result<bool> MultipartParser::TakeUntilDelimiter() {
  const std::string_view rest = std::string_view(held_).substr(taken_);
  const size_t found = rest.find(delimiter_);
  if (found != std::string_view::npos) {
    TRY(Give(rest.substr(0, found)));
    taken_ += found + delimiter_.size();
    if (state_ == State::kContent) TRY(sink_.OnPartEnd());
    state_ = State::kAfterDelimiter;
    return true;
  }
  // The end of what is here may be the beginning of the delimiter, from its CR on.
  const size_t tail = std::min(rest.size(), delimiter_.size() - 1);
  const size_t start = rest.find('\r', rest.size() - tail);
  const size_t safe = start == std::string_view::npos ? rest.size() : start;
  TRY(Give(rest.substr(0, safe)));
  taken_ += safe;
  return false;
}

base::Result<bool> MultipartParser::TakeDelimiterEnd() {
  const std::string_view rest = std::string_view(held_).substr(taken_);
  if (rest.size() < 2) return false;
  if (rest.starts_with("--")) {
    state_ = State::kEpilogue;
    return true;
  }
  // Blanks may follow the boundary (RFC 2046 5.1.1), within reason.
  constexpr size_t kMostBlanks = 64;
  const size_t blanks = std::min(rest.find_first_not_of(" \t"), rest.size());
  if (blanks > kMostBlanks) return base::Fail(Malformed("a delimiter line does not end"));
  if (rest.size() < blanks + 2) return false;
  if (rest.substr(blanks, 2) != "\r\n") {
    return base::Fail(Malformed("a delimiter is followed by something else than a line end"));
  }
  // The line end stays, so that a header without fields is an empty line after it.
  taken_ += blanks;
  state_ = State::kHeader;
  if (++parts_ > limits_.max_parts) {
    return base::Fail(ErrorCode::kTooLarge,
                      "the body has more than " + std::to_string(limits_.max_parts) + " parts");
  }
  return true;
}

base::Result<bool> MultipartParser::TakeHeader() {
  const std::string_view rest = std::string_view(held_).substr(taken_);
  const size_t end = rest.find("\r\n\r\n");
  if (std::min(end, rest.size()) > limits_.max_part_header) {
    return base::Fail(ErrorCode::kTooLarge, "the header of a part is over " +
                                                std::to_string(limits_.max_part_header) + " bytes");
  }
  if (end == std::string_view::npos) return false;
  TRY(const PartHead head, ParsePartHead(rest.substr(0, end)));
  TRY(sink_.OnPart(head));
  taken_ += end + 4;
  part_bytes_ = 0;
  state_ = State::kContent;
  return true;
}

base::Result<std::string> MultipartBoundary(std::string_view content_type) {
  TRY(const MediaType media, ParseMediaType(content_type));
  if (media.Essence() != "multipart/form-data") {
    return base::Fail(ErrorCode::kUnsupported,
                      "content type '" + media.Essence() + "' is not multipart/form-data");
  }
  const std::string_view boundary = media.Parameter("boundary");
  // RFC 2046 5.1.1: 1 to 70 characters, not ending in a blank.
  if (boundary.empty() || boundary.size() > 70 || boundary.back() == ' ' ||
      !IsFieldValue(boundary)) {
    return base::Fail(ErrorCode::kInvalid,
                      "the boundary is malformed, expected 1 to 70 characters");
  }
  return std::string(boundary);
}

net::Task<base::Result<void>> ReadMultipart(BodyReader& body, std::string boundary, PartSink& sink,
                                            MultipartLimits limits, base::Deadline deadline) {
  MultipartParser parser(std::move(boundary), sink, limits);
  std::vector<char> piece(size_t{64} * 1024);
  while (true) {
    CO_TRY(const size_t got,
           co_await body.Read(std::as_writable_bytes(std::span(piece)), deadline));
    if (got == 0) break;
    CO_TRY(parser.Feed(std::string_view(piece.data(), got)));
  }
  co_return parser.Finish();
}

}  // namespace http
