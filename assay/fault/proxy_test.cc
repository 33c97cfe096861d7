#include "assay/fault/proxy.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::fault {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using net::Task;
using net::TcpStream;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

ToxicSpec ToxicOf(const std::string& json) {
  return ParseToxic(boost::json::parse(json).as_object()).value();
}

/// Up to `limit` bytes, or all to the end.
Task<Result<std::string>> ReadAll(TcpStream& stream, size_t limit = SIZE_MAX) {
  std::string all;
  std::vector<std::byte> buffer(64 << 10);
  while (all.size() < limit) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) break;
    all.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  co_return all;
}

/// An echo server and a proxy in front of it, on one loop; connections without toxics are carried
/// by a relay or by the loop.
class ProxyTest : public testing::TestWithParam<bool> {
 public:
  ProxyTest() {
    if (GetParam()) relay_ = net::Relay::Start().value();
    server_ = std::make_unique<net::TcpListener>(
        net::Listen(runtime_.executor(), "127.0.0.1", 0).value());
    MakeProxy("127.0.0.1:" + std::to_string(server_->port()));
  }
  void MakeProxy(const std::string& upstream, std::vector<ToxicSpec> toxics = {}) {
    proxy_ = std::make_unique<Proxy>(ProxySpec{.name = "p",
                                               .listen = "127.0.0.1:0",
                                               .upstream = upstream,
                                               .enabled = true,
                                               .toxics = std::move(toxics)},
                                     7, runtime_.executor(), clock_, relay_);
  }

  Task<void> Echo(TcpStream stream) {
    std::vector<std::byte> buffer(64 << 10);
    while (true) {
      const auto got = co_await stream.Read(buffer, Deadline::Never());
      if (!got.has_value()) {
        server_errors_.push_back(got.error().ToString());
        co_return;
      }
      if (*got == 0) break;
      const auto wrote = co_await stream.Write(std::span(buffer).first(*got), Deadline::Never());
      if (!wrote.has_value()) co_return;
    }
    ++server_ends_;
    stream.FinishWriting();
  }
  Task<void> ServeEcho(net::TaskGroup& group) {
    while (true) {
      auto stream = co_await server_->Accept(Deadline::Never());
      if (!stream.has_value()) co_return;
      group.Spawn(Echo(std::move(*stream)));
    }
  }

  /// Runs `body` with the proxy and the server up, then stops both.
  void Run(Task<Result<void>> body) {
    const auto outcome = runtime_.Run(WithServer(std::move(body)));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().ToString();
  }
  Task<Result<void>> WithServer(Task<Result<void>> body) {
    net::TaskGroup group(runtime_.executor(),
                         [](const base::Error& error) { ADD_FAILURE() << error.ToString(); });
    group.Spawn(ServeEcho(group));
    CO_TRY(proxy_->Start());
    auto outcome = co_await std::move(body);
    co_await proxy_->Stop();
    co_await group.Shutdown(Deadline::After(0s));
    co_return outcome;
  }

  Task<Result<TcpStream>> Connect() { return net::Connect("127.0.0.1", proxy_->port(), Soon()); }
  Task<Result<std::string>> Ask(std::string text) {
    CO_TRY(TcpStream stream, co_await Connect());
    CO_TRY(co_await stream.Write(text, Soon()));
    stream.FinishWriting();
    co_return co_await ReadAll(stream);
  }

  base::SystemClock clock_;
  std::shared_ptr<net::Relay> relay_;
  net::Runtime runtime_;
  std::unique_ptr<net::TcpListener> server_;
  std::unique_ptr<Proxy> proxy_;
  std::vector<std::string> server_errors_;
  int server_ends_ = 0;
};

TEST_P(ProxyTest, PassesBytesBothWaysAndEndsOneWayAtATime) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    CO_TRY(co_await stream.Write("hello", Soon()));
    CO_TRY(const std::string first, co_await ReadAll(stream, 5));
    EXPECT_EQ(first, "hello");
    CO_TRY(co_await stream.Write("bye", Soon()));
    stream.FinishWriting();
    CO_TRY(const std::string rest, co_await ReadAll(stream));
    EXPECT_EQ(rest, "bye") << "the server answers after the client has ended its side";
    EXPECT_EQ(t.proxy_->traffic().bytes_upstream, 8U);
    EXPECT_EQ(t.proxy_->traffic().bytes_downstream, 8U);
    EXPECT_EQ(t.proxy_->traffic().accepted, 1U);
    co_return Result<void>();
  }(*this));
  EXPECT_EQ(server_ends_, 1);
}

