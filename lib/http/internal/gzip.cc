#include "lib/http/internal/gzip.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include <zlib.h>

namespace http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, with the gzip header
// Level 4 makes JSON about as small as 6 in less than half the time.
constexpr int kLevel = 4;

Bytef* Input(std::string_view text) {
  // zlib only reads from it, but its interface is older than const.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

}  // namespace

std::string Gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  std::string packed;
  std::array<char, 16 * 1024> piece{};
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && !text.empty()) {
      const size_t count = std::min<size_t>(text.size(), 1U << 30U);
      stream.next_in = Input(text);
      stream.avail_in = static_cast<uInt>(count);
      text.remove_prefix(count);
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    state = deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    packed.append(piece.data(), piece.size() - stream.avail_out);
  }
  return packed;
}

base::Result<std::string> Gunzip(std::string_view bytes, uint64_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  std::string text;
  std::array<char, 16 * 1024> piece{};
  while (true) {
    if (stream.avail_in == 0) {
      const size_t count = std::min<size_t>(bytes.size(), 1U << 30U);
      stream.next_in = Input(bytes);
      stream.avail_in = static_cast<uInt>(count);
      bytes.remove_prefix(count);
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    const int state = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
    if (text.size() > limit) {
      return base::Fail(base::ErrorCode::kTooLarge,
                        "the unpacked body is over " + std::to_string(limit) + " bytes");
    }
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0 && bytes.empty()) return text;
      return base::Fail(base::ErrorCode::kCorrupt, "bytes follow the end of the gzip body");
    }
    if (state != Z_OK) {
      return base::Fail(base::ErrorCode::kCorrupt,
                        std::string("the gzip body is damaged: ") +
                            (stream.msg == nullptr ? "it ends too early" : stream.msg));
    }
  }
}

}  // namespace http
