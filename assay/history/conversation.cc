#include "assay/history/conversation.h"

#include <boost/json.hpp>

#include "lib/base/utf8.h"
#include "lib/json/canonical.h"

namespace assay::history {
namespace {

using boost::json::array;
using boost::json::object;

/// Shorter text stands in the transcript itself.
constexpr size_t kInline = 512;

array Headers(const std::vector<std::pair<std::string, std::string>>& fields) {
  array headers;
  for (const auto& [name, value] : fields) headers.push_back(array{name, value});
  return headers;
}

base::Result<TranscriptBody> Body(const ConversationPart& part, BlobSink& sink) {
  const std::string& payload = part.payload;
  if (payload.size() > kInline || !base::IsUtf8(payload) || payload.contains('\0')) {
    return RecordBody(payload, part.media_type, sink);
  }
  return TranscriptBody{
      .blob = {}, .size = payload.size(), .media_type = part.media_type, .preview = payload};
}

}  // namespace

base::Result<std::string> RecordConversation(const Conversation& conversation, BlobSink& sink) {
  array messages;
  for (const ConversationPart& part : conversation.parts) {
    TRY(const TranscriptBody body, Body(part, sink));
    messages.push_back(object{{"direction", part.sent ? "sent" : "received"},
                              {"type", part.type},
                              {"at_ns", part.at.count()},
                              {"body",
                               {{"blob", body.blob},
                                {"size", body.size},
                                {"media_type", body.media_type},
                                {"preview", body.preview}}}});
  }
  object json = {{"kind", conversation.kind},
                 {"url", conversation.url},
                 {"request", {{"headers", Headers(conversation.request_headers)}}},
                 {"response", nullptr},
                 {"messages", std::move(messages)},
                 {"end", conversation.end},
                 {"error", nullptr}};
  if (conversation.status != 0) {
    json["response"] = object{{"status", conversation.status},
                              {"headers", Headers(conversation.response_headers)}};
  }
  if (!conversation.error.empty()) json["error"] = conversation.error;
  return sink.Put(json::Pretty(json));
}

}  // namespace assay::history