TEST_P(ProxyTest, MovesManyBytesOnManyConnections) {
  const std::string text(3 << 20, 'x');
  Run([](ProxyTest& t, const std::string& sent) -> Task<Result<void>> {
    const auto both = [&t, &sent]() -> Task<Result<std::string>> {
      CO_TRY(TcpStream stream, co_await t.Connect());
      std::vector<Task<Result<std::string>>> ways;
      const auto write = [](TcpStream& to, const std::string& bytes) -> Task<Result<std::string>> {
        CO_TRY(co_await to.Write(bytes, Soon()));
        to.FinishWriting();
        co_return std::string();
      };
      ways.push_back(write(stream, sent));
      ways.push_back(ReadAll(stream));
      auto got = co_await net::WhenAll(std::move(ways));
      CO_TRY(std::move(got[0]));
      co_return std::move(got[1]);
    };
    std::vector<Task<Result<std::string>>> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(both());
    for (const auto& got : co_await net::WhenAll(std::move(clients))) {
      EXPECT_TRUE(got.has_value() && *got == sent);
    }
    co_return Result<void>();
  }(*this, text));
}

TEST_P(ProxyTest, AReaderThatStopsStopsTheSender) {
  // A delay keeps what comes in the chain: it must not grow without bound.
  MakeProxy(proxy_->upstream(),
            {ToxicOf(R"({"type": "latency", "attributes": {"latency": 3600000}})")});
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    const std::string piece(1 << 20, 'x');
    uint64_t sent = 0;
    for (; sent < (uint64_t{64} << 20); sent += piece.size()) {
      const auto wrote = co_await stream.Write(piece, Deadline::After(300ms));
      if (!wrote.has_value()) break;
    }
    EXPECT_LT(sent, uint64_t{64} << 20) << "the sender was never stopped";
    EXPECT_LT(t.proxy_->traffic().bytes_downstream, uint64_t{10} << 20);
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, AResetIsPassedOn) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    CO_TRY(co_await stream.Write("x", Soon()));
    CO_TRY(co_await ReadAll(stream, 1));
    stream.Abort();
    for (int i = 0; i < 1000 && t.server_errors_.empty(); ++i) CO_TRY(co_await net::Sleep(1ms));
    co_return Result<void>();
  }(*this));
  ASSERT_EQ(server_errors_.size(), 1U);
  EXPECT_THAT(server_errors_[0], testing::HasSubstr("reset"));
}

TEST_P(ProxyTest, AClientOfAnUpstreamThatIsGoneIsClosed) {
  server_->Close();
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(const std::string got, co_await t.Ask(""));
    EXPECT_EQ(got, "");
    EXPECT_EQ(t.proxy_->traffic().unreachable, 1U);
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, ToxicsAreThereFromTheFirstConnectionOn) {
  MakeProxy(proxy_->upstream(), {ToxicOf(R"({"type": "limit_data", "attributes": {"bytes": 3}})")});
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(const std::string got, co_await t.Ask("hello"));
    EXPECT_EQ(got, "hel");
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, AToxicCanComeAndGoWhileAConnectionLives) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    CO_TRY(co_await stream.Write("a", Soon()));
    CO_TRY(co_await ReadAll(stream, 1));
    CO_TRY(t.proxy_->AddToxic(ToxicOf(R"({"type": "bandwidth", "attributes": {"rate": 0}})")));
    CO_TRY(co_await stream.Write("b", Soon()));
    std::vector<std::byte> buffer(10);
    const auto nothing = co_await stream.Read(buffer, Deadline::After(50ms));
    EXPECT_FALSE(nothing.has_value());
    CO_TRY(const Effect effect, t.proxy_->RemoveToxic("bandwidth_downstream"));
    EXPECT_EQ(effect.connections, 1U);
    CO_TRY(const std::string got, co_await ReadAll(stream, 1));
    EXPECT_EQ(got, "b");
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, ANewToxicMeetsWhatComesLaterAndNotWhatIsOnItsWay) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    // The echo fills the way back as long as nobody reads: much is on its way when the toxic comes.
    const std::string text(size_t{12} << 20, 'x');
    CO_TRY(co_await stream.Write(text.substr(0, 1), Soon()));
    CO_TRY(co_await ReadAll(stream, 1));
    std::vector<Task<Result<std::string>>> ways;
    ways.push_back([](TcpStream& to, const std::string& bytes) -> Task<Result<std::string>> {
      CO_TRY(co_await to.Write(bytes, Soon()));
      to.FinishWriting();
      co_return std::string();
    }(stream, text));
    ways.push_back([](ProxyTest& test, TcpStream& from) -> Task<Result<std::string>> {
      for (int i = 0; i < 1000 && test.proxy_->traffic().bytes_upstream < (1U << 20); ++i) {
        CO_TRY(co_await net::Sleep(1ms));
      }
      CO_TRY(test.proxy_->AddToxic(
          ToxicOf(R"({"type": "slicer", "attributes": {"average_size": 65536}})")));
      co_return co_await ReadAll(from);
    }(t, stream));
    const auto got = co_await net::WhenAll(std::move(ways));
    CO_TRY(got[0]);
    EXPECT_TRUE(got[1].has_value() && *got[1] == text)
        << "nothing lost, doubled or in another order";
    EXPECT_EQ(t.proxy_->traffic().bytes_upstream, text.size() + 1);
    EXPECT_EQ(t.proxy_->traffic().bytes_downstream, text.size() + 1);
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, AToxicThatComesAfterOneSideHasEndedWorksOnTheOther) {
  auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
  MakeProxy("127.0.0.1:" + std::to_string(listener.port()));
  Run([](ProxyTest& t, net::TcpListener& upstream) -> Task<Result<void>> {
    CO_TRY(TcpStream client, co_await t.Connect());
    client.FinishWriting();
    CO_TRY(TcpStream server, co_await upstream.Accept(Soon()));
    CO_TRY(const std::string end, co_await ReadAll(server));
    EXPECT_EQ(end, "");
    CO_TRY(t.proxy_->AddToxic(ToxicOf(R"({"type": "limit_data", "attributes": {"bytes": 3}})")));
    CO_TRY(co_await server.Write("hello", Soon()));
    CO_TRY(const std::string got, co_await ReadAll(client));
    EXPECT_EQ(got, "hel");
    co_return Result<void>();
  }(*this, listener));
}

