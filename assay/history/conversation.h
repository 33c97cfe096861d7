#pragma once
// The JSON shape of a recorded conversation over one connection: the blob that an outcome's
// `transcript` names.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/history/transcript.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::history {

struct ConversationPart {
  bool sent = false;       ///< else received
  std::string type;        ///< `text`, `binary`, `ping`, `hl7`, ...
  base::Duration at{};     ///< since the connection stood
  std::string media_type;  ///< of the payload
  std::string payload;
};

/// {"kind":"websocket"|"tcp", "url", "request":{headers[[name, value]]}, "response":{status,
/// headers}, "messages":[{direction, type, at_ns, body{blob, size, media_type, preview}}], "end":
/// text, "error": text or null}
struct Conversation {
  std::string kind;
  std::string url;  ///< without password
  std::vector<std::pair<std::string, std::string>> request_headers;
  int status = 0;  ///< of a handshake; 0: there was none
  std::vector<std::pair<std::string, std::string>> response_headers;
  std::vector<ConversationPart> parts;
  std::string end;    ///< how it ended
  std::string error;  ///< why it failed, or ""
};

/// Stores the conversation; payloads that a preview does not show whole become blobs. Returns the
/// name for Outcome::transcript.
base::Result<std::string> RecordConversation(const Conversation& conversation, BlobSink& sink);

}  // namespace assay::history
