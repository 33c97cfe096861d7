#include "assay/cel/syntax/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "assay/cel/utf8.h"
#include "lib/base/utf8.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Result;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsIdentStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsIdentPart(char c) { return IsIdentStart(c) || IsDigit(c); }

class Lexer {
 public:
  explicit Lexer(const SourceMap& source) : source_(source), text_(source.expression()) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      SkipBlank();
      start_ = position_;
      TRY(Token token, Next());
      token.begin = start_;
      token.end = position_;
      tokens.push_back(std::move(token));
      if (tokens.back().kind == TokenKind::kEnd) return tokens;
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool AtEnd() const { return position_ >= text_.size(); }

  std::unexpected<base::Error> Wrong(std::string message, uint32_t begin) const {
    return std::unexpected(source_.Error(ErrorCode::kInvalid, std::move(message), begin,
                                         std::max(position_, begin + 1)));
  }

  void SkipBlank() {
    while (!AtEnd()) {
      if (Peek() == '/' && Peek(1) == '/') {
        while (!AtEnd() && Peek() != '\n') ++position_;
      } else if (std::string_view(" \t\r\n\f").find(Peek()) != std::string_view::npos) {
        ++position_;
      } else {
        return;
      }
    }
  }

  Result<Token> Next() {
    if (AtEnd()) return Token{};
    if (IsDigit(Peek()) || (Peek() == '.' && IsDigit(Peek(1)))) return Number();
    if (const size_t prefix = StringPrefix(); prefix != std::string_view::npos)
      return String(prefix);
    if (IsIdentStart(Peek())) {
      while (IsIdentPart(Peek())) ++position_;
      return Token{.kind = TokenKind::kIdent, .text = Taken()};
    }
    if (Peek() == '`') return QuotedIdent();
    return Symbol();
  }

  std::string_view Taken() const { return text_.substr(start_, position_ - start_); }

  Result<Token> Symbol() {
    constexpr std::array<std::string_view, 27> kSymbols = {
        "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!",
        "?",  ":",  ".",  ",",  "(",  ")",  "[", "]", "{", "}", "=", "&", "|"};
    for (const std::string_view symbol : kSymbols) {
      if (!text_.substr(position_).starts_with(symbol)) continue;
      position_ += static_cast<uint32_t>(symbol.size());
      if (symbol == "=") return Wrong("found \"=\"; equality is written \"==\"", start_);
      if (symbol == "&" || symbol == "|")
        return Wrong(fmt::format("found \"{0}\"; the logical operator is \"{0}{0}\"", symbol),
                     start_);
      return Token{.kind = TokenKind::kSymbol, .text = Taken()};
    }
    std::string_view rest = text_.substr(position_);
    std::string shown;
    AppendCodePoint(shown, TakeCodePoint(rest));
    return Wrong(fmt::format("unexpected character \"{}\"", shown), start_);
  }

  Result<Token> QuotedIdent() {
    const size_t close = text_.find('`', position_ + 1);
    if (close == std::string_view::npos) return Wrong("this ` is not closed", start_);
    const std::string_view name = text_.substr(position_ + 1, close - position_ - 1);
    const auto allowed = [](char c) {
      return IsIdentPart(c) || c == '.' || c == '-' || c == '/' || c == ' ';
    };
    position_ = static_cast<uint32_t>(close) + 1;
    if (name.empty() || !std::ranges::all_of(name, allowed))
      return Wrong("a name in backticks has letters, digits, _ . - / and blanks", start_);
    return Token{.kind = TokenKind::kQuotedIdent, .text = name};
  }

  Result<Token> Number();
  Result<Token> Integer(std::string_view digits, int radix);

  /// Length of `r`, `b`, `rb`, ... before a quote; npos when no string starts here.
  size_t StringPrefix() const {
    size_t length = 0;
    bool raw = false;
    bool bytes = false;
    for (;; ++length) {
      const char c = Peek(length);
      if (c == '"' || c == '\'') return length;
      if ((c == 'r' || c == 'R') && !raw)
        raw = true;
      else if ((c == 'b' || c == 'B') && !bytes)
        bytes = true;
      else
        return std::string_view::npos;
    }
  }
  Result<Token> String(size_t prefix);
  Result<void> Escape(std::string& out, bool bytes);
  Result<void> NumericEscape(std::string& out, bool bytes, int digits, int radix, bool code_point);

  const SourceMap& source_;
  std::string_view text_;
  uint32_t position_ = 0;
  uint32_t start_ = 0;
};

Result<Token> Lexer::Integer(std::string_view digits, int radix) {
  uint64_t number = 0;
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, radix);
  const bool is_unsigned = Peek() == 'u' || Peek() == 'U';
  if (is_unsigned) ++position_;
  if (IsIdentPart(Peek())) {
    while (IsIdentPart(Peek())) ++position_;
    return Wrong(fmt::format("malformed number \"{}\"", Taken()), start_);
  }
  if (code != std::errc() || end != digits.data() + digits.size())
    return Wrong(fmt::format("number {} does not fit into 64 bits", Taken()), start_);
  Token token{.kind = TokenKind::kLiteral};
  constexpr uint64_t kBeyond = uint64_t{1} << 63;
  if (is_unsigned) {
    token.value = Value::Uint(number);
  } else if (number < kBeyond) {
    token.value = Value::Int(static_cast<int64_t>(number));
  } else if (number == kBeyond) {
    token.kind = TokenKind::kSmallestInt;
  } else {
    return Wrong(fmt::format("integer {} is out of range", Taken()), start_);
  }
  return token;
}

