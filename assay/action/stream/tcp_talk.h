#pragma once
// One conversation over TCP or TLS: bytes, lines, or HL7 messages in MLLP.

#include <optional>
#include <string>
#include <vector>

#include "assay/action/action.h"
#include "assay/cel/value.h"
#include "assay/history/conversation.h"
#include "lib/formats/hl7/mllp.h"
#include "lib/net/tls.h"

namespace assay::action {

enum class TcpMode { kRaw, kLine, kMllp };

/// When receiving is over; the first that comes true. Nothing: at once.
struct TcpEnd {
  std::optional<uint64_t> bytes;
  std::optional<std::string> until;  ///< a delimiter, which belongs to what is received
  std::optional<uint64_t> lines;
  std::optional<uint64_t> messages;  ///< kMllp; nothing: no limit
  bool close = false;
  std::optional<base::Duration> idle;  ///< nothing came for so long
};

struct TcpScript {
  std::string url;  ///< for people
  std::string host;
  uint16_t port = 0;
  bool secure = false;
  net::TlsClientOptions tls;
  TcpMode mode = TcpMode::kRaw;
  std::vector<std::string> send;  ///< kLine: without line end; kMllp: without frame
  std::string line_end = "\r\n";
  TcpEnd end;
  bool half_close = false;  ///< ends our direction once everything is sent
  uint64_t max_receive = uint64_t{16} << 20;
};

class TcpTalk {
 public:
  /// Both outlive the talk.
  TcpTalk(const TcpScript& script, const ActionContext& context)
      : script_(script), context_(context), decoder_(script.max_receive) {}

  /// An error is one of carrying it out; what came until then is kept.
  net::Task<base::Result<void>> Run();
  cel::Value Variables() const;
  history::Conversation Record(std::string_view error) const;

 private:
  net::Task<base::Result<void>> Open();
  net::Task<base::Result<void>> Send(const std::string& payload);
  net::Task<base::Result<void>> ReceiveBytes();
  net::Task<base::Result<void>> Exchange();
  /// One more message; fewer when the connection ends.
  net::Task<base::Result<void>> ReceiveMessage();
  /// 0 at the end of the stream; nothing when it was idle for so long.
  net::Task<base::Result<std::optional<size_t>>> ReadSome(std::span<std::byte> into);
  base::Result<void> Take(std::string_view bytes);
  /// Whether what was received is complete; cuts off what came after it.
  bool IsComplete();
  void EndClosed();
  std::vector<std::string> Lines() const;
  void AddMessages(cel::MapBuilder& map) const;
  base::Duration Now() const { return std::chrono::steady_clock::now() - opened_; }

  const TcpScript& script_;
  const ActionContext& context_;
  std::unique_ptr<net::ByteStream> stream_;
  base::SteadyTime opened_;
  base::Duration took_{};
  std::string remote_;
  std::string received_;
  size_t searched_ = 0;  ///< no delimiter begins before it
  uint64_t lines_ = 0;
  formats::hl7::MllpDecoder decoder_;
  std::vector<std::string> messages_;
  std::vector<history::ConversationPart> parts_;
  size_t sent_ = 0;
  std::string ended_;
  std::string unmet_;
  bool closed_ = false;
};

}  // namespace assay::action
