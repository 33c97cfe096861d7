#pragma once
// One keep-alive connection of a load: a state machine over a non-blocking socket, driven by the
// edges of epoll, for whoever cannot afford a coroutine a request. Two system calls a request, none
// of memory.
//
//   closed --Send--> connecting --> (handshake) --> sending --> receiving --> idle --Send-->
//   sending
//                         |              |             |            |           |
//                         +--------------+-------------+------------+-----------+--> closed

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/result.h"
#include "lib/http/wire/request.h"
#include "lib/http/wire/response_reader.h"
#include "lib/net/tls.h"

namespace http::wire {

/// Where all connections of a load go; shared by the threads.
struct Server {
  sockaddr_storage address{};
  socklen_t address_size = 0;
  std::string name;  ///< for SNI and verification
  std::optional<net::TlsContext> tls;

  /// Resolves the name; blocks. kUnavailable: unknown. Errors of certificates as TlsContext.
  static base::Result<std::shared_ptr<const Server>> Of(const WireRequest& request);
};

/// Belongs to the thread of its epoll.
class Connection {
 public:
  enum class Result { kWaiting, kAnswered, kFailed };

  /// `buffer` is shared by the connections of a thread: nothing stays in it. `owner` is what epoll
  /// reports (data.ptr) when the connection is ready.
  Connection(const Server& server, int epoll, std::span<char> buffer, void* owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins an exchange; connects before, when needed. Requires: none is going on. `request` stays
  /// alive until its end.
  Result Send(const WireRequest& request);
  /// After epoll reported `events` for it.
  Result OnReady(uint32_t events);
  /// Ends whatever is going on.
  void Close();

  bool busy() const { return state_ != State::kClosed && state_ != State::kIdle; }
  /// Of the answer, after kAnswered.
  int status() const { return reader_.status(); }
  uint64_t body_bytes() const { return reader_.body_bytes(); }
  /// After kFailed, one of few texts.
  const std::string& problem() const { return problem_; }

 private:
  enum class State { kClosed, kConnecting, kHandshaking, kSending, kReceiving, kIdle };
  struct Tls;

  Result Connect();
  Result Connected();
  Result Handshake();
  Result Write();
  Result Read();
  Result Fail(std::string problem);
  Result Lost(const char* problem);
  long ReadSome();
  long WriteSome(std::string_view bytes);

  const Server& server_;
  const int epoll_;
  const std::span<char> buffer_;
  void* const owner_;
  int fd_ = -1;
  State state_ = State::kClosed;
  bool reused_ = false;
  std::unique_ptr<Tls> tls_;
  const WireRequest* request_ = nullptr;
  size_t sent_ = 0;
  ResponseReader reader_;
  std::string problem_;
};

}  // namespace http::wire
