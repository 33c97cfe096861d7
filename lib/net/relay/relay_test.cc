#include "lib/net/relay/relay.h"

#include <condition_variable>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {
namespace {

/// Closed by its destructor.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void Abort() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Close();
  }
  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << std::strerror(errno);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void Finish() const { ::shutdown(fd_, SHUT_WR); }
  /// Up to `most` bytes, or all to the end. `reset` when the connection was.
  std::string Receive(size_t most = SIZE_MAX) const {
    std::string all;
    std::vector<char> buffer(64 << 10);
    while (all.size() < most) {
      const ssize_t got = ::recv(fd_, buffer.data(), std::min(buffer.size(), most - all.size()), 0);
      if (got < 0) return errno == ECONNRESET ? "reset" : std::strerror(errno);
      if (got == 0) break;
      all.append(buffer.data(), static_cast<size_t>(got));
    }
    return all;
  }

 private:
  int fd_;
};

/// A connection over loopback: the outer end blocks, for at most some seconds, the inner one does
/// not.
std::pair<Socket, Socket> Connection() {
  const Socket listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener.fd(), 1), 0);
  EXPECT_EQ(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Socket outer(::socket(AF_INET, SOCK_STREAM, 0));
  const timeval soon{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(outer.fd(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  ::setsockopt(outer.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  EXPECT_EQ(::connect(outer.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
  Socket inner(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK));
  EXPECT_GE(inner.fd(), 0);
  return {std::move(outer), std::move(inner)};
}

/// A client and a server with the relay between them.
class CarriedLink {
 public:
  explicit CarriedLink(Relay& relay) : relay_(relay) {
    const auto id = relay.Carry({.first = to_client_.second.fd(),
                                 .second = to_server_.second.fd(),
                                 .from_first = &from_client,
                                 .from_second = &from_server,
                                 .over = [this](Relay::Outcome outcome) {
                                   const std::lock_guard lock(mutex_);
                                   outcome_ = outcome;
                                   over_.notify_all();
                                 }});
    EXPECT_TRUE(id.has_value());
    id_ = id.value_or(0);
  }
  ~CarriedLink() { (void)relay_.Release(id_); }
  CarriedLink(const CarriedLink&) = delete;
  CarriedLink& operator=(const CarriedLink&) = delete;

  Socket& client() { return to_client_.first; }
  Socket& server() { return to_server_.first; }
  Socket& inner() { return to_client_.second; }
  std::optional<Relay::Rests> Release() { return relay_.Release(id_); }
  /// Nothing: it was not over in time.
  std::optional<Relay::Outcome> Outcome() {
    std::unique_lock lock(mutex_);
    over_.wait_for(lock, std::chrono::seconds(20), [this] { return outcome_.has_value(); });
    return outcome_;
  }

  std::atomic<uint64_t> from_client{0};
  std::atomic<uint64_t> from_server{0};

 private:
  Relay& relay_;
  std::pair<Socket, Socket> to_client_ = Connection();
  std::pair<Socket, Socket> to_server_ = Connection();
  Relay::Id id_ = 0;
  std::mutex mutex_;
  std::condition_variable over_;
  std::optional<Relay::Outcome> outcome_;
};

class RelayTest : public testing::Test {
 protected:
  std::unique_ptr<Relay> relay_ = Relay::Start().value();
};

TEST_F(RelayTest, CarriesBytesBothWaysAndCountsThem) {
  CarriedLink link(*relay_);
  for (int i = 0; i < 100; ++i) {
    link.client().Send("question");
    ASSERT_EQ(link.server().Receive(8), "question");
    link.server().Send("yes");
    ASSERT_EQ(link.client().Receive(3), "yes");
  }
  EXPECT_EQ(link.from_client, 800U);
  EXPECT_EQ(link.from_server, 300U);
}

TEST_F(RelayTest, WhatCameBeforeItIsCarriedToo) {
  auto [client, to_client] = Connection();
  auto [server, to_server] = Connection();
  client.Send("early");
  client.Finish();
  std::atomic<uint64_t> counted = 0;
  const auto id = relay_->Carry({.first = to_client.fd(),
                                 .second = to_server.fd(),
                                 .from_first = &counted,
                                 .from_second = &counted,
                                 .over = [](Relay::Outcome) {}});
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(server.Receive(), "early");
  const auto rests = relay_->Release(*id);
  ASSERT_TRUE(rests.has_value());
  EXPECT_TRUE(rests->from_first.ended);
  EXPECT_FALSE(rests->from_second.ended);
}

TEST_F(RelayTest, EndsOneWayAtATime) {
  CarriedLink link(*relay_);
  link.client().Send("last words");
  link.client().Finish();
  EXPECT_EQ(link.server().Receive(), "last words");
  link.server().Send("still here");
  EXPECT_EQ(link.client().Receive(10), "still here");
  link.server().Finish();
  EXPECT_EQ(link.client().Receive(), "");
  EXPECT_EQ(link.Outcome(), Relay::Outcome::kEnded);
  EXPECT_FALSE(link.Release().has_value());
}

TEST_F(RelayTest, AResetEndsTheLink) {
  CarriedLink link(*relay_);
  link.server().Abort();
  EXPECT_EQ(link.Outcome(), Relay::Outcome::kReset);
}

TEST_F(RelayTest, AReceiverThatIsGoneEndsTheLink) {
  CarriedLink link(*relay_);
  link.server().Close();
  EXPECT_EQ(link.client().Receive(), "");
  // The first message to somebody who is gone is answered by a reset.
  link.client().Send("anybody there?");
  EXPECT_EQ(link.Outcome(), Relay::Outcome::kReset);
}

TEST_F(RelayTest, ASlowReceiverGetsEverythingAndStopsTheSender) {
  CarriedLink link(*relay_);
  std::string text;
  for (int i = 0; text.size() < (size_t{24} << 20); ++i) text += std::to_string(i) + ' ';
  ::fcntl(link.client().fd(), F_SETFL, O_NONBLOCK);
  // Sends until nobody takes any more: the rest only goes once the receiver reads.
  size_t sent = 0;
  for (int idle = 0; idle < 1000 && sent < text.size();) {
    const ssize_t some =
        ::send(link.client().fd(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (some > 0) sent += static_cast<size_t>(some);
    idle = some > 0 ? 0 : idle + 1;
    if (some <= 0) std::this_thread::yield();
  }
  ::fcntl(link.client().fd(), F_SETFL, 0);
  std::jthread rest([&] {
    link.client().Send(std::string_view(text).substr(sent));
    link.client().Finish();
  });
  EXPECT_EQ(link.server().Receive(), text);
}

TEST_F(RelayTest, GivesBackWhatItHolds) {
  CarriedLink link(*relay_);
  const std::string piece(size_t{1} << 20, 'x');
  ::fcntl(link.client().fd(), F_SETFL, O_NONBLOCK);
  // More than the buffers of both connections hold.
  size_t sent = 0;
  for (int idle = 0; idle < 10000;) {
    const ssize_t some = ::send(link.client().fd(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (some > 0) sent += static_cast<size_t>(some);
    idle = some > 0 ? 0 : idle + 1;
    if (some <= 0) std::this_thread::yield();
  }
  const auto rests = link.Release();
  ASSERT_TRUE(rests.has_value());
  EXPECT_FALSE(rests->from_first.bytes.empty());
  EXPECT_TRUE(rests->from_second.bytes.empty());
  // It has received neither more nor less than what arrived and what it gave back.
  link.client().Close();
  ::shutdown(link.inner().fd(), SHUT_RD);
  const uint64_t received = link.from_client;
  EXPECT_LE(received, sent);
  const size_t passed = received - rests->from_first.bytes.size();
  EXPECT_EQ(link.server().Receive(passed).size(), passed);
}

TEST_F(RelayTest, TouchesNothingAfterItWasReleased) {
  CarriedLink link(*relay_);
  link.client().Send("before");
  EXPECT_EQ(link.server().Receive(6), "before");
  ASSERT_TRUE(link.Release().has_value());
  link.client().Send("after");
  // A second link that is carried shows that the relay has had its turn.
  CarriedLink other(*relay_);
  other.client().Send("x");
  EXPECT_EQ(other.server().Receive(1), "x");
  EXPECT_EQ(link.from_client, 6U);
  ::fcntl(link.inner().fd(), F_SETFL, 0);
  EXPECT_EQ(link.inner().Receive(5), "after");
}

TEST_F(RelayTest, CarriesManyLinksAtOnce) {
  std::vector<std::unique_ptr<CarriedLink>> links;
  for (int i = 0; i < 32; ++i) links.push_back(std::make_unique<CarriedLink>(*relay_));
  const std::string text(size_t{1} << 20, 'y');
  std::vector<std::jthread> threads;
  for (auto& link : links) {
    threads.emplace_back([&] {
      link->client().Send(text);
      link->client().Finish();
    });
    threads.emplace_back([&] {
      EXPECT_EQ(link->server().Receive(), text);
      link->server().Send("done");
      link->server().Finish();
    });
  }
  for (auto& link : links) {
    EXPECT_EQ(link->client().Receive(), "done");
    EXPECT_EQ(link->Outcome(), Relay::Outcome::kEnded);
  }
}

TEST_F(RelayTest, ASocketThatIsNoneIsRefused) {
  auto [client, to_client] = Connection();
  std::atomic<uint64_t> counted = 0;
  const auto id = relay_->Carry({.first = to_client.fd(),
                                 .second = -1,
                                 .from_first = &counted,
                                 .from_second = &counted,
                                 .over = [](Relay::Outcome) {}});
  ASSERT_FALSE(id.has_value());
  EXPECT_EQ(id.error().code, base::ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace net
