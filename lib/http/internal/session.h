#pragma once
// Session: the requests of one connection, one after the other. For .cc files.
//
//   idle --first byte--> header --complete--> handler --> response --keep-alive--> idle
//    |                     |                                 |
//    +--timeout: close     +--timeout: 408, malformed: 400   +--else: linger, close
//
// Time limits are not timers of their own: each wait notes when it must be over, and the loop's
// sweeper cuts those that are late. That costs nothing a request.

#include <list>
#include <optional>

#include "lib/http/internal/wire.h"
#include "lib/http/server.h"

namespace http::internal {

class Session;

/// What the sessions of one loop share.
struct LoopState {
  std::list<Session*> sessions;
  bool draining = false;
  std::string date;  ///< IMF-fixdate of `date_second`
  std::chrono::sys_seconds date_second{};
};

struct SessionContext {
  const ServerOptions& options;
  const Handler& handler;
  const base::Clock& clock;
  std::atomic<uint64_t>& requests;
  LoopState& loop;
};

class Session final : public BodyReader {
 public:
  Session(std::unique_ptr<Wire> wire, SessionContext context);
  ~Session() override;

  /// Serves until the connection ends.
  net::Task<void> Run();
  /// Answers 503 without reading: too many connections.
  net::Task<void> RunRefused();

  /// Cuts the wait that is over its time.
  void Sweep(base::SteadyTime now);
  /// Ends the wait for a next request.
  void Drain();

  net::Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline) override;
  std::optional<uint64_t> length() const override;
  void set_limit(uint64_t bytes) override { body_limit_ = bytes; }

  /// Writes with the time limit for responses.
  net::Task<base::Result<void>> WriteBuffers(std::span<boost::asio::const_buffer> buffers);

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  /// Why a request is not handled: status 0 means closing without an answer.
  struct Refusal {
    int status = 0;
    base::Error error;
  };

  net::Task<std::optional<Refusal>> ReadHead();
  /// Bytes of a header that is not complete; a refusal when it is malformed or too large.
  std::optional<Refusal> ParseHead();
  Refusal HeadInterrupted(const error_code& error) const;
  std::optional<Refusal> MakeRequest(Request& request);
  net::Task<void> Refuse(Refusal refusal, const Request* request);
  /// True when the connection can take another request.
  net::Task<bool> Serve(Request& request);
  net::Task<Response> Call(Request& request);
  /// Hands the connection over to what it becomes and returns when that is over.
  net::Task<void> Become(Request& request, const UpgradeBody& upgrade);
  net::Task<bool> DiscardBody();

  net::Task<base::Result<void>> Send(Response& response, const Request* request);
  void Compress(Response& response, const Request& request) const;
  void StartHead(const Response& response);
  net::Task<base::Result<void>> SendText(std::string_view text, bool with_body);
  net::Task<base::Result<void>> SendFile(const FileBody& file, bool with_body);
  net::Task<base::Result<void>> SendStream(const StreamBody& stream, bool with_body);
  net::Task<void> Linger();

  net::Task<error_code> Fill(base::Duration timeout, base::Deadline deadline);
  const std::string& Date();
  void Report(const base::Error& error) const;

  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  std::unique_ptr<Wire> wire_;
  SessionContext context_;
  std::list<Session*>::iterator place_;
  net::Endpoint remote_;

  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<Parser> parser_;

  uint64_t body_limit_ = 0;
  uint64_t body_read_ = 0;
  bool expects_continue_ = false;
  bool body_broken_ = false;

  bool close_ = false;
  bool minor_zero_ = false;  ///< the request is HTTP/1.0
  std::string head_;
  uint64_t sent_ = 0;
  bool wrote_head_ = false;

  base::SteadyTime expires_ = base::SteadyTime::max();
  bool late_ = false;
  bool idle_ = false;
  bool upgraded_ = false;
  std::function<void()> on_drain_;
};

}  // namespace http::internal
