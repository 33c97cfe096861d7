#include "assay/scenario/yaml/node.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace assay::scenario::yaml {
namespace {

constexpr size_t kShownText = 40;

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, text) != names.end();
}

bool AllOf(std::string_view text, bool (*accept)(char)) {
  return !text.empty() && std::ranges::all_of(text, accept);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsOctal(char c) { return c >= '0' && c <= '7'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string_view WithoutSign(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool LooksLikeFloat(std::string_view text) {
  text = WithoutSign(text);
  size_t i = 0;
  while (i < text.size() && IsDigit(text[i])) ++i;
  const size_t whole = i;
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && IsDigit(text[i])) ++i, ++fraction;
  }
  if (whole == 0 && fraction == 0) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  return AllOf(WithoutSign(text.substr(i + 1)), IsDigit);
}

// The 1-based column of a byte of the file.
uint32_t PositionColumn(std::string_view file, size_t position) {
  const size_t line_break = file.substr(0, position).rfind('\n');
  const size_t begin = line_break == std::string_view::npos ? 0 : line_break + 1;
  return static_cast<uint32_t>(position - begin) + 1;
}

struct Radix {
  std::string_view digits;
  int base = 10;
};

bool SplitInteger(std::string_view text, Radix& out) {
  if (text.starts_with("0x")) {
    out = {text.substr(2), 16};
    return AllOf(out.digits, IsHex);
  }
  if (text.starts_with("0o")) {
    out = {text.substr(2), 8};
    return AllOf(out.digits, IsOctal);
  }
  if (!AllOf(WithoutSign(text), IsDigit)) return false;
  out = {text.starts_with('+') ? text.substr(1) : text, 10};
  return true;
}

}  // namespace

std::string_view Describe(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kBool:
      return "a boolean";
    case NodeKind::kInt:
      return "an integer";
    case NodeKind::kDouble:
      return "a number";
    case NodeKind::kString:
      return "a string";
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMap:
      return "a map";
  }
  return "something else";
}

NodePtr Node::Null(base::SourceSpan span) {
  return NodePtr(new Node(NodeKind::kNull, std::move(span)));
}

NodePtr Node::Bool(bool value, std::string text, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kBool, std::move(span));
  node->bool_ = value;
  node->text_ = std::move(text);
  return NodePtr(node);
}

NodePtr Node::Int(int64_t value, std::string text, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kInt, std::move(span));
  node->int_ = value;
  node->double_ = static_cast<double>(value);
  node->text_ = std::move(text);
  return NodePtr(node);
}

NodePtr Node::Double(double value, std::string text, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kDouble, std::move(span));
  node->double_ = value;
  node->text_ = std::move(text);
  return NodePtr(node);
}

NodePtr Node::String(std::string text, bool quoted, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kString, std::move(span));
  node->quoted_ = quoted;
  node->text_ = std::move(text);
  return NodePtr(node);
}

NodePtr Node::Sequence(std::vector<NodePtr> items, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kSequence, std::move(span));
  for (const NodePtr& item : items) {
    node->weight_ += item->weight();
    node->depth_ = std::max(node->depth_, 1 + item->depth());
  }
  node->items_ = std::move(items);
  return NodePtr(node);
}

NodePtr Node::Map(std::vector<Entry> entries, base::SourceSpan span) {
  auto* node = new Node(NodeKind::kMap, std::move(span));
  for (const Entry& entry : entries) {
    node->weight_ += 1 + entry.value->weight();
    node->depth_ = std::max(node->depth_, 1 + entry.value->depth());
  }
  node->entries_ = std::move(entries);
  return NodePtr(node);
}

NodePtr Node::AtPosition(NodePtr node, size_t position) {
  auto* placed = new Node(*node);
  placed->position_ = position;
  return NodePtr(placed);
}

const Entry* Node::FindEntry(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  return found == entries_.end() ? nullptr : &*found;
}

