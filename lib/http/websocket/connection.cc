#include "lib/http/websocket/connection.h"

#include "lib/http/websocket/core.h"

namespace http::websocket {

bool IsSendableCloseCode(int64_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

std::string_view ToString(MessageType type) {
  switch (type) {
    case MessageType::kText:
      return "text";
    case MessageType::kBinary:
      return "binary";
    case MessageType::kPing:
      return "ping";
    case MessageType::kPong:
      return "pong";
    case MessageType::kClose:
      return "close";
  }
  return "";
}

Connection::Connection(std::shared_ptr<internal::Core> core) : core_(std::move(core)) {}
Connection::~Connection() { core_->Abort(); }

net::Task<base::Result<Message>> Connection::Receive(base::Deadline deadline) {
  return core_->Receive(deadline);
}
net::Task<base::Result<void>> Connection::Send(MessageType type, std::string payload,
                                               base::Deadline deadline) {
  return core_->Send(type, std::move(payload), deadline);
}
net::Task<base::Result<CloseFrame>> Connection::Close(CloseFrame frame, base::Deadline deadline) {
  return core_->Close(std::move(frame), deadline);
}
void Connection::GoAway() { core_->GoAway(); }
void Connection::Abort() { core_->Abort(); }
bool Connection::is_open() const { return core_->is_open(); }
const std::string& Connection::subprotocol() const { return core_->subprotocol(); }
bool Connection::deflates() const { return core_->deflates(); }

}  // namespace http::websocket