Result<Token> Lexer::Number() {
  if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X') && IsHexDigit(Peek(2))) {
    position_ += 2;
    while (IsHexDigit(Peek())) ++position_;
    return Integer(Taken().substr(2), 16);
  }
  while (IsDigit(Peek())) ++position_;
  bool whole = true;
  if (Peek() == '.' && IsDigit(Peek(1))) {
    whole = false;
    ++position_;
    while (IsDigit(Peek())) ++position_;
  }
  const size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
  if ((Peek() == 'e' || Peek() == 'E') && IsDigit(Peek(1 + sign))) {
    whole = false;
    position_ += 1 + static_cast<uint32_t>(sign);
    while (IsDigit(Peek())) ++position_;
  }
  if (whole) return Integer(Taken(), 10);
  // strtod rounds out-of-range text to infinity or zero, where from_chars gives nothing.
  const double number = std::strtod(std::string(Taken()).c_str(), nullptr);
  if (IsIdentPart(Peek())) return Wrong(fmt::format("malformed number \"{}\"", Taken()), start_);
  return Token{.kind = TokenKind::kLiteral, .value = Value::Double(number)};
}

Result<Token> Lexer::String(size_t prefix) {
  const std::string_view flags = text_.substr(position_, prefix);
  const bool raw = flags.find_first_of("rR") != std::string_view::npos;
  const bool bytes = flags.find_first_of("bB") != std::string_view::npos;
  position_ += static_cast<uint32_t>(prefix);
  const std::string_view rest = text_.substr(position_);
  const bool triple = rest.size() >= 3 && rest[1] == rest[0] && rest[2] == rest[0];
  const std::string_view quote = rest.substr(0, triple ? 3 : 1);
  position_ += static_cast<uint32_t>(quote.size());
  std::string out;
  while (!text_.substr(position_).starts_with(quote)) {
    if (AtEnd() || (!triple && (Peek() == '\n' || Peek() == '\r')))
      return Wrong("this string is not closed", start_);
    if (Peek() == '\\' && !raw) {
      TRY(Escape(out, bytes));
      continue;
    }
    out += text_[position_++];
  }
  position_ += static_cast<uint32_t>(quote.size());
  if (bytes) return Token{.kind = TokenKind::kLiteral, .value = Value::Bytes(out)};
  if (!base::IsUtf8(out)) return Wrong("this string is not valid UTF-8", start_);
  return Token{.kind = TokenKind::kLiteral, .value = Value::String(out)};
}

Result<void> Lexer::Escape(std::string& out, bool bytes) {
  constexpr std::string_view kNames = "abfnrtv\\?\"'`";
  constexpr std::string_view kMeans = "\a\b\f\n\r\t\v\\?\"'`";
  ++position_;
  const char name = Peek();
  if (const size_t which = kNames.find(name); name != '\0' && which != std::string_view::npos) {
    ++position_;
    out += kMeans[which];
    return {};
  }
  if (name >= '0' && name <= '3') return NumericEscape(out, bytes, 3, 8, false);
  if (!AtEnd()) ++position_;
  if (name == 'x' || name == 'X') return NumericEscape(out, bytes, 2, 16, false);
  if (name == 'u' && !bytes) return NumericEscape(out, bytes, 4, 16, true);
  if (name == 'U' && !bytes) return NumericEscape(out, bytes, 8, 16, true);
  const uint32_t begin = position_ >= 2 ? position_ - 2 : 0;
  return std::unexpected(Wrong(fmt::format("unknown escape \"\\{}\"", name), begin)
                             .error()
                             .Hint("write \\\\ for a backslash, or a raw string: r\"...\""));
}

Result<void> Lexer::NumericEscape(std::string& out, bool bytes, int digits, int radix,
                                  bool code_point) {
  const uint32_t begin = position_;
  const char* first = text_.data() + position_;
  uint32_t number = 0;
  const auto size = static_cast<size_t>(digits);
  const auto* last = first + std::min(size, text_.size() - position_);
  const auto [end, code] = std::from_chars(first, last, number, radix);
  position_ += static_cast<uint32_t>(end - first);
  if (code != std::errc() || end != first + digits)
    return Wrong(fmt::format("this escape takes {} digits of base {}", digits, radix), begin);
  if (code_point && (number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)))
    return Wrong(fmt::format("U+{:04X} is not a character", number), begin);
  if (bytes)
    out += static_cast<char>(number);
  else
    AppendCodePoint(out, number);
  return {};
}

}  // namespace

Result<std::vector<Token>> Tokenize(const SourceMap& source) { return Lexer(source).Run(); }

bool IsReservedWord(std::string_view word) {
  constexpr std::array<std::string_view, 17> kWords = {
      "as",  "break", "const",     "continue", "else",   "for", "function", "if",   "import",
      "let", "loop",  "namespace", "package",  "return", "var", "void",     "while"};
  return std::ranges::find(kWords, word) != kWords.end();
}

}  // namespace assay::cel
