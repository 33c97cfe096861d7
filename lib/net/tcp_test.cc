#include "lib/net/tcp.h"

#include <gtest/gtest.h>

#include "lib/net/gather.h"
#include "lib/net/relay/adopt.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace net {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr auto kSoon = 5s;

Deadline Soon() { return Deadline::After(kSoon); }

Task<Result<std::string>> ReadAll(TcpStream& stream) {
  std::string all;
  std::array<std::byte, 64> buffer{};
  while (true) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) co_return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

Task<Result<std::string>> ServeEcho(TcpListener& listener) {
  CO_TRY(TcpStream stream, co_await listener.Accept(Soon()));
  CO_TRY(const std::string text, co_await ReadAll(stream));
  CO_TRY(co_await stream.Write(text, Soon()));
  co_return text;
}

Task<Result<std::string>> Ask(uint16_t port, std::string text) {
  CO_TRY(TcpStream stream, co_await Connect("127.0.0.1", port, Soon()));
  CO_TRY(co_await stream.Write(text, Soon()));
  stream.FinishWriting();
  co_return co_await ReadAll(stream);
}

TEST(Tcp, EchoesMoreThanTheSocketBuffersHold) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string text(4 << 20, 'x');
  std::vector<Task<Result<std::string>>> tasks;
  tasks.push_back(ServeEcho(listener));
  tasks.push_back(Ask(listener.port(), text));
  const auto results = runtime.Run(WhenAll(std::move(tasks)));
  ASSERT_TRUE(results[1].has_value()) << results[1].error().ToString();
  EXPECT_EQ(results[1].value(), text);
}

TEST(Tcp, RefusedConnectionNamesThePeer) {
  Runtime runtime;
  uint16_t port = 0;
  {
    auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
    port = listener.port();
  }
  const auto result = runtime.Run(Connect("127.0.0.1", port, Soon()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(result.error().message,
            "cannot connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST(Tcp, UnknownHostIsUnavailable) {
  Runtime runtime;
  const auto result = runtime.Run(Connect("no-such-host.invalid", 80, Soon()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST(Tcp, AcceptTimesOutAndTheListenerStaysUsable) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  EXPECT_EQ(runtime.Run(listener.Accept(Deadline::After(1ms))).error().code, ErrorCode::kTimeout);
  std::vector<Task<Result<std::string>>> tasks;
  tasks.push_back(ServeEcho(listener));
  tasks.push_back(Ask(listener.port(), "hello"));
  EXPECT_EQ(runtime.Run(WhenAll(std::move(tasks)))[1].value(), "hello");
}

Task<Result<size_t>> ReadOnce(uint16_t port, Deadline deadline) {
  CO_TRY(TcpStream stream, co_await Connect("127.0.0.1", port, Soon()));
  std::array<std::byte, 8> buffer{};
  co_return co_await stream.Read(buffer, deadline);
}

TEST(Tcp, ReadTimesOutWhenThePeerSaysNothing) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  const auto result = runtime.Run(ReadOnce(listener.port(), Deadline::After(1ms)));
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

Task<Result<size_t>> AcceptAndAbort(TcpListener& listener) {
  CO_TRY(TcpStream stream, co_await listener.Accept(Soon()));
  stream.Abort();
  co_return size_t{0};
}

TEST(Tcp, AbortReachesThePeerAsAnError) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  std::vector<Task<Result<size_t>>> tasks;
  tasks.push_back(AcceptAndAbort(listener));
  tasks.push_back(ReadOnce(listener.port(), Soon()));
  const auto results = runtime.Run(WhenAll(std::move(tasks)));
  ASSERT_FALSE(results[1].has_value());
  EXPECT_EQ(results[1].error().code, ErrorCode::kUnavailable);
}

Task<Result<std::string>> AskOverAnAdoptedStream(uint16_t port) {
  CO_TRY(TcpStream first, co_await Connect("127.0.0.1", port, Soon()));
  const int descriptor = first.Release();
  EXPECT_FALSE(first.is_open());
  const Executor here = co_await CurrentExecutor();
  CO_TRY(TcpStream second, Adopt(here, descriptor));
  CO_TRY(co_await second.Write("hello", Soon()));
  second.FinishWriting();
  co_return co_await ReadAll(second);
}

TEST(Tcp, AReleasedDescriptorCanBeAdopted) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  std::vector<Task<Result<std::string>>> tasks;
  tasks.push_back(ServeEcho(listener));
  tasks.push_back(AskOverAnAdoptedStream(listener.port()));
  EXPECT_EQ(runtime.Run(WhenAll(std::move(tasks)))[1].value(), "hello");
}

TEST(Tcp, WhatIsNoSocketIsNotAdopted) {
  Runtime runtime;
  EXPECT_EQ(Adopt(runtime.executor(), -1).error().code, ErrorCode::kInvalid);
}

TEST(Tcp, PortInUseIsAConflict) {
  Runtime runtime;
  auto listener = Listen(runtime.executor(), "127.0.0.1", 0).value();
  const auto second = Listen(runtime.executor(), "127.0.0.1", listener.port());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST(Tcp, ListenWantsANumericAddress) {
  Runtime runtime;
  EXPECT_EQ(Listen(runtime.executor(), "localhost!", 0).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace net
