#include "lib/base/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

namespace base {
namespace {

std::string Painted(std::string_view text, std::string_view code, DiagnosticStyle style) {
  if (!style.color) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

// Tabs become one blank each, so that carets stand below what they mean.
std::string WithoutTabs(std::string_view line) {
  std::string text(line);
  std::ranges::replace(text, '\t', ' ');
  return text;
}

}  // namespace

std::string RenderDiagnostic(const Error& error, DiagnosticStyle style) {
  constexpr std::string_view kRed = "1;31";
  constexpr std::string_view kBlue = "1;34";
  constexpr std::string_view kBold = "1";
  std::string out =
      Painted("error", kRed, style) + Painted(": " + error.message, kBold, style) + "\n";
  std::string gutter = " ";
  if (error.span.known()) {
    const SourceSpan& span = error.span;
    const std::string number = fmt::format("{}", span.line);
    gutter = std::string(number.size() + 1, ' ');
    out += fmt::format("{}{} {}\n", std::string(number.size(), ' '), Painted("-->", kBlue, style),
                       span.ToString());
    const std::string line = WithoutTabs(span.source->Line(span.line));
    const size_t column = std::min<size_t>(std::max(span.column, 1U) - 1, line.size());
    const size_t room = std::max<size_t>(line.size() - column, 1);
    const size_t carets = std::clamp<size_t>(span.length, 1, room);
    out += fmt::format("{}{}\n", gutter, Painted("|", kBlue, style));
    out +=
        fmt::format("{} {} {}\n", Painted(number, kBlue, style), Painted("|", kBlue, style), line);
    out += fmt::format("{}{} {}{}\n", gutter, Painted("|", kBlue, style), std::string(column, ' '),
                       Painted(std::string(carets, '^'), kRed, style));
  }
  for (const std::string& doing : error.context) {
    out += fmt::format("{}{} while {}\n", gutter, Painted("=", kBlue, style), doing);
  }
  if (!error.hint.empty()) {
    out += fmt::format("{}{} hint: {}\n", gutter, Painted("=", kBlue, style), error.hint);
  }
  return out;
}

}  // namespace base
