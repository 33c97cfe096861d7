#include "assay/cel/conformance/text_proto.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "assay/cel/utf8.h"

namespace assay::cel::conformance {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Message> ReadFile() { return ReadFields('\0'); }

 private:
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  void SkipBlank() {
    while (position_ < text_.size()) {
      if (Peek() == '#')
        position_ = std::min(text_.find('\n', position_), text_.size());
      else if (std::string_view(" \t\r\n,;").find(Peek()) != std::string_view::npos)
        ++position_;
      else
        return;
    }
  }

  std::unexpected<base::Error> Unexpected(std::string_view expected) const {
    const auto line = std::ranges::count(text_.substr(0, position_), '\n') + 1;
    return Fail(ErrorCode::kInvalid, fmt::format("line {}: expected {}", line, expected));
  }

  bool Take(char c) {
    SkipBlank();
    if (position_ >= text_.size() || Peek() != c) return false;
    ++position_;
    return true;
  }

  Result<Message> ReadFields(char close) {
    Message message;
    const size_t begin = position_;
    while (true) {
      SkipBlank();
      if (position_ >= text_.size()) {
        if (close != '\0') return Unexpected("a closing brace");
        break;
      }
      if (Peek() == close) break;
      TRY(std::string name, ReadName());
      const bool colon = Take(':');
      SkipBlank();
      if (Take('[')) {
        while (!Take(']')) TRY(ReadOne(name, colon, message));
      } else {
        TRY(ReadOne(name, colon, message));
      }
    }
    message.text = text_.substr(begin, position_ - begin);
    if (close != '\0') ++position_;
    return message;
  }

  Result<void> ReadOne(const std::string& name, bool colon, Message& into) {
    Field field{.name = name, .scalar = {}, .message = {}};
    if (Take('{')) {
      TRY(field.message, ReadFields('}'));
    } else {
      if (!colon) return Unexpected("a colon");
      TRY(field.scalar, ReadScalar());
    }
    into.fields.push_back(std::move(field));
    return {};
  }

  std::string_view ReadWord() {
    const size_t begin = position_;
    const auto part = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' ||
             c == '+';
    };
    while (part(Peek())) ++position_;
    return text_.substr(begin, position_ - begin);
  }

  Result<std::string> ReadName() {
    if (Peek() == '[') {
      const size_t end = text_.find(']', position_);
      if (end == std::string_view::npos) return Unexpected("]");
      const std::string_view name = text_.substr(position_, end + 1 - position_);
      position_ = end + 1;
      return std::string(name);
    }
    const std::string_view word = ReadWord();
    if (word.empty()) return Unexpected("the name of a field");
    return std::string(word);
  }

  Result<std::string> ReadScalar() {
    SkipBlank();
    if (Peek() != '"' && Peek() != '\'') {
      const std::string_view word = ReadWord();
      if (word.empty()) return Unexpected("a value");
      return std::string(word);
    }
    std::string out;
    // Adjacent literals are one string.
    for (; Peek() == '"' || Peek() == '\''; SkipBlank()) {
      const char quote = Peek();
      ++position_;
      while (Peek() != quote) {
        if (position_ >= text_.size()) return Unexpected("the end of a string");
        if (Peek() == '\\')
          ReadEscape(out);
        else
          out += text_[position_++];
      }
      ++position_;
    }
    return out;
  }

  uint32_t Digits(size_t most, int radix) {
    uint32_t number = 0;
    const char* first = text_.data() + position_;
    const char* last = first + std::min(most, text_.size() - position_);
    position_ += static_cast<size_t>(std::from_chars(first, last, number, radix).ptr - first);
    return number;
  }

  void ReadEscape(std::string& out) {
    constexpr std::string_view kNames = "abfnrtv";
    constexpr std::string_view kMeans = "\a\b\f\n\r\t\v";
    ++position_;
    const char name = Peek();
    if (name >= '0' && name <= '7') {
      out += static_cast<char>(Digits(3, 8));
      return;
    }
    ++position_;
    const size_t which = kNames.find(name);
    if (which != std::string_view::npos)
      out += kMeans[which];
    else if (name == 'x' || name == 'X')
      out += static_cast<char>(Digits(2, 16));
    else if (name == 'u')
      AppendCodePoint(out, Digits(4, 16));
    else if (name == 'U')
      AppendCodePoint(out, Digits(8, 16));
    else
      out += name;
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

const Field* Message::Find(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

std::vector<const Field*> Message::All(std::string_view name) const {
  std::vector<const Field*> found;
  for (const Field& field : fields)
    if (field.name == name) found.push_back(&field);
  return found;
}

std::string Message::Scalar(std::string_view name) const {
  const Field* field = Find(name);
  return field == nullptr ? std::string() : field->scalar;
}

Result<Message> ParseTextProto(std::string_view text) { return Reader(text).ReadFile(); }

}  // namespace assay::cel::conformance
