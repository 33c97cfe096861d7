// DebugString: values as literals of the language, with limits.

#include <cmath>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/cel/type.h"
#include "assay/cel/utf8.h"

namespace assay::cel {
namespace {

class LiteralWriter {
 public:
  explicit LiteralWriter(const TextLimits& limits) : limits_(limits) {}

  void Write(const Value& value, size_t depth);
  std::string Take() { return std::move(text_); }

 private:
  bool full() const { return text_.size() >= limits_.total_bytes; }
  void WriteString(std::string_view text);
  void WriteBytes(std::string_view bytes);
  void WriteList(const Value& value, size_t depth);
  void WriteMap(const Value& value, size_t depth);

  const TextLimits& limits_;
  std::string text_;
};

void AppendEscaped(std::string& out, char32_t point) {
  switch (point) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (point < 0x20 || point == 0x7F)
        out += fmt::format("\\x{:02x}", static_cast<uint32_t>(point));
      else
        AppendCodePoint(out, point);
  }
}

void LiteralWriter::WriteString(std::string_view text) {
  const size_t size = text.size();
  text_ += '"';
  while (!text.empty()) {
    if (size - text.size() >= limits_.string_bytes || full()) {
      text_ += "...";
      break;
    }
    AppendEscaped(text_, TakeCodePoint(text));
  }
  text_ += '"';
}

void LiteralWriter::WriteBytes(std::string_view bytes) {
  text_ += "b\"";
  size_t written = 0;
  for (const char c : bytes) {
    if (written++ >= limits_.string_bytes || full()) {
      text_ += "...";
      break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F)
      AppendEscaped(text_, byte);
    else
      text_ += fmt::format("\\x{:02x}", byte);
  }
  text_ += '"';
}

void LiteralWriter::WriteList(const Value& value, size_t depth) {
  const auto list = value.list();
  if (depth >= limits_.depth && !list.empty()) {
    text_ += fmt::format("[... {} elements]", list.size());
    return;
  }
  text_ += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text_ += ", ";
    if (i >= limits_.elements || full()) {
      text_ += fmt::format("... {} more", list.size() - i);
      break;
    }
    Write(list[i], depth + 1);
  }
  text_ += ']';
}

void LiteralWriter::WriteMap(const Value& value, size_t depth) {
  const auto entries = value.map().entries();
  if (depth >= limits_.depth && !entries.empty()) {
    text_ += fmt::format("{{... {} entries}}", entries.size());
    return;
  }
  text_ += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) text_ += ", ";
    if (i >= limits_.elements || full()) {
      text_ += fmt::format("... {} more", entries.size() - i);
      break;
    }
    Write(entries[i].key, depth + 1);
    text_ += ": ";
    Write(entries[i].value, depth + 1);
  }
  text_ += '}';
}

std::string DoubleLiteral(double value) {
  if (!std::isfinite(value)) return fmt::format("double(\"{}\")", FormatDouble(value));
  std::string text = FormatDouble(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void LiteralWriter::Write(const Value& value, size_t depth) {
  switch (value.kind()) {
    case Kind::kNull:
      text_ += "null";
      return;
    case Kind::kUint:
      text_ += ToText(value) + "u";
      return;
    case Kind::kDouble:
      text_ += DoubleLiteral(value.double_value());
      return;
    case Kind::kString:
      return WriteString(value.string());
    case Kind::kBytes:
      return WriteBytes(value.bytes());
    case Kind::kTimestamp:
      text_ += fmt::format("timestamp(\"{}\")", ToText(value));
      return;
    case Kind::kDuration:
      text_ += fmt::format("duration(\"{}\")", ToText(value));
      return;
    case Kind::kList:
      return WriteList(value, depth);
    case Kind::kMap:
      return WriteMap(value, depth);
    case Kind::kOptional:
      if (value.optional() == nullptr) {
        text_ += "optional.none()";
        return;
      }
      text_ += "optional.of(";
      Write(*value.optional(), depth + 1);
      text_ += ')';
      return;
    case Kind::kOpaque:
      text_ += fmt::format("{}(\"{}\")", value.opaque().type_name(), value.opaque().ToText());
      return;
    default:
      text_ += ToText(value);
  }
}

}  // namespace

std::string DebugString(const Value& value, const TextLimits& limits) {
  LiteralWriter writer(limits);
  writer.Write(value, 0);
  return writer.Take();
}

}  // namespace assay::cel
