#pragma once
// What a `websocket` step is to do, read from its parameters.

#include <optional>
#include <string>
#include <vector>

#include "assay/action/action.h"
#include "assay/cel/value.h"
#include "lib/http/websocket/client.h"

namespace assay::action {

/// A message to send once `after` messages were received, `delay` later.
struct ScriptedMessage {
  http::websocket::MessageType type = http::websocket::MessageType::kText;
  std::string payload;
  int64_t after = 0;
  base::Duration delay{};
};

struct WebSocketScript {
  http::websocket::OpenRequest open;
  std::vector<ScriptedMessage> messages;
  std::optional<int64_t> count;        ///< ends after so many data messages
  std::optional<base::Duration> span;  ///< ends so long after it listens
  bool until_closed = false;           ///< ends when the other side closes
  int64_t armed_after = 0;             ///< listens after so many data messages
  int64_t max_messages = 10'000;
  http::websocket::CloseFrame close;
  bool abort = false;  ///< cuts the connection instead of closing it
};

/// kInvalid names the parameter.
base::Result<WebSocketScript> ReadWebSocketScript(const cel::Value& params,
                                                  const ActionContext& context);

}  // namespace assay::action
