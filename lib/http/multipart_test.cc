#include "lib/http/multipart.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"

namespace http {
namespace {

using base::ErrorCode;
using base::Result;
using testing::ElementsAre;

/// Writes down what it gets: `name|filename|type|content`.
class Recorder final : public PartSink {
 public:
  Result<void> OnPart(const PartHead& head) override {
    current_ =
        head.name + "|" + (head.has_filename ? head.filename : "-") + "|" + head.content_type + "|";
    return {};
  }
  Result<void> OnContent(std::string_view bytes) override {
    current_ += bytes;
    return {};
  }
  Result<void> OnPartEnd() override {
    parts.push_back(current_);
    return {};
  }
  std::vector<std::string> parts;

 private:
  std::string current_;
};

/// Feeds pieces of `size` bytes.
Result<std::vector<std::string>> Parse(const std::string& text, size_t size = 1 << 20,
                                       MultipartLimits limits = {}) {
  Recorder recorder;
  MultipartParser parser("b0", recorder, limits);
  for (size_t at = 0; at < text.size(); at += size) {
    TRY(parser.Feed(std::string_view(text).substr(at, size)));
  }
  TRY(parser.Finish());
  return recorder.parts;
}

std::string Part(const std::string& disposition, const std::string& content) {
  return "--b0\r\nContent-Disposition: " + disposition + "\r\n\r\n" + content + "\r\n";
}

const std::string kTwoParts =
    "preamble\r\n--b0\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
    "--b0 \r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b.edf\"\r\n"
    "Content-Type: application/edf\r\n\r\n\r\n--b1\r\n-\r\r\n--b0--\r\nepilogue --b0\r\n";

TEST(Multipart, GivesTheSamePartsHoweverTheBytesArrive) {
  for (const size_t size : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{64}, size_t{4096}}) {
    const auto parts = Parse(kTwoParts, size);
    ASSERT_TRUE(parts.has_value()) << parts.error().ToString();
    EXPECT_THAT(*parts,
                ElementsAre("note|-||hello", "file|a;b.edf|application/edf|\r\n--b1\r\n-\r"))
        << size;
  }
}

TEST(Multipart, EmptyContentAndEmptyFormAreFine) {
  EXPECT_THAT(Parse(Part("form-data; name=x", "") + "--b0--").value(), ElementsAre("x|-||"));
  EXPECT_THAT(Parse(Part("form-data; name=f; filename=\"\"", "") + "--b0--").value(),
              ElementsAre("f|||"));
  EXPECT_THAT(Parse("--b0--").value(), ElementsAre());
}

TEST(Multipart, RefusesMalformedBodies) {
  const std::string good = Part("form-data; name=x", "1");
  for (const std::string& text : std::vector<std::string>{
           "", good, good + "--b0", good + "--b", "no delimiter at all",
           "--b0garbage\r\n\r\n--b0--", "--b0\r\n\r\ncontent\r\n--b0--",
           Part("attachment; name=x", "1") + "--b0--", Part("form-data", "1") + "--b0--",
           Part("form-data; name=\"x", "1") + "--b0--",
           "--b0\r\nBad Name: x\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b0--",
           "--b0" + std::string(200, ' ') + "\r\n\r\n"}) {
    const auto parts = Parse(text, 5);
    ASSERT_FALSE(parts.has_value()) << text;
    EXPECT_EQ(parts.error().code, ErrorCode::kInvalid) << text;
  }
}

TEST(Multipart, KeepsItsLimits) {
  const auto code = [](const std::string& text, MultipartLimits limits) {
    const auto parts = Parse(text, 16, limits);
    return parts.has_value() ? ErrorCode::kInternal : parts.error().code;
  };
  const std::string body =
      Part("form-data; name=x", "12345") + Part("form-data; name=y", "1") + "--b0--";
  EXPECT_EQ(code(body, {.max_parts = 1}), ErrorCode::kTooLarge);
  EXPECT_EQ(code(body, {.max_part = 4}), ErrorCode::kTooLarge);
  EXPECT_EQ(code(body, {.max_part_header = 20}), ErrorCode::kTooLarge);
  EXPECT_EQ(code("--b0\r\nX: " + std::string(9000, 'x'), {}), ErrorCode::kTooLarge);
  EXPECT_TRUE(Parse(body, 16, {.max_parts = 2, .max_part = 5}).has_value());
}

class Refusing final : public PartSink {
 public:
  Result<void> OnPart(const PartHead& /*head*/) override { return {}; }
  Result<void> OnContent(std::string_view /*bytes*/) override {
    return base::Fail(ErrorCode::kIo, "disk full");
  }
  Result<void> OnPartEnd() override { return {}; }
};

TEST(Multipart, ErrorOfTheSinkStopsTheParser) {
  net::Runtime runtime;
  Refusing sink;
  TextBody body(Part("form-data; name=x", "12345") + "--b0--");
  const auto result = runtime.Run(ReadMultipart(body, "b0", sink, {}, base::Deadline::Never()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "disk full");
}

TEST(Multipart, BoundaryComesFromTheContentType) {
  EXPECT_EQ(MultipartBoundary("multipart/form-data; boundary=\"a b\"").value(), "a b");
  EXPECT_EQ(MultipartBoundary("text/plain; boundary=a").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(MultipartBoundary("multipart/form-data").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(MultipartBoundary("multipart/form-data; boundary=" + std::string(71, 'x')).error().code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace http
