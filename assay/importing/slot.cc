#include "assay/importing/slot.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace assay::importing {
namespace {

// langdef, "Syntax": RESERVED and the keywords of the grammar.
constexpr std::array<std::string_view, 23> kReserved = {
    "as",     "break",  "const", "continue", "else",  "false",   "for",       "function",
    "if",     "import", "in",    "let",      "loop",  "package", "namespace", "null",
    "return", "true",   "var",   "void",     "while", "__",      "_"};

bool IsIdentifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) != 0) return false;
  const bool letters = std::ranges::all_of(
      text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
  return letters && std::ranges::find(kReserved, text) == kReserved.end();
}

struct Piece {
  bool slot = false;
  std::string_view text;
};

std::vector<Piece> Split(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const size_t open = text.find(kSlotOpen);
    const size_t close = open == std::string_view::npos ? open : text.find(kSlotClose, open);
    if (close == std::string_view::npos) {
      pieces.push_back({false, text});
      break;
    }
    if (open > 0) pieces.push_back({false, text.substr(0, open)});
    pieces.push_back({true, text.substr(open + kSlotOpen.size(), close - open - kSlotOpen.size())});
    text.remove_prefix(close + kSlotClose.size());
  }
  return pieces;
}

}  // namespace

std::string Slot(std::string_view expression) {
  return fmt::format("{}{}{}", kSlotOpen, expression, kSlotClose);
}

bool HasSlot(std::string_view text) { return text.contains(kSlotOpen); }

std::optional<std::string> WholeSlot(std::string_view text) {
  const auto pieces = Split(text);
  if (pieces.size() != 1 || !pieces.front().slot) return std::nullopt;
  return std::string(pieces.front().text);
}

std::string CleanText(std::string text) {
  for (const std::string_view mark : {kSlotOpen, kSlotClose}) {
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos;)
      text.erase(at, mark.size());
  }
  return text;
}

std::string ToTemplate(std::string_view text) {
  std::string out;
  for (const Piece& piece : Split(text)) {
    if (piece.slot) {
      out += fmt::format("${{{{ {} }}}}", piece.text);
      continue;
    }
    for (size_t i = 0; i < piece.text.size(); ++i) {
      if (piece.text.substr(i).starts_with("${{")) out += '$';
      out += piece.text[i];
    }
  }
  return out;
}

std::string ToTitle(std::string_view text) {
  std::string out;
  for (const Piece& piece : Split(text)) {
    if (!piece.slot) {
      out += piece.text;
      continue;
    }
    std::string_view name = piece.text;
    if (name.ends_with(')') && name.contains('(')) name = name.substr(0, name.find('('));
    name.remove_prefix(std::min(name.size(), name.rfind('.') + 1));
    out += fmt::format("{{{}}}", name);
  }
  return out;
}

std::string CelString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string ToExpression(std::string_view text) {
  const auto pieces = Split(text);
  if (pieces.empty()) return "\"\"";
  if (pieces.size() == 1) {
    return pieces.front().slot ? std::string(pieces.front().text) : CelString(pieces.front().text);
  }
  std::string out;
  for (const Piece& piece : pieces) {
    out += out.empty() ? "" : " + ";
    out += piece.slot ? fmt::format("string({})", piece.text) : CelString(piece.text);
  }
  return out;
}

std::string MapLiterals(std::string_view text,
                        const std::function<std::string(std::string_view)>& change) {
  std::string out;
  for (const Piece& piece : Split(text)) out += piece.slot ? Slot(piece.text) : change(piece.text);
  return out;
}

void ToTemplates(Yaml& tree) {
  if (tree.is_text()) {
    tree.set_text(ToTemplate(tree.text()));
    return;
  }
  for (Yaml& item : tree.items()) ToTemplates(item);
  for (auto& [key, value] : tree.entries()) ToTemplates(value);
}

std::string CelMember(std::string_view object, std::string_view key) {
  if (IsIdentifier(key)) return fmt::format("{}.{}", object, key);
  return fmt::format("{}[{}]", object, CelString(key));
}

std::string ToIdentifier(std::string_view text) {
  std::string out;
  char before = '_';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 || byte >= 0x80) {
      if (!out.empty() && out.back() != '_') out += '_';
    } else {
      const bool hump =
          std::isupper(byte) != 0 && (std::islower(static_cast<unsigned char>(before)) != 0 ||
                                      std::isdigit(static_cast<unsigned char>(before)) != 0);
      if (hump && !out.empty() && out.back() != '_') out += '_';
      out += static_cast<char>(std::tolower(byte));
    }
    before = c;
  }
  while (out.ends_with('_')) out.pop_back();
  if (out.empty()) return "value";
  if (std::isdigit(static_cast<unsigned char>(out.front())) != 0) out = "v" + out;
  if (!IsIdentifier(out)) out += "_value";
  return out;
}

}  // namespace assay::importing
