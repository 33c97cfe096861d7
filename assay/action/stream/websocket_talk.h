#pragma once
// One conversation over WebSocket: sends what the script says, collects what comes, knows when it
// is over.
//
//   open --101--> [send what is due | receive] --until, count, time, closed, all sent--> close
//     +--refused: that is the outcome

#include <optional>
#include <string>
#include <vector>

#include "assay/action/action.h"
#include "assay/action/stream/websocket_script.h"
#include "assay/cel/value.h"
#include "assay/history/conversation.h"

namespace assay::action {

class WebSocketTalk {
 public:
  /// Both outlive the talk.
  WebSocketTalk(const WebSocketScript& script, const ActionContext& context)
      : script_(script), context_(context) {}

  /// From opening to closing. An error is one of carrying it out; what came until then is kept.
  net::Task<base::Result<void>> Run();
  /// The outcome's variables.
  cel::Value Variables() const;
  /// For the transcript.
  history::Conversation Record(std::string_view error) const;

 private:
  net::Task<base::Result<void>> Converse();
  net::Task<base::Result<void>> SendNext();
  net::Task<base::Result<void>> ReceiveOne(std::optional<base::SteadyTime> due);
  base::Result<void> Take(http::websocket::Message message);
  base::Result<void> TakeMessage(http::websocket::Message message);
  net::Task<base::Result<void>> Close();
  /// When the next message is to be sent; nothing while it waits for messages or there is none.
  std::optional<base::SteadyTime> NextDue();
  void Listen();
  bool AskUntil(const cel::Value& message);
  bool EndsWhenSent() const;
  void End(std::string_view how);
  void MissUntil();
  base::Duration Since(base::SteadyTime at) const { return at - opened_; }

  const WebSocketScript& script_;
  const ActionContext& context_;
  http::websocket::Opening opening_;
  base::SteadyTime opened_;
  base::SteadyTime closed_at_;

  size_t next_ = 0;                        ///< of the script
  std::optional<base::SteadyTime> ready_;  ///< when the next message of the script had its turn
  bool listening_ = false;
  base::SteadyTime listens_since_;
  bool has_until_ = false;
  std::string until_problem_;
  size_t unanswered_pings_ = 0;

  std::vector<cel::Value> messages_;
  std::vector<cel::Value> pongs_;
  int64_t pings_ = 0;
  uint64_t bytes_ = 0;
  std::vector<history::ConversationPart> parts_;

  std::string ended_;
  std::string unmet_;
  bool closed_ = false;
  std::optional<http::websocket::CloseFrame> close_;
};

}  // namespace assay::action
