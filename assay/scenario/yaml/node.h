#pragma once
// An immutable tree of what a YAML file says, with the place of every key and value.
//
// Differences from plain YAML 1.2, all of them refusals: duplicate keys, keys that are no scalars,
// tags other than the core ones, integers over 64 bits, and trees over the limits are errors.
// A quoted scalar is always a string; a plain one follows the core schema, so `no` is a string.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/span.h"

namespace assay::scenario::yaml {

enum class NodeKind { kNull, kBool, kInt, kDouble, kString, kSequence, kMap };

/// With an article, for messages: `a string`, `a map`.
std::string_view Describe(NodeKind kind);

class Node;
using NodePtr = std::shared_ptr<const Node>;

/// One entry of a map, in file order.
struct Entry {
  std::string key;
  base::SourceSpan key_span;
  NodePtr value;
};

class Node {
 public:
  static NodePtr Null(base::SourceSpan span);
  static NodePtr Bool(bool value, std::string text, base::SourceSpan span);
  static NodePtr Int(int64_t value, std::string text, base::SourceSpan span);
  static NodePtr Double(double value, std::string text, base::SourceSpan span);
  static NodePtr String(std::string text, bool quoted, base::SourceSpan span);
  static NodePtr Sequence(std::vector<NodePtr> items, base::SourceSpan span);
  static NodePtr Map(std::vector<Entry> entries, base::SourceSpan span);

  NodeKind kind() const { return kind_; }
  bool is_scalar() const { return kind_ < NodeKind::kSequence; }
  bool is_null() const { return kind_ == NodeKind::kNull; }
  bool is_string() const { return kind_ == NodeKind::kString; }
  bool is_sequence() const { return kind_ == NodeKind::kSequence; }
  bool is_map() const { return kind_ == NodeKind::kMap; }
  /// Written in quotes or as a block scalar.
  bool quoted() const { return quoted_; }
  const base::SourceSpan& span() const { return span_; }

  bool as_bool() const { return bool_; }
  int64_t as_int() const { return int_; }
  double as_double() const { return double_; }
  /// The scalar as written, for every scalar kind (`0x10` stays `0x10`).
  const std::string& text() const { return text_; }
  const std::vector<NodePtr>& items() const { return items_; }
  const std::vector<Entry>& entries() const { return entries_; }
  /// The value of `key`, or null when this is no map or has no such key.
  const Node* Find(std::string_view key) const;
  NodePtr FindShared(std::string_view key) const;
  const Entry* FindEntry(std::string_view key) const;
  /// Levels of nesting, 1 for a scalar.
  size_t depth() const { return depth_; }
  /// Nodes of the tree below and with this one, each alias counted as often as it is used.
  size_t weight() const { return weight_; }

  /// For messages: `the string "fast"`, `the number 3`, `a list`.
  std::string Found() const;

  /// A copy that knows at which byte of the file it begins; SpanOf needs it.
  static NodePtr AtPosition(NodePtr node, size_t position);

  /// Where `length` bytes of the scalar's text, beginning at `offset`, stand in the file. Exact for
  /// plain and quoted scalars without escapes and for block scalars; else the scalar's own span.
  base::SourceSpan SpanOf(size_t offset, size_t length) const;

 private:
  Node(NodeKind kind, base::SourceSpan span) : kind_(kind), span_(std::move(span)) {}

  NodeKind kind_;
  bool quoted_ = false;
  bool bool_ = false;
  int64_t int_ = 0;
  double double_ = 0;
  size_t weight_ = 1;
  size_t depth_ = 1;
  size_t position_ = 0;
  std::string text_;
  base::SourceSpan span_;
  std::vector<NodePtr> items_;
  std::vector<Entry> entries_;
};

struct Limits {
  size_t bytes = size_t{4} << 20;
  size_t depth = 100;
  size_t nodes = 200'000;  ///< after aliases and merge keys are expanded
};

/// What reading gave. `root` is null when the text is no YAML at all; duplicate keys are problems
/// that leave a tree (the first value counts), so that everything else can be checked too.
struct Document {
  NodePtr root;
  std::vector<base::Error> problems;
};

/// Reads one document; an empty file is a null node, several documents in a file are refused.
Document Parse(std::shared_ptr<const base::SourceText> source, const Limits& limits = {});

/// The core-schema value of a plain scalar (YAML 1.2.2, section 10.3.2).
base::Result<NodePtr> ResolvePlain(std::string text, base::SourceSpan span);

}  // namespace assay::scenario::yaml
