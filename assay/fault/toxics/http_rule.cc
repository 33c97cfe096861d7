// Rules about HTTP: what is done to the messages that match. On the stream upstream requests are
// matched, before the server sees them; downstream responses, with the requests that they answer.

#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "assay/fault/toxics/attributes.h"
#include "assay/fault/toxics/behaviours.h"
#include "assay/fault/toxics/conversation.h"
#include "assay/fault/toxics/glob.h"

namespace assay::fault {

namespace {

using base::SteadyTime;

/// What must hold of a message; an empty text and 0 hold always.
struct Condition {
  std::string method;
  std::string path;    ///< glob over the target without its query
  std::string header;  ///< `Name: glob` of the message that is matched
  int64_t status = 0;  ///< 503, or a class: 5
  int64_t nth = 0;

  bool Holds(const HttpHead& request, const HttpHead& message) const {
    if (!method.empty() && method != request.method) return false;
    const std::string target = request.target.substr(0, request.target.find('?'));
    if (!path.empty() && !MatchesGlob(path, target)) return false;
    if (status != 0 && message.status != status && message.status / 100 != status) return false;
    if (header.empty()) return true;
    const size_t colon = header.find(':');
    const std::string* value = message.Field(std::string_view(header).substr(0, colon));
    if (value == nullptr) return false;
    if (colon == std::string::npos) return true;
    const size_t from = header.find_first_not_of(' ', colon + 1);
    return from == std::string::npos || MatchesGlob(header.substr(from), *value);
  }
};

class HttpRule final : public Behaviour {
 public:
  explicit HttpRule(const boost::json::object& attributes)
      : action_(TextOf(attributes, "action")),
        delay_(MillisecondsOf(attributes, "delay")),
        code_(IntegerOf(attributes, "code")),
        body_(TextOf(attributes, "body")) {
    condition_ = {.method = TextOf(attributes, "method"),
                  .path = TextOf(attributes, "path"),
                  .header = TextOf(attributes, "header"),
                  .status = IntegerOf(attributes, "status"),
                  .nth = IntegerOf(attributes, "nth")};
  }

  void Accept(Chunk chunk, Stage& stage, SteadyTime now) override {
    if (answered_) return stage.Drop(chunk);
    const bool upstream = stage.toxic().spec.stream == Direction::kUpstream;
    if (!reader_) reader_.emplace(!upstream);
    if (chunk.kind != ChunkKind::kBytes) {
      if (std::string rest = reader_->TakeRest(); !rest.empty()) {
        stage.Emit({.kind = ChunkKind::kBytes, .bytes = std::move(rest), .arrived = now}, now);
      }
      return stage.Emit(std::move(chunk), now);
    }
    for (HttpPiece& piece : reader_->Feed(chunk.bytes)) {
      Chunk part{.kind = ChunkKind::kBytes, .bytes = std::move(piece.bytes), .arrived = now};
      if (answered_) {
        stage.Drop(part);
      } else if (piece.head && Matches(*piece.head, stage)) {
        Act(std::move(part), stage, now);
      } else {
        stage.Emit(std::move(part), now);
      }
    }
  }

  void Finish(Stage& stage, SteadyTime now) override {
    if (!reader_) return;
    if (std::string rest = reader_->TakeRest(); !rest.empty()) {
      stage.Emit({.kind = ChunkKind::kBytes, .bytes = std::move(rest), .arrived = now}, now);
    }
  }

  void Inherit(const Behaviour& before) override {
    const auto& other = static_cast<const HttpRule&>(before);
    reader_ = other.reader_;
    answered_ = other.answered_;
  }

 private:
  bool Matches(const HttpHead& head, Stage& stage) {
    HttpHead request;
    if (!head.is_request()) {
      if (head.status < 200 && head.status != 101) return false;
      if (stage.conversation() != nullptr) request = stage.conversation()->TakeRequest();
      if (request.method == "HEAD") reader_->ExpectNoBody();
    }
    if (!condition_.Holds(head.is_request() ? head : request, head)) return false;
    const auto count = static_cast<int64_t>(++stage.effect().messages);
    return condition_.nth == 0 || condition_.nth == count;
  }

  void Act(Chunk head, Stage& stage, SteadyTime now) {
    stage.CountConnection();
    if (action_ == "delay") return stage.Emit(std::move(head), now + delay_);
    stage.Drop(head);
    answered_ = true;
    if (action_ == "respond" && stage.conversation() != nullptr) {
      ++stage.effect().answered;
      stage.conversation()->Answer(Response());
      return;
    }
    stage.Cut(action_ == "reset" ? ChunkKind::kReset : ChunkKind::kClose, now + delay_);
  }

  std::string Response() const {
    return fmt::format(
        "HTTP/1.1 {} Injected\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        code_, body_.size(), body_);
  }

  std::string action_;
  base::Duration delay_;
  int64_t code_;
  std::string body_;
  Condition condition_;
  std::optional<HttpReader> reader_;
  bool answered_ = false;
};

}  // namespace

MadeBehaviour MakeHttpRule(const boost::json::object& attributes) {
  return std::make_unique<HttpRule>(attributes);
}

}  // namespace assay::fault
