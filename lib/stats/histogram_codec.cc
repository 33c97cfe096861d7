#include "lib/stats/histogram_codec.h"

#include <bit>
#include <cstdint>
#include <utility>

#include <zlib.h>

#include "lib/crypto/base64.h"

namespace stats {
namespace {

using base::ErrorCode;

constexpr uint32_t kPlainCookie = 0x1c849313;
constexpr uint32_t kCompressedCookie = 0x1c849314;
constexpr size_t kPlainHead = 40;
constexpr size_t kCompressedHead = 8;
constexpr int kLongestNumber = 9;  // bytes; the ninth holds eight bits

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

void PutNumber(std::string& out, int64_t number) {
  uint64_t rest = (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
  for (int i = 1; i < kLongestNumber; ++i) {
    if (rest < 0x80) {
      out += static_cast<char>(rest);
      return;
    }
    out += static_cast<char>((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  out += static_cast<char>(rest);
}

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}
  size_t left() const { return rest_.size(); }

  /// Requires: so many bytes are left.
  uint64_t Take(size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(bytes);
    return value;
  }

  base::Result<int64_t> TakeNumber() {
    uint64_t value = 0;
    for (int i = 0; i < kLongestNumber; ++i) {
      if (rest_.empty()) return base::Fail(ErrorCode::kCorrupt, "a count is cut off");
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (i == kLongestNumber - 1) {
        value |= static_cast<uint64_t>(byte) << (7 * i);
        break;
      }
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) break;
    }
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }

 private:
  std::string_view rest_;
};

std::string Plain(const Histogram& histogram) {
  std::string counts;
  for (size_t i = 0; i < histogram.used();) {
    if (histogram.At(i) != 0) {
      PutNumber(counts, static_cast<int64_t>(histogram.At(i++)));
      continue;
    }
    int64_t zeros = 0;
    while (i < histogram.used() && histogram.At(i) == 0) ++zeros, ++i;
    PutNumber(counts, -zeros);
  }
  // An empty histogram is written by the other libraries as one zero count.
  if (counts.empty()) PutNumber(counts, 0);
  std::string out;
  Put(out, kPlainCookie, 4);
  Put(out, counts.size(), 4);
  Put(out, 0, 4);
  Put(out, static_cast<uint64_t>(histogram.range().digits), 4);
  Put(out, histogram.range().lowest, 8);
  Put(out, histogram.range().highest, 8);
  Put(out, std::bit_cast<uint64_t>(1.0), 8);
  return out + counts;
}

base::Result<std::string> Inflate(std::string_view bytes, size_t most) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return base::Fail(ErrorCode::kExhausted, "zlib has no memory");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib only reads it
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= most) {
    const size_t before = out.size();
    constexpr size_t kPiece = 16 * 1024;
    out.resize(before + kPiece);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = kPiece;
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kPiece - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > most) return base::Fail(ErrorCode::kTooLarge, "the histogram is too large");
  if (state != Z_STREAM_END)
    return base::Fail(ErrorCode::kCorrupt, "the compressed part is damaged");
  return out;
}

base::Result<void> ReadCounts(Bytes& bytes, Histogram& histogram) {
  size_t index = 0;
  while (bytes.left() > 0) {
    TRY(const int64_t number, bytes.TakeNumber());
    if (number < 0) {
      const uint64_t zeros = ~static_cast<uint64_t>(number) + 1;
      if (zeros > histogram.size() - index) {
        return base::Fail(ErrorCode::kCorrupt, "there are more counts than the range has");
      }
      index += static_cast<size_t>(zeros);
      continue;
    }
    if (index >= histogram.size()) {
      return base::Fail(ErrorCode::kCorrupt, "there are more counts than the range has");
    }
    histogram.AddAt(index++, static_cast<uint64_t>(number));
  }
  return {};
}

}  // namespace

std::string EncodeHistogram(const Histogram& histogram) {
  const std::string plain = Plain(histogram);
  uLongf size = compressBound(plain.size());
  std::string packed(size, '\0');
  // Cannot fail: the bound is right and the level is one that exists.
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
            reinterpret_cast<const Bytef*>(plain.data()), plain.size(), Z_DEFAULT_COMPRESSION);
  packed.resize(size);
  std::string out;
  Put(out, kCompressedCookie, 4);
  Put(out, packed.size(), 4);
  return crypto::Base64(out + packed);
}

base::Result<Histogram> DecodeHistogram(std::string_view text, size_t most_counts) {
  TRY(const std::string outer, crypto::ParseBase64(text));
  Bytes head(outer);
  if (head.left() < kCompressedHead)
    return base::Fail(ErrorCode::kCorrupt, "a histogram is cut off");
  if (head.Take(4) != kCompressedCookie) {
    return base::Fail(ErrorCode::kUnsupported,
                      "expected a histogram in the compressed V2 encoding");
  }
  if (head.Take(4) != head.left()) return base::Fail(ErrorCode::kCorrupt, "a histogram is cut off");
  TRY(const std::string plain, Inflate(std::string_view(outer).substr(kCompressedHead),
                                       kPlainHead + most_counts * kLongestNumber));
  Bytes bytes(plain);
  if (bytes.left() < kPlainHead) return base::Fail(ErrorCode::kCorrupt, "a histogram is cut off");
  if (bytes.Take(4) != kPlainCookie) {
    return base::Fail(ErrorCode::kUnsupported, "expected counts in the V2 encoding");
  }
  const uint64_t length = bytes.Take(4);
  if (bytes.Take(4) != 0) return base::Fail(ErrorCode::kUnsupported, "a shifted histogram");
  HistogramRange range;
  const uint64_t digits = bytes.Take(4);
  range.digits = digits > 5 ? 6 : static_cast<int>(digits);
  range.lowest = bytes.Take(8);
  range.highest = bytes.Take(8);
  bytes.Take(8);
  if (length != bytes.left()) return base::Fail(ErrorCode::kCorrupt, "a histogram is cut off");
  TRY(Histogram histogram, Histogram::Create(range));
  if (histogram.size() > most_counts) {
    return base::Fail(ErrorCode::kTooLarge, "the range has too many counts");
  }
  TRY(ReadCounts(bytes, histogram));
  return histogram;
}

}  // namespace stats
