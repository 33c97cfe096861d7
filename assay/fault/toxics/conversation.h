#pragma once
// What the two directions of one connection know of each other, for rules about HTTP.

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "assay/fault/toxics/http_reader.h"

namespace assay::fault {

class Conversation {
 public:
  /// `answer` sends a text to the client, after what is on its way to it, and then closes the
  /// connection.
  explicit Conversation(std::function<void(std::string)> answer) : answer_(std::move(answer)) {}

  /// Sees the bytes that the client sends, before any toxic does.
  void Observe(std::string_view bytes) {
    for (HttpPiece& piece : requests_.Feed(bytes)) {
      if (piece.head && open_.size() < kMostOpen) open_.push_back(*std::move(piece.head));
    }
  }
  /// The request that the next response answers; an empty one when it was not seen.
  HttpHead TakeRequest() {
    if (open_.empty()) return {};
    HttpHead request = std::move(open_.front());
    open_.pop_front();
    return request;
  }
  void Answer(std::string response) { answer_(std::move(response)); }

 private:
  /// Requests without responses; more of them are not remembered.
  static constexpr size_t kMostOpen = 1024;

  std::function<void(std::string)> answer_;
  HttpReader requests_{false};
  std::deque<HttpHead> open_;
};

}  // namespace assay::fault
