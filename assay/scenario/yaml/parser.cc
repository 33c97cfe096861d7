#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "assay/scenario/yaml/node.h"

namespace assay::scenario::yaml {
namespace {

using base::Error;
using base::ErrorCode;
using base::SourceSpan;

struct Wording {
  std::string_view theirs;  // how yaml-cpp 0.7 begins its message
  std::string_view message;
  std::string_view hint;
};

constexpr std::string_view kQuoteHint =
    "put the whole text in quotes when it contains \": \", \" #\" or begins with a special sign";

constexpr Wording kWordings[] = {
    {"illegal tab", "found a tab in the indentation, expected spaces", ""},
    {"illegal map value", "found a \":\" where no value can begin",
     "check the indentation of the line, and put a text that contains \": \" in quotes"},
    {"illegal map key", "found a key where none can begin",
     "check the indentation of this line against the lines above"},
    {"illegal block entry", "found a \"-\" where no list item can begin",
     "check the indentation of this line against the lines above"},
    {"illegal flow end", "found a closing bracket without its opening one", ""},
    {"illegal EOF in scalar", "found the end of the file inside a quoted text",
     "close the quote that begins here"},
    {"illegal document indicator", "found a document marker inside a quoted text", ""},
    {"end of map not found", "found an entry that does not belong to the map above it",
     "the keys of a map begin in the same column, each followed by \": \""},
    {"end of map flow", "found the end of a {...} map missing",
     "close it with \"}\", and quote values that contain commas or brackets"},
    {"end of sequence not found", "found an entry that does not belong to the list above it",
     "the \"-\" of a list's items stand in the same column"},
    {"end of sequence flow", "found the end of a [...] list missing",
     "close it with \"]\", and quote values that contain commas or brackets"},
    {"the referenced anchor",
     "found an alias (*name) whose anchor (&name) is not defined before it", ""},
    {"unknown token", "found a character that no plain text can begin with", kQuoteHint},
    {"unknown escape character", "found an unknown escape in a double-quoted text",
     "write \\\\ for a backslash, or use single quotes"},
    {"invalid unicode", "found an escape that is no Unicode character", ""},
    {"bad character found while scanning hex", "found an incomplete escape in a quoted text", ""},
};

// yaml-cpp takes the end of the file for the end of a quoted text.
bool QuoteIsClosed(std::string_view text, size_t position) {
  if (position >= text.size() || (text[position] != '"' && text[position] != '\'')) return true;
  const char quote = text[position];
  for (size_t i = position + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(const std::string& text) {
    // The get area is never written to.
    char* begin = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    setg(begin, begin, begin + text.size());
  }
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const base::SourceText> source, const Limits& limits)
      : source_(std::move(source)), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_ != nullptr) Fail("found a second document, expected one in a file", SpanAt(mark, 3));
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    Place(Node::Null(SpanAt(mark, 1)), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      return Fail("found an alias of the value that it is part of", SpanAt(mark, 1));
    }
    Place(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (failed_) return;
    const size_t position = ContentPosition(mark);
    SourceSpan span = ScalarSpan(mark, position, value);
    if (!QuoteIsClosed(source_->text(), position)) {
      span.length = 1;
      return Fail(
          Error{ErrorCode::kInvalid, "found a quote that is never closed", std::move(span)});
    }
    if (tag == "?") {
      auto node = ResolvePlain(value, span);
      if (!node) return Fail(std::move(node).error());
      return Place((*node)->is_string() ? Node::AtPosition(*node, position) : *node, anchor);
    }
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      return Place(Node::AtPosition(Node::String(value, true, std::move(span)), position), anchor);
    }
    Typed(tag, value, std::move(span), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, false);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, true);
  }
  void OnMapEnd() override { Close(); }

  bool failed() const { return failed_; }
  std::vector<Error>& errors() { return errors_; }
  NodePtr TakeRoot() { return std::move(root_); }
  void Fail(Error error) {
    errors_.push_back(std::move(error));
    failed_ = true;
  }
  SourceSpan SpanAt(const YAML::Mark& mark, uint32_t length) const {
    if (mark.is_null()) return SourceSpan{source_, 1, 1, 1};
    return SourceSpan{source_, static_cast<uint32_t>(mark.line) + 1,
                      static_cast<uint32_t>(mark.column) + 1, length};
  }

 private:
  struct Frame {
    bool is_map = false;
    YAML::anchor_t anchor = 0;
    SourceSpan span;
    std::vector<NodePtr> items;
    std::vector<Entry> entries;
    NodePtr key;  // waits for its value
  };

  void Fail(std::string message, SourceSpan span) {
    Fail(Error{ErrorCode::kInvalid, std::move(message), std::move(span)});
  }

  // A mark stands before the anchor and tag of a value; the content comes after them.
  size_t ContentPosition(const YAML::Mark& mark) const {
    const std::string& text = source_->text();
    auto position = static_cast<size_t>(std::max(mark.pos, 0));
    while (position < text.size() && (text[position] == '&' || text[position] == '!')) {
      position = std::min(text.find_first_of(" \n", position), text.size());
      position = std::min(text.find_first_not_of(' ', position), text.size());
    }
    return position;
  }

  SourceSpan ScalarSpan(const YAML::Mark& mark, size_t position, const std::string& value) const {
    const std::string_view text = source_->text();
    SourceSpan span = SpanAt(mark, 1);
    span.column += static_cast<uint32_t>(position - static_cast<size_t>(std::max(mark.pos, 0)));
    const std::string_view rest = text.substr(position, text.find('\n', position) - position);
    if (rest.empty()) return span;
    size_t length = std::min(value.find('\n'), value.size());
    if (rest[0] == '|' || rest[0] == '>') {
      length = 1;
    } else if (rest[0] == '"' || rest[0] == '\'') {
      length = rest.find(rest[0], 1);
      while (rest[0] == '"' && length != std::string_view::npos && rest[length - 1] == '\\') {
        length = rest.find('"', length + 1);
      }
      length = length == std::string_view::npos ? rest.size() : length + 1;
    }
    span.length = static_cast<uint32_t>(std::clamp<size_t>(length, 1, rest.size()));
    return span;
  }

  void Typed(const std::string& tag, const std::string& value, SourceSpan span,
             YAML::anchor_t anchor) {
    auto node = ResolvePlain(value, span);
    if (!node) return Fail(std::move(node).error());
    const NodeKind kind = (*node)->kind();
    const bool fits = (tag == "tag:yaml.org,2002:int" && kind == NodeKind::kInt) ||
                      (tag == "tag:yaml.org,2002:bool" && kind == NodeKind::kBool) ||
                      (tag == "tag:yaml.org,2002:null" && kind == NodeKind::kNull) ||
                      (tag == "tag:yaml.org,2002:float" && kind == NodeKind::kDouble);
    if (fits) return Place(*node, anchor);
    if (tag == "tag:yaml.org,2002:float" && kind == NodeKind::kInt) {
      return Place(Node::Double((*node)->as_double(), value, std::move(span)), anchor);
    }
    Fail(Error{ErrorCode::kInvalid, fmt::format("found the tag {} on \"{}\"", tag, value),
               std::move(span)}
             .Hint("leave tags out; quotes make a string of anything"));
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool is_map) {
    if (failed_) return;
    if (!tag.empty() && tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:map" &&
        tag != "tag:yaml.org,2002:seq") {
      return Fail(
          Error{ErrorCode::kInvalid, fmt::format("found the unknown tag {}", tag), SpanAt(mark, 1)}
              .Hint("leave tags out"));
    }
    if (stack_.size() >= limits_.depth) {
      return Fail(Error{ErrorCode::kTooLarge,
                        fmt::format("found more than {} levels of nesting", limits_.depth),
                        SpanAt(mark, 1)});
    }
    Frame frame;
    frame.is_map = is_map;
    frame.anchor = anchor;
    frame.span = SpanAt(mark, 1);
    stack_.push_back(std::move(frame));
  }

  void Close() {
    if (failed_) return;
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (!frame.is_map) {
      return Place(Node::Sequence(std::move(frame.items), std::move(frame.span)), frame.anchor);
    }
    RefuseDuplicates(frame.entries);
    MergeIn(frame.entries);
    if (failed_) return;
    Place(Node::Map(std::move(frame.entries), std::move(frame.span)), frame.anchor);
  }

  // All of them are reported; the first value stays, so that reading can go on.
  void RefuseDuplicates(std::vector<Entry>& entries) {
    std::unordered_map<std::string_view, uint32_t> seen;
    std::vector<Entry> kept;
    kept.reserve(entries.size());
    for (const Entry& entry : entries) {
      const auto [first, is_new] = seen.emplace(entry.key, entry.key_span.line);
      if (!is_new) {
        errors_.push_back(Error{ErrorCode::kInvalid,
                                fmt::format("found the key \"{}\" twice", entry.key),
                                entry.key_span}
                              .Hint(fmt::format("it stands on line {} already; keep one of them",
                                                first->second)));
      }
    }
    std::unordered_set<std::string_view> taken;
    for (const Entry& entry : entries) {
      if (taken.insert(entry.key).second) kept.push_back(entry);
    }
    entries = std::move(kept);
  }

  // `<<: *other` (or a list of maps): what is not there already is taken over, earlier maps first.
  void MergeIn(std::vector<Entry>& entries) {
    const auto merge = std::ranges::find(entries, "<<", &Entry::key);
    if (merge == entries.end()) return;
    const Entry directive = *merge;
    entries.erase(merge);
    std::vector<NodePtr> sources;
    if (directive.value->is_sequence()) {
      sources = directive.value->items();
    } else {
      sources.push_back(directive.value);
    }
    std::unordered_set<std::string> taken;
    for (const Entry& entry : entries) taken.insert(entry.key);
    for (const NodePtr& source : sources) {
      if (!source->is_map()) {
        return Fail(fmt::format("expected a map after \"<<\", found {}", source->Found()),
                    directive.key_span);
      }
      for (const Entry& entry : source->entries()) {
        if (taken.insert(entry.key).second) entries.push_back(entry);
      }
    }
  }

  void Place(NodePtr node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (node->weight() > limits_.nodes) {
      return Fail(
          Error{ErrorCode::kTooLarge,
                fmt::format("found more than {} values (aliases count each time)", limits_.nodes),
                node->span()});
    }
    if (stack_.size() + node->depth() > limits_.depth + 1) {
      return Fail(Error{ErrorCode::kTooLarge,
                        fmt::format("found more than {} levels of nesting", limits_.depth),
                        node->span()});
    }
    if (stack_.empty()) {
      if (root_ == nullptr) root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (!frame.is_map) {
      frame.items.push_back(std::move(node));
    } else if (frame.key == nullptr) {
      PlaceKey(frame, std::move(node));
    } else {
      frame.entries.push_back({frame.key->text(), frame.key->span(), std::move(node)});
      frame.key = nullptr;
    }
  }

  void PlaceKey(Frame& frame, NodePtr key) {
    if (!key->is_scalar() || (key->is_null() && key->text().empty())) {
      Fail(Error{ErrorCode::kInvalid, fmt::format("expected a name as key, found {}", key->Found()),
                 key->span()}
               .Hint(key->is_map() ? "put ${{ }} expressions in quotes" : ""));
      return;
    }
    frame.key = std::move(key);
  }

  std::shared_ptr<const base::SourceText> source_;
  const Limits& limits_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, NodePtr> anchors_;
  std::vector<Error> errors_;
  NodePtr root_;
  bool failed_ = false;
};

