#include "montage/inference/byte_stream.h"

#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/process/descriptor.h"

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using namespace std::chrono_literals;

std::pair<process::Descriptor, process::Descriptor> Pair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {process::Descriptor(ends[0]), process::Descriptor(ends[1])};
}

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(ByteStream, CarriesMoreThanFitsIntoTheBuffers) {
  auto [near, far] = Pair();
  std::vector<uint8_t> sent(3'000'000);
  std::iota(sent.begin(), sent.end(), uint8_t{0});
  std::vector<uint8_t> received(sent.size());
  std::thread reader([&, fd = far.get()] {
    EXPECT_TRUE(ReceiveAll(fd, received, Deadline::After(60s)).has_value());
  });
  EXPECT_TRUE(SendAll(near.get(), sent, Deadline::After(60s)).has_value());
  reader.join();
  EXPECT_EQ(received, sent);
}

TEST(ByteStream, WorksOnPipes) {
  process::Pipe pipe = process::MakePipe().value();
  ASSERT_TRUE(SendAll(pipe.writer.get(), BytesOf("one\ntwo"), Deadline::After(60s)).has_value());
  EXPECT_EQ(ReceiveLine(pipe.reader.get(), 100, Deadline::After(60s)).value(), "one");
  std::vector<uint8_t> rest(3);
  ASSERT_TRUE(ReceiveAll(pipe.reader.get(), rest, Deadline::After(60s)).has_value());
  EXPECT_EQ(std::string(rest.begin(), rest.end()), "two");
}

TEST(ByteStream, ADeadlineEndsAWaitInBothDirections) {
  auto [near, far] = Pair();
  std::vector<uint8_t> byte(1);
  const auto received = ReceiveAll(near.get(), byte, Deadline::After(1ms));
  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kTimeout);
  const std::vector<uint8_t> much(64'000'000);
  const auto sent = SendAll(near.get(), much, Deadline::After(1ms));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kTimeout);
}

TEST(ByteStream, AClosedOtherSideIsAnErrorAndNoSignal) {
  auto [near, far] = Pair();
  EXPECT_FALSE(IsDisturbed(near.get()));
  far.Reset();
  EXPECT_TRUE(IsDisturbed(near.get()));
  std::vector<uint8_t> byte(1);
  EXPECT_EQ(ReceiveAll(near.get(), byte, Deadline::Never()).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(SendAll(near.get(), byte, Deadline::Never()).error().code, ErrorCode::kUnavailable);
}

TEST(ByteStream, ALineHasALimitAndMustEnd) {
  auto [near, far] = Pair();
  ASSERT_TRUE(SendAll(far.get(), BytesOf("12345\n123456"), Deadline::Never()).has_value());
  EXPECT_EQ(ReceiveLine(near.get(), 5, Deadline::Never()).value(), "12345");
  EXPECT_EQ(ReceiveLine(near.get(), 5, Deadline::Never()).error().code, ErrorCode::kCorrupt);
  far.Reset();
  EXPECT_EQ(ReceiveLine(near.get(), 5, Deadline::Never()).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace montage::inference
