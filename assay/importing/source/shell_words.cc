#include "assay/importing/source/shell_words.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "assay/importing/secrets.h"
#include "assay/importing/slot.h"

namespace assay::importing {
namespace {

using base::ErrorCode;

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsName(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Splitter {
 public:
  explicit Splitter(std::shared_ptr<const base::SourceText> source)
      : source_(std::move(source)), text_(source_->text()) {}

  base::Result<std::vector<ShellCommand>> Run() {
    while (at_ < text_.size()) TRY(Step());
    EndCommand();
    return std::move(commands_);
  }

 private:
  char Now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char Next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  base::SourceSpan SpanAt(size_t position) const {
    const std::string_view before = std::string_view(text_).substr(0, position);
    const size_t line_start =
        before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return {source_, static_cast<uint32_t>(std::ranges::count(before, '\n') + 1),
            static_cast<uint32_t>(position - line_start + 1), 1};
  }
  std::unexpected<base::Error> Wrong(size_t position, std::string message, std::string hint) const {
    return base::Fail(
        base::Error{ErrorCode::kInvalid, std::move(message), SpanAt(position), std::move(hint)});
  }

  void Begin() {
    if (in_word_) return;
    in_word_ = true;
    word_ = {{}, SpanAt(at_)};
  }
  void EndWord() {
    if (in_word_) command_.words.push_back(std::move(word_));
    in_word_ = false;
  }
  void EndCommand() {
    EndWord();
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = {};
  }

  base::Result<void> Step() {
    const char c = Now();
    if (c == '\\' &&
        (Next() == '\n' || (Next() == '\r' && at_ + 2 < text_.size() && text_[at_ + 2] == '\n'))) {
      at_ += Next() == '\n' ? 2 : 3;
    } else if (c == '\n' || c == ';' || c == '|' || c == '&') {
      EndCommand();
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      EndWord();
      ++at_;
    } else if (c == '#' && !in_word_) {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (c == '>' || c == '<') {
      return Redirection();
    } else if (c == '\'') {
      return SingleQuoted();
    } else if (c == '"') {
      return DoubleQuoted();
    } else if (c == '$' && Next() == '\'') {
      return AnsiQuoted();
    } else if (c == '$' || c == '`') {
      return Expansion();
    } else {
      Begin();
      if (c == '\\' && at_ + 1 < text_.size()) ++at_;
      word_.text += text_[at_++];
    }
    return {};
  }

  // The output of a command is not the system's: the file name is skipped.
  base::Result<void> Redirection() {
    if (in_word_ &&
        std::ranges::all_of(word_.text, [](unsigned char c) { return std::isdigit(c) != 0; }))
      in_word_ = false;
    EndWord();
    if (Now() == '<')
      return Wrong(at_, "found an input redirection, expected the body in the command",
                   "use --data-binary @FILE");
    while (Now() == '>' || Now() == '&') ++at_;
    while (Now() == ' ' || Now() == '\t') ++at_;
    while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(Now())) && Now() != ';' &&
           Now() != '|')
      ++at_;
    return {};
  }

  base::Result<void> SingleQuoted() {
    Begin();
    const size_t start = at_;
    const size_t end = text_.find('\'', at_ + 1);
    if (end == std::string::npos)
      return Wrong(start, "found a ' that is not closed", "a quote inside '...' is written '\\''");
    word_.text += CleanText(text_.substr(start + 1, end - start - 1));
    at_ = end + 1;
    return {};
  }

  base::Result<void> DoubleQuoted() {
    Begin();
    const size_t start = at_++;
    while (at_ < text_.size() && Now() != '"') {
      if (Now() == '\\' && (Next() == '"' || Next() == '\\' || Next() == '$' || Next() == '`')) {
        word_.text += Next();
        at_ += 2;
      } else if (Now() == '\\' && Next() == '\n') {
        at_ += 2;
      } else if (Now() == '$' || Now() == '`') {
        TRY(Expansion());
      } else {
        word_.text += text_[at_++];
      }
    }
    if (at_ >= text_.size())
      return Wrong(start, "found a \" that is not closed",
                   "a quote inside \"...\" is written \\\"");
    ++at_;
    return {};
  }

  base::Result<void> AnsiQuoted() {
    Begin();
    const size_t start = at_;
    at_ += 2;
    while (at_ < text_.size() && Now() != '\'') {
      if (Now() == '\\' && at_ + 1 < text_.size()) {
        AnsiEscape();
      } else {
        word_.text += text_[at_++];
      }
    }
    if (at_ >= text_.size())
      return Wrong(start, "found a $' that is not closed", "close it with '");
    ++at_;
    return {};
  }

  void AnsiEscape() {
    const char c = text_[at_ + 1];
    at_ += 2;
    constexpr std::string_view kLetters = "abefnrtv";
    constexpr std::string_view kMeanings = "\a\b\x1b\f\n\r\t\v";
    if (const size_t found = kLetters.find(c); found != std::string_view::npos) {
      word_.text += kMeanings[found];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const uint32_t code = Number(16, c == 'x' ? 2 : c == 'u' ? 4 : 8);
      if (c == 'x') {
        word_.text += static_cast<char>(code);
      } else {
        AppendUtf8(word_.text, std::min<uint32_t>(code, 0x10FFFF));
      }
    } else if (c >= '0' && c <= '7') {
      --at_;
      word_.text += static_cast<char>(Number(8, 3));
    } else {
      word_.text += c;
    }
  }

  uint32_t Number(uint32_t base, size_t most) {
    uint32_t value = 0;
    for (size_t i = 0; i < most && at_ < text_.size(); ++i, ++at_) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      const uint32_t digit = std::isdigit(c) != 0 ? c - '0'
                             : std::isxdigit(c) != 0
                                 ? static_cast<uint32_t>(std::tolower(c)) - 'a' + 10
                                 : 99;
      if (digit >= base) break;
      value = value * base + digit;
    }
    return value;
  }

  base::Result<void> Expansion() {
    const size_t start = at_;
    if (Now() == '`' || Next() == '(') {
      return Wrong(start, "found the output of a command, which is not known here",
                   "put what it gives into a variable and write $NAME");
    }
    const bool braces = Next() == '{';
    size_t begin = at_ + (braces ? 2 : 1);
    if (begin >= text_.size() || !IsNameStart(text_[begin])) {
      Begin();
      word_.text += text_[at_++];
      return {};
    }
    size_t end = begin;
    while (end < text_.size() && IsName(text_[end])) ++end;
    const std::string name = text_.substr(begin, end - begin);
    if (braces && (end >= text_.size() || text_[end] != '}')) {
      return Wrong(start, fmt::format("found \"${{{}\" with more than a name", name),
                   "only $NAME and ${NAME} are understood");
    }
    Begin();
    word_.text +=
        Slot((IsSensitiveName(name) ? "environment.credentials." : "vars.") + ToIdentifier(name));
    command_.variables.push_back(name);
    at_ = end + (braces ? 1 : 0);
    return {};
  }

  std::shared_ptr<const base::SourceText> source_;
  const std::string& text_;
  size_t at_ = 0;
  bool in_word_ = false;
  ShellWord word_;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

base::Result<std::vector<ShellCommand>> SplitCommands(
    const std::shared_ptr<const base::SourceText>& source) {
  return Splitter(source).Run();
}

}  // namespace assay::importing
