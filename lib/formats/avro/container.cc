#include "lib/formats/avro/container.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include "lib/formats/avro/datum_reader.h"

namespace formats::avro {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kMagic("Obj\x01", 4);
constexpr size_t kMarkerBytes = 16;

/// The primitive values that the container itself is made of.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool AtEnd() const { return at_ == bytes_.size(); }
  size_t at() const { return at_; }

  /// Zigzag in groups of seven bits, the lowest first.
  Result<int64_t> Long() {
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (AtEnd()) return Broken("a number");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      bits |= uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) {
        return static_cast<int64_t>(bits >> 1U) ^ -static_cast<int64_t>(bits & 1U);
      }
    }
    return base::Fail(ErrorCode::kInvalid, fmt::format("byte {}: a number is too long", at_));
  }
  Result<std::string_view> Bytes(int64_t count) {
    if (count < 0 || static_cast<uint64_t>(count) > bytes_.size() - at_) {
      return Broken(fmt::format("{} bytes", count));
    }
    const std::string_view taken = bytes_.substr(at_, static_cast<size_t>(count));
    at_ += taken.size();
    return taken;
  }
  Result<std::string_view> Text() {
    TRY(const int64_t size, Long());
    return Bytes(size);
  }

 private:
  std::unexpected<base::Error> Broken(std::string_view wanted) const {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("byte {}: the file has {} bytes more, expected {}", at_,
                                  bytes_.size() - at_, wanted));
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

struct Header {
  std::string schema;
  std::string codec = "null";
  std::string marker;
};

Result<Header> ReadHeader(ByteReader& reader) {
  const auto magic = reader.Bytes(kMagic.size());
  if (!magic || *magic != kMagic) {
    return base::Fail(ErrorCode::kInvalid,
                      "this is no Avro container file, which begins with \"Obj\" and the byte 1");
  }
  Header header;
  while (true) {
    TRY(int64_t count, reader.Long());
    if (count == 0) break;
    if (count < 0) {  // the size of the block in bytes follows
      count = -count;
      TRY(reader.Long());
    }
    for (; count > 0; --count) {
      TRY(const std::string_view name, reader.Text());
      TRY(const std::string_view value, reader.Text());
      if (name == "avro.schema") header.schema = value;
      if (name == "avro.codec") header.codec = value;
    }
  }
  TRY(header.marker, reader.Bytes(kMarkerBytes));
  if (header.codec != "null" && header.codec != "deflate") {
    return base::Fail(
        ErrorCode::kUnsupported,
        fmt::format("the codec \"{}\" is not supported, expected null or deflate", header.codec));
  }
  return header;
}

/// Raw deflate (RFC 1951), at most `limit` bytes.
Result<std::string> Inflate(std::string_view data, size_t limit) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return base::Fail(ErrorCode::kExhausted, "there is no memory to decompress with");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  std::string piece(size_t{64} << 10, '\0');
  int state = Z_OK;
  while (state == Z_OK && out.size() <= limit) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > limit) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("decompressed data have more than {} bytes", limit));
  }
  if (state != Z_STREAM_END) return base::Fail(ErrorCode::kInvalid, "a block is not deflated data");
  return out;
}

class BlockReader {
 public:
  BlockReader(Header header, DatumReader records, const Limits& limits)
      : header_(std::move(header)), records_(std::move(records)), limits_(limits) {}

  Result<void> Read(ByteReader& reader, std::vector<Value>& into) {
    const size_t start = reader.at();
    TRY(const int64_t count, reader.Long());
    TRY(std::string_view data, reader.Text());
    TRY(const std::string_view marker, reader.Bytes(kMarkerBytes));
    if (marker != header_.marker || count < 0) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("byte {}: the block does not end with the file's marker", start));
    }
    if (static_cast<uint64_t>(count) > limits_.records - into.size()) {
      return base::Fail(ErrorCode::kTooLarge, fmt::format("more than {} records", limits_.records));
    }
    std::string decompressed;
    if (header_.codec == "deflate") {
      TRY(decompressed, Inflate(data, limits_.decoded - decoded_));
      data = decompressed;
    }
    decoded_ += data.size();
    return records_.ReadBlock(data, static_cast<size_t>(count), into.size(), values_left_, into);
  }

 private:
  Header header_;
  DatumReader records_;
  const Limits& limits_;
  size_t decoded_ = 0;
  size_t values_left_ = limits_.values;
};

}  // namespace

bool Value::operator==(const Value& other) const = default;

Result<Container> Read(std::string_view bytes, base::Deadline deadline, const Limits& limits) {
  static const base::SystemClock clock;
  if (bytes.size() > limits.bytes) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("{} bytes, expected at most {}", bytes.size(), limits.bytes));
  }
  ByteReader reader(bytes);
  TRY(Header header, ReadHeader(reader));
  Container container{.schema = header.schema, .codec = header.codec, .records = {}};
  TRY(DatumReader records, DatumReader::Make(header.schema));
  BlockReader blocks(std::move(header), std::move(records), limits);
  while (!reader.AtEnd()) {
    if (deadline.HasPassed(clock)) {
      return base::Fail(ErrorCode::kTimeout, fmt::format("reading took too long; {} records were "
                                                         "read",
                                                         container.records.size()));
    }
    TRY(blocks.Read(reader, container.records));
  }
  return container;
}

}  // namespace formats::avro