const Node* Node::Find(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

NodePtr Node::FindShared(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry == nullptr ? nullptr : entry->value;
}

std::string Node::Found() const {
  std::string shown = text_.substr(0, text_.find('\n'));
  if (shown.size() > kShownText) shown.resize(kShownText);
  if (shown.size() < text_.size()) shown += "...";
  switch (kind_) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kBool:
      return fmt::format("the boolean {}", shown);
    case NodeKind::kInt:
    case NodeKind::kDouble:
      return fmt::format("the number {}", shown);
    case NodeKind::kString:
      return fmt::format("the string \"{}\"", shown);
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMap:
      return "a map";
  }
  return "something else";
}

base::SourceSpan Node::SpanOf(size_t offset, size_t length) const {
  if (!span_.known() || offset > text_.size()) return span_;
  // The wanted part may go over several lines; a span shows the first.
  const std::string_view wanted = std::string_view(text_).substr(offset, length);
  const std::string_view shown = wanted.substr(0, wanted.find('\n'));
  if (shown.empty()) return span_;
  // Nothing is added to a scalar when it is read, so its n-th occurrence in the text is the n-th
  // one in the file, unless escapes hide one; then the place may be off, never outside the scalar's
  // file.
  const std::string_view file = span_.source->text();
  size_t found = file.find(shown, position_);
  for (size_t i = text_.find(shown); i < offset && found != std::string_view::npos;
       i = text_.find(shown, i + 1)) {
    found = file.find(shown, found + 1);
  }
  constexpr size_t kSlack = 4096;  // indentation, escapes and comments make the file's form longer
  if (found == std::string_view::npos || found > position_ + 4 * text_.size() + kSlack)
    return span_;
  const std::string_view before = file.substr(position_, found - position_);
  const size_t last_break = before.rfind('\n');
  base::SourceSpan at = span_;
  at.line += static_cast<uint32_t>(std::ranges::count(before, '\n'));
  at.column = last_break == std::string_view::npos
                  ? PositionColumn(file, found)
                  : static_cast<uint32_t>(before.size() - last_break);
  at.length = static_cast<uint32_t>(shown.size());
  return at;
}

base::Result<NodePtr> ResolvePlain(std::string text, base::SourceSpan span) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return Node::Null(std::move(span));
  if (IsOneOf(text, {"true", "True", "TRUE"})) {
    return Node::Bool(true, std::move(text), std::move(span));
  }
  if (IsOneOf(text, {"false", "False", "FALSE"})) {
    return Node::Bool(false, std::move(text), std::move(span));
  }
  if (Radix radix; SplitInteger(text, radix)) {
    int64_t value = 0;
    const char* end = radix.digits.data() + radix.digits.size();
    if (std::from_chars(radix.digits.data(), end, value, radix.base).ec != std::errc{}) {
      return base::Fail(base::Error{base::ErrorCode::kInvalid,
                                    fmt::format("the integer {} does not fit into 64 bits", text),
                                    span}
                            .Hint("write it in quotes to make it a string"));
    }
    return Node::Int(value, std::move(text), std::move(span));
  }
  if (LooksLikeFloat(text)) {
    double value = 0;
    const std::string_view digits = text.starts_with('+') ? std::string_view(text).substr(1) : text;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
      return base::Fail(base::Error{base::ErrorCode::kInvalid,
                                    fmt::format("the number {} is out of range", text), span}
                            .Hint("write it in quotes to make it a string"));
    }
    return Node::Double(value, std::move(text), std::move(span));
  }
  const std::string_view magnitude = WithoutSign(text);
  if (IsOneOf(magnitude, {".inf", ".Inf", ".INF"})) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Node::Double(text[0] == '-' ? -infinity : infinity, std::move(text), std::move(span));
  }
  if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) {
    return Node::Double(std::nan(""), std::move(text), std::move(span));
  }
  return Node::String(std::move(text), false, std::move(span));
}

}  // namespace assay::scenario::yaml
