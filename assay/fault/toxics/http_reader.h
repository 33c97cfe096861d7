#pragma once
// Finds the messages of HTTP/1.1 in the bytes of one direction of a connection, without changing
// them: what rules about HTTP decide by.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::fault {

/// The start line and fields of a request or response.
struct HttpHead {
  std::string method;  ///< "" for a response
  std::string target;
  int status = 0;  ///< 0 for a request
  std::vector<std::pair<std::string, std::string>> fields;

  bool is_request() const { return !method.empty(); }
  /// The first value of a field, names without regard to case; null when there is none.
  const std::string* Field(std::string_view name) const;
};

/// kInvalid things give nothing.
std::optional<HttpHead> ParseHttpHead(std::string_view text);

/// Bytes of the stream, in order; all pieces joined are the stream.
struct HttpPiece {
  std::optional<HttpHead> head;  ///< the bytes are this head; else they are of a body
  std::string bytes;
};

class HttpReader {
 public:
  /// `of_responses`: which messages to look for.
  explicit HttpReader(bool of_responses) : of_responses_(of_responses) {}

  /// A head that is not complete is kept back. What is no HTTP comes out as body.
  std::vector<HttpPiece> Feed(std::string_view bytes);
  /// The response whose head was given last has no body, because the request was HEAD.
  void ExpectNoBody();
  /// No further heads will be found: something else follows (an upgrade), or it is no HTTP.
  bool is_opaque() const { return state_ == State::kOpaque; }
  /// What was kept back; it then starts anew.
  std::string TakeRest();

 private:
  enum class State { kHead, kLength, kChunkSize, kChunkBytes, kTrailer, kOpaque };

  void FeedHead(std::string_view& bytes, std::vector<HttpPiece>& pieces);
  /// Takes a body's part from the front of `bytes`.
  std::string_view TakeBody(std::string_view& bytes);
  std::string_view TakeLine(std::string_view& bytes);
  void Frame(const HttpHead& head);

  bool of_responses_;
  State state_ = State::kHead;
  std::string kept_;        ///< of a head
  std::string line_;        ///< of a chunk size or trailer
  uint64_t remaining_ = 0;  ///< bytes of the body or chunk, with the line end after a chunk
};

}  // namespace assay::fault