TEST_P(ProxyTest, LatencyDelaysARoundTrip) {
  MakeProxy(proxy_->upstream(), {ToxicOf(R"({"type": "latency", "attributes": {"latency": 80}})")});
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(TcpStream stream, co_await t.Connect());
    const auto began = t.clock_.Steady();
    CO_TRY(co_await stream.Write("a", Soon()));
    CO_TRY(co_await ReadAll(stream, 1));
    EXPECT_GE(t.clock_.Steady() - began, 80ms);
    EXPECT_LT(t.clock_.Steady() - began, 2s);
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, ResetPeerResetsTheClient) {
  MakeProxy(proxy_->upstream(), {ToxicOf(R"({"type": "reset_peer", "stream": "upstream"})")});
  Run([](ProxyTest& t) -> Task<Result<void>> {
    const auto got = co_await t.Ask("hello");
    EXPECT_FALSE(got.has_value());
    EXPECT_EQ(t.proxy_->FindToxic("reset_peer_upstream")->effect.reset, 1U);
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, ARequestIsAnsweredInsteadOfTheServer) {
  MakeProxy(proxy_->upstream(), {ToxicOf(R"({"type": "http", "stream": "upstream",
                         "attributes": {"action": "respond", "code": 503, "body": "no"}})")});
  Run([](ProxyTest& t) -> Task<Result<void>> {
    CO_TRY(const std::string got, co_await t.Ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_THAT(got, testing::StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(got, testing::EndsWith("\r\n\r\nno"));
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, WhenItStopsItClosesConnectionsAndKeepsItsAddress) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    const std::string listen = t.proxy_->listen();
    CO_TRY(TcpStream stream, co_await t.Connect());
    CO_TRY(co_await stream.Write("a", Soon()));
    CO_TRY(co_await ReadAll(stream, 1));
    co_await t.proxy_->Stop();
    CO_TRY(const std::string end, co_await ReadAll(stream));
    EXPECT_EQ(end, "");
    CO_TRY(const HostAndPort where, ParseHostAndPort(listen));
    const auto refused = co_await net::Connect("127.0.0.1", where.port, Soon());
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(t.proxy_->traffic().open, 0U);
    CO_TRY(t.proxy_->Start());
    EXPECT_EQ(t.proxy_->listen(), listen);
    CO_TRY(const std::string got, co_await t.Ask("again"));
    EXPECT_EQ(got, "again");
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, TheUpstreamIsAskedForWithEachConnection) {
  Run([](ProxyTest& t) -> Task<Result<void>> {
    std::string upstream = "127.0.0.1:1";
    t.proxy_->SetFindUpstream([&upstream]() -> Result<std::string> { return upstream; });
    CO_TRY(const std::string nothing, co_await t.Ask(""));
    EXPECT_EQ(nothing, "");
    upstream = t.proxy_->upstream();
    CO_TRY(const std::string got, co_await t.Ask("hello"));
    EXPECT_EQ(got, "hello");
    co_return Result<void>();
  }(*this));
}

TEST_P(ProxyTest, APortThatIsTakenIsAnErrorOfStart) {
  Proxy second({.name = "q",
                .listen = "127.0.0.1:" + std::to_string(server_->port()),
                .upstream = "127.0.0.1:1"},
               7, runtime_.executor(), clock_, relay_);
  const auto started = second.Start();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, testing::HasSubstr("in use"));
  EXPECT_FALSE(second.is_enabled());
}

INSTANTIATE_TEST_SUITE_P(Carried, ProxyTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "ByARelay" : "ByTheLoop"; });

TEST(ParseHostAndPort, TakesNamesAndAddresses) {
  EXPECT_EQ(ParseHostAndPort("localhost:80")->host, "localhost");
  EXPECT_EQ(ParseHostAndPort("[::1]:443")->host, "::1");
  EXPECT_EQ(ParseHostAndPort(":0")->port, 0);
  for (const char* wrong : {"", "localhost", "::1:80", "h:99999", "h:x", "h:"}) {
    EXPECT_FALSE(ParseHostAndPort(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace assay::fault
