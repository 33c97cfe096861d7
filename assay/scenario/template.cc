#include "assay/scenario/template.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace assay::scenario {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kEscaped = "$${{";

// After the string literal that begins at `i`, or the end of the text when it is not closed.
// Handles '...', "...", their triple forms and backslashes (langdef, "String and Bytes Values").
size_t SkipQuoted(std::string_view text, size_t i) {
  const char quote = text[i];
  const std::string triple(3, quote);
  const bool is_triple = text.substr(i).starts_with(triple);
  const bool raw = i > 0 && (text[i - 1] == 'r' || text[i - 1] == 'R');
  for (i += is_triple ? 3 : 1; i < text.size(); ++i) {
    if (text[i] == '\\' && !raw) {
      ++i;
    } else if (is_triple && text.substr(i).starts_with(triple)) {
      return i + 3;
    } else if (!is_triple && text[i] == quote) {
      return i + 1;
    }
  }
  return text.size();
}

// The position of the `}}` that closes an expression whose text begins at `i`; npos when missing.
size_t FindEnd(std::string_view text, size_t i) {
  size_t depth = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      i = SkipQuoted(text, i);
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}') {
      if (depth == 0) return i + 1 < text.size() && text[i + 1] == '}' ? i : std::string_view::npos;
      --depth;
    }
    ++i;
  }
  return std::string_view::npos;
}

Expression Trimmed(const yaml::Node& node, size_t begin, size_t end) {
  const std::string& text = node.text();
  constexpr std::string_view kBlank = " \t\n\r";
  while (begin < end && kBlank.contains(text[begin])) ++begin;
  while (end > begin && kBlank.contains(text[end - 1])) --end;
  return {text.substr(begin, end - begin), node.SpanOf(begin, end - begin)};
}

Template Literal(const yaml::NodePtr& node) {
  Template out;
  out.kind = TemplateKind::kLiteral;
  out.span = node->span();
  out.literal = node;
  return out;
}

struct Split {
  std::vector<TemplatePart> parts;
  bool broken = false;
};

Split SplitText(const yaml::Node& node, Problems& problems) {
  const std::string& text = node.text();
  Split out;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) out.parts.push_back({std::exchange(literal, {}), std::nullopt});
  };
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with(kEscaped)) {
      literal += kOpen;
      i += kEscaped.size();
    } else if (rest.starts_with(kOpen)) {
      const size_t begin = i + kOpen.size();
      const size_t end = FindEnd(text, begin);
      if (end == std::string::npos) {
        problems.Add(base::ErrorCode::kInvalid, "found \"${{\" without \"}}\" after it",
                     node.SpanOf(i, kOpen.size()), "write $${{ for a literal ${{");
        out.broken = true;
        return out;
      }
      Expression expression = Trimmed(node, begin, end);
      if (expression.text.empty()) {
        problems.Add(base::ErrorCode::kInvalid, "found an empty expression",
                     node.SpanOf(i, end + 2 - i), "write $${{ for a literal ${{");
        out.broken = true;
        return out;
      }
      flush();
      out.parts.push_back({"", std::move(expression)});
      i = end + 2;
    } else {
      literal += text[i++];
    }
  }
  flush();
  return out;
}

Template ParseScalar(const yaml::NodePtr& node, Problems& problems) {
  if (!node->is_string() || !node->text().contains(kOpen)) return Literal(node);
  Split split = SplitText(*node, problems);
  if (split.broken) return Literal(node);
  Template out;
  out.span = node->span();
  if (split.parts.size() == 1 && split.parts[0].expression) {
    out.kind = TemplateKind::kExpression;
    out.expression = std::move(*split.parts[0].expression);
    return out;
  }
  if (split.parts.size() == 1) {  // only escapes
    return Literal(yaml::Node::String(split.parts[0].literal, true, node->span()));
  }
  out.kind = TemplateKind::kText;
  out.parts = std::move(split.parts);
  return out;
}

}  // namespace

const Template* Template::Find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &TemplateEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

bool Template::is_constant() const {
  switch (kind) {
    case TemplateKind::kLiteral:
      return true;
    case TemplateKind::kExpression:
    case TemplateKind::kText:
    case TemplateKind::kCondition:
      return false;
    case TemplateKind::kSequence:
      return std::ranges::all_of(items, &Template::is_constant);
    case TemplateKind::kMap:
      return std::ranges::all_of(entries,
                                 [](const TemplateEntry& e) { return e.value.is_constant(); });
  }
  return true;
}

Template ParseTemplate(const yaml::NodePtr& node, Problems& problems) {
  if (node->is_scalar()) return ParseScalar(node, problems);
  Template out;
  out.span = node->span();
  if (node->is_sequence()) {
    out.kind = TemplateKind::kSequence;
    out.items.reserve(node->items().size());
    for (const yaml::NodePtr& item : node->items()) {
      out.items.push_back(ParseTemplate(item, problems));
    }
    return out;
  }
  out.kind = TemplateKind::kMap;
  out.entries.reserve(node->entries().size());
  for (const yaml::Entry& entry : node->entries()) {
    RefuseExpressionInKey(entry, problems);
    out.entries.push_back({entry.key, entry.key_span, ParseTemplate(entry.value, problems)});
  }
  return out;
}

void RefuseExpressionInKey(const yaml::Entry& entry, Problems& problems) {
  if (!HoldsExpression(entry.key)) return;
  problems.Add(
      base::ErrorCode::kInvalid,
      fmt::format("found an expression in the key \"{}\", expected a fixed key", entry.key),
      entry.key_span, "give the whole map as one ${{ }} expression");
}

Template EmptyTemplateMap(base::SourceSpan span) {
  Template out;
  out.kind = TemplateKind::kMap;
  out.span = std::move(span);
  return out;
}

Expression ParseExpression(const yaml::Node& node, Problems& problems) {
  const std::string& text = node.text();
  Expression out = Trimmed(node, 0, text.size());
  if (out.text.starts_with(kOpen)) {
    problems.Add(base::ErrorCode::kInvalid, "found \"${{\" where a bare expression is expected",
                 out.span, "leave ${{ and }} out here");
  } else if (out.text.empty()) {
    problems.Add(base::ErrorCode::kInvalid, "found an empty expression", node.span());
  }
  return out;
}

bool HoldsExpression(std::string_view text) {
  for (size_t i = text.find(kOpen); i != std::string_view::npos; i = text.find(kOpen, i + 1)) {
    if (i == 0 || text[i - 1] != '$') return true;
  }
  return false;
}

}  // namespace assay::scenario