Error Translated(const YAML::ParserException& thrown, const TreeBuilder& builder) {
  Error error{ErrorCode::kInvalid, "", builder.SpanAt(thrown.mark, 1)};
  const std::string_view line = error.span.source->Line(error.span.line);
  const size_t indent = line.find_first_not_of(" \t");
  if (const size_t tab = line.substr(0, indent).find('\t'); tab != std::string_view::npos) {
    error.message = "found a tab in the indentation, expected spaces";
    error.span.column = static_cast<uint32_t>(tab) + 1;
    return error;
  }
  for (const Wording& wording : kWordings) {
    if (!thrown.msg.starts_with(wording.theirs)) continue;
    error.message = wording.message;
    error.hint = wording.hint;
    if (line.contains("${{")) error.hint = "put values that contain ${{ }} in quotes";
    return error;
  }
  error.message = fmt::format("found what YAML does not allow: {}", thrown.msg);
  return error;
}

// The length of the UTF-8 sequence at `i`, or 0 when it is none (RFC 3629).
size_t Utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(i);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (byte(i + 1) < low || byte(i + 1) > high) return 0;
  for (size_t k = 2; k < length; ++k) {
    if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return 0;
  }
  return length;
}

base::Result<void> CheckCharacters(const std::shared_ptr<const base::SourceText>& source) {
  const std::string& text = source->text();
  uint32_t line = 1;
  size_t line_begin = 0;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = Utf8Length(text, i);
    const bool control =
        (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F;
    if (length == 0 || control) {
      return base::Fail(
          Error{ErrorCode::kInvalid,
                fmt::format("found the byte 0x{:02x}, expected {}", byte,
                            control ? "text without control characters" : "UTF-8 text"),
                SourceSpan{source, line, static_cast<uint32_t>(i - line_begin) + 1, 1}});
    }
    if (byte == '\n') {
      ++line;
      line_begin = i + 1;
    }
    i += length;
  }
  return {};
}

}  // namespace

Document Parse(std::shared_ptr<const base::SourceText> source, const Limits& limits) {
  const SourceSpan start{source, 1, 1, 1};
  if (source->text().size() > limits.bytes) {
    return {nullptr,
            {Error{ErrorCode::kTooLarge,
                   fmt::format("the file has {} bytes, expected at most {}", source->text().size(),
                               limits.bytes),
                   start}}};
  }
  if (auto readable = CheckCharacters(source); !readable) {
    return {nullptr, {std::move(readable).error()}};
  }
  TreeBuilder builder(source, limits);
  ViewBuffer buffer(source->text());
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::ParserException& thrown) {
    if (!builder.failed()) builder.Fail(Translated(thrown, builder));
  } catch (const YAML::Exception& thrown) {
    if (!builder.failed()) builder.Fail(Error{ErrorCode::kInvalid, thrown.msg, start});
  }
  if (builder.failed()) return {nullptr, std::move(builder.errors())};
  NodePtr root = builder.TakeRoot();
  return {root != nullptr ? root : Node::Null(start), std::move(builder.errors())};
}

}  // namespace assay::scenario::yaml
