#pragma once
// YAML as it is written: an ordered tree, and its text in the style of this project's files.
//
// Whatever text a scalar holds, the loader (assay/scenario/yaml) reads the same value back: a
// scalar is plain only when it resolves to the string it is.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "lib/base/result.h"

namespace assay::importing {

class Yaml {
 public:
  using Entry = std::pair<std::string, Yaml>;

  /// A string. Valid UTF-8; other bytes become U+FFFD.
  static Yaml Text(std::string text);
  /// A scalar as it stands: `true`, `42`, `null`.
  static Yaml Plain(std::string text);
  static Yaml List(std::vector<Yaml> items = {});
  static Yaml Map(std::vector<Entry> entries = {});
  /// kUnsupported for what the loader refuses: integers beyond 64 bits with sign, more than 60
  /// levels, repeated keys.
  static base::Result<Yaml> FromJson(const boost::json::value& value);

  Yaml& Add(std::string key, Yaml value);  ///< requires a map
  Yaml& Add(Yaml item);                    ///< requires a list
  /// Lines before this entry or item, each `# line`.
  Yaml& Comment(std::string text);
  /// Written over several lines even when it would fit on one.
  Yaml& Tall();

  bool empty() const { return entries_.empty() && items_.empty(); }
  bool is_text() const { return kind_ == Kind::kText; }
  bool is_map() const { return kind_ == Kind::kMap; }
  bool is_plain() const { return kind_ == Kind::kPlain; }
  const std::string& text() const { return text_; }
  void set_text(std::string text) { text_ = std::move(text); }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }
  std::vector<Yaml>& items() { return items_; }

  /// The document; ends with a newline.
  std::string ToString() const;

 private:
  enum class Kind { kText, kPlain, kList, kMap };
  friend class YamlPrinter;

  Kind kind_ = Kind::kText;
  bool tall_ = false;
  std::string text_;
  std::string comment_;
  std::vector<Yaml> items_;
  std::vector<Entry> entries_;
};

/// One scalar with the quotes that it needs. In flow collections commas and brackets need them too.
std::string QuoteScalar(std::string_view text, bool in_flow);

}  // namespace assay::importing
