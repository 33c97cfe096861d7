#pragma once
// What carries a connection: a Beast stream over TCP or TLS behind one interface. For .cc files.

#include <deque>
#include <memory>
#include <optional>

#include <boost/beast/websocket/ssl.hpp>

#include "lib/http/websocket/connection.h"
#include "lib/net/event.h"
#include "lib/net/pch/asio.h"

namespace http::websocket::internal {

using boost::system::error_code;
using Tcp = boost::asio::ip::tcp;
using TlsSocket = boost::asio::ssl::stream<Tcp::socket>;

/// The state of a connection, and the operations that need the stream. Operations that nobody
/// awaits (the read ahead, GoAway) keep it alive until the socket ends them.
class Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(net::Executor executor) : executor_(std::move(executor)), sending_(1) {}
  virtual ~Core() = default;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  net::Task<base::Result<Message>> Receive(base::Deadline deadline);
  net::Task<base::Result<void>> Send(MessageType type, std::string payload,
                                     base::Deadline deadline);
  net::Task<base::Result<CloseFrame>> Close(CloseFrame frame, base::Deadline deadline);
  void GoAway();
  void Abort();
  /// Begins to read ahead; after the handshake.
  void Start() { ReadAhead(); }

  bool is_open() const { return !ended_ && !closing_; }
  void Agree(std::string subprotocol, bool deflates) {
    subprotocol_ = std::move(subprotocol);
    deflates_ = deflates;
  }
  const std::string& subprotocol() const { return subprotocol_; }
  bool deflates() const { return deflates_; }
  const net::Executor& executor() const { return executor_; }

 protected:
  virtual void StartRead() = 0;
  virtual net::Task<error_code> Write(MessageType type, std::string_view payload) = 0;
  virtual net::Task<error_code> WriteClose(const CloseFrame& frame) = 0;
  virtual void StartClose(const CloseFrame& frame) = 0;
  virtual void CloseSocket() = 0;
  /// What the close frame of the other side said.
  virtual CloseFrame PeerFrame() const = 0;

  /// A complete message.
  void OnMessage(MessageType type, std::string payload);
  /// A ping, pong or close frame.
  void OnControl(MessageType type, std::string_view payload);
  /// The last read ended.
  void EndRead(const error_code& error, CloseFrame frame) {
    reading_ = false;
    OnEnd(error, std::move(frame));
  }

 private:
  void ReadAhead();
  /// Once; `frame` counts when the error is `closed`.
  void OnEnd(const error_code& error, CloseFrame frame);
  net::Task<base::Result<void>> SendLocked(MessageType type, const std::string& payload,
                                           base::Deadline deadline);

  net::Executor executor_;
  net::Semaphore sending_;
  std::deque<Message> received_;
  net::Event changed_;
  bool reading_ = false;
  bool closing_ = false;  ///< we began to close
  bool aborted_ = false;
  bool ended_ = false;
  bool end_given_ = false;
  CloseFrame end_{.code = kAbnormal, .reason = {}};
  std::optional<base::Error> broken_;  ///< how the other side broke the protocol
  std::string subprotocol_;
  bool deflates_ = false;
};

/// `Layer`: Tcp::socket or TlsSocket.
template <typename Layer>
class StreamCore final : public Core {
 public:
  explicit StreamCore(Layer layer) : Core(layer.get_executor()), stream_(std::move(layer)) {
    stream_.auto_fragment(false);
  }

  boost::beast::websocket::stream<Layer>& stream() { return stream_; }
  void Configure(const Limits& limits);
  /// After the handshake: what it agreed on holds from now on.
  void Established();

 private:
  void StartRead() override;
  net::Task<error_code> Write(MessageType type, std::string_view payload) override;
  net::Task<error_code> WriteClose(const CloseFrame& frame) override;
  void StartClose(const CloseFrame& frame) override;
  void CloseSocket() override;
  CloseFrame PeerFrame() const override;

  boost::beast::websocket::stream<Layer> stream_;
  boost::beast::flat_buffer buffer_;
};

extern template class StreamCore<Tcp::socket>;
extern template class StreamCore<TlsSocket>;

/// Cuts `core` at the deadline, for operations that only the end of the socket ends.
class Cutter {
 public:
  Cutter(std::shared_ptr<Core> core, base::Deadline deadline);
  ~Cutter() { *armed_ = false; }
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;
  bool fired() const { return *fired_; }

 private:
  std::shared_ptr<bool> armed_;
  std::shared_ptr<bool> fired_;
  boost::asio::steady_timer timer_;
};

}  // namespace http::websocket::internal
