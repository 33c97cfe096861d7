#pragma once
// Reads HTTP/1.x answers as they arrive and keeps only what a load needs of them. No allocation
// once a connection has seen its longest field that was split between two reads.
//
//   status line -> fields -> body: none | length | chunks -> trailers | until the end
//        ^            |
//        +-- 1xx -----+

#include <cstdint>
#include <string>
#include <string_view>

namespace http::wire {

/// One answer after the other on one connection.
class ResponseReader {
 public:
  enum class State { kMore, kDone, kBroken };

  /// Before each answer. `to_head`: the answer to HEAD, which has no body.
  void Begin(bool to_head, uint64_t most_body);
  /// Takes bytes from the front of `bytes` and removes them. kMore: all were taken. kDone: what is
  /// left belongs to something else. kBroken: problem() says why.
  State Take(std::string_view& bytes);
  /// The peer sent its end. kDone when that ends the body.
  State TakeEnd();

  int status() const { return status_; }
  /// Whether another request may follow on the connection.
  bool keeps_alive() const { return keeps_alive_; }
  uint64_t body_bytes() const { return body_; }
  /// Nothing of the answer has come yet.
  bool untouched() const { return part_ == Part::kStatus && line_.empty(); }
  const char* problem() const { return problem_; }

 private:
  enum class Part {
    kStatus,
    kFields,
    kLength,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailers,
    kUntilEnd,
    kDone
  };

  State Broken(const char* why);
  bool Status(std::string_view line);
  bool Field(std::string_view line);
  State EndOfFields();
  bool ChunkSize(std::string_view line);
  State Line(std::string_view line);
  State Skip(std::string_view& bytes);
  bool Count(uint64_t bytes);

  Part part_ = Part::kStatus;
  std::string line_;  // the beginning of a line whose end has not come
  int status_ = 0;
  bool to_head_ = false;
  bool keeps_alive_ = true;
  bool chunked_ = false;
  bool has_length_ = false;
  uint64_t left_ = 0;
  uint64_t body_ = 0;
  uint64_t most_body_ = 0;
  const char* problem_ = "";
};

}  // namespace http::wire
