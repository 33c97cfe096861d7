#include "assay/importing/yaml.h"

#include <algorithm>
#include <limits>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/scenario/yaml/node.h"
#include "lib/base/utf8.h"

namespace assay::importing {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kMaxDepth = 60;

std::string ToUtf8(std::string text) {
  if (base::IsUtf8(text)) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t length = base::utf8_detail::SequenceLength(rest);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : rest.substr(0, length);
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

// Line and paragraph separators, next line, byte order mark: line breaks or invisible in YAML.
bool HasOddCharacter(std::string_view text) {
  return std::ranges::any_of(
             text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }) ||
         text.contains("\xC2\x85") || text.contains("\xE2\x80\xA8") ||
         text.contains("\xE2\x80\xA9") || text.contains("\xEF\xBB\xBF");
}

bool IsPlain(std::string_view text, bool in_flow) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`=<.~").contains(text.front())) return false;
  if (text.contains(": ") || text.contains(" #") || text.contains('\t') || HasOddCharacter(text))
    return false;
  if (in_flow && text.find_first_of(",[]{}\"':") != std::string_view::npos) return false;
  const auto resolved = scenario::yaml::ResolvePlain(std::string(text), {});
  return resolved.has_value() && (*resolved)->is_string();
}

std::string DoubleQuoted(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::string_view rest = text.substr(i);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", c);
    } else if (rest.starts_with("\xC2\x85")) {
      out += "\\x85";
      i += 1;
    } else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
      out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (rest.starts_with("\xEF\xBB\xBF")) {
      out += "\\ufeff";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

// Readable as a block: lines of printable text, none of which the block's indentation would hide.
bool IsBlock(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || text.size() < 3 || text.starts_with('\n') ||
      text.starts_with(' '))
    return false;
  if (text.contains(" \n") || text.ends_with(' ') || text.ends_with("\n\n")) return false;
  std::string lines(text);
  std::erase(lines, '\n');
  return !HasOddCharacter(lines);
}

}  // namespace

std::string QuoteScalar(std::string_view text, bool in_flow) {
  if (IsPlain(text, in_flow)) return std::string(text);
  const bool odd = HasOddCharacter(text);
  if (!odd && text.contains('"') && !text.contains('\'')) return fmt::format("'{}'", text);
  if (!odd && text.contains('\\') && !text.contains('\'')) return fmt::format("'{}'", text);
  return DoubleQuoted(text);
}

Yaml Yaml::Text(std::string text) {
  Yaml out;
  out.text_ = ToUtf8(std::move(text));
  return out;
}

Yaml Yaml::Plain(std::string text) {
  Yaml out;
  out.kind_ = Kind::kPlain;
  out.text_ = std::move(text);
  return out;
}

Yaml Yaml::List(std::vector<Yaml> items) {
  Yaml out;
  out.kind_ = Kind::kList;
  out.items_ = std::move(items);
  return out;
}

Yaml Yaml::Map(std::vector<Entry> entries) {
  Yaml out;
  out.kind_ = Kind::kMap;
  out.entries_ = std::move(entries);
  return out;
}

namespace {

base::Result<Yaml> Convert(const boost::json::value& value, size_t depth) {
  if (depth > kMaxDepth) return base::Fail(base::ErrorCode::kUnsupported, "nested too deep");
  switch (value.kind()) {
    case boost::json::kind::null:
      return Yaml::Plain("null");
    case boost::json::kind::bool_:
      return Yaml::Plain(value.get_bool() ? "true" : "false");
    case boost::json::kind::int64:
      return Yaml::Plain(fmt::format("{}", value.get_int64()));
    case boost::json::kind::uint64:
      if (value.get_uint64() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return base::Fail(base::ErrorCode::kUnsupported,
                          fmt::format("the integer {} has more than 63 bits", value.get_uint64()));
      }
      return Yaml::Plain(fmt::format("{}", value.get_uint64()));
    case boost::json::kind::double_: {
      std::string text = fmt::format("{}", value.get_double());
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return Yaml::Plain(std::move(text));
    }
    case boost::json::kind::string:
      return Yaml::Text(std::string(value.get_string()));
    case boost::json::kind::array: {
      Yaml out = Yaml::List();
      for (const auto& item : value.get_array()) {
        TRY(Yaml one, Convert(item, depth + 1));
        out.Add(std::move(one));
      }
      return out;
    }
    case boost::json::kind::object: {
      Yaml out = Yaml::Map();
      for (const auto& [key, member] : value.get_object()) {
        if (std::string_view(key).contains("${{")) {
          return base::Fail(base::ErrorCode::kUnsupported, "a key holds ${{");
        }
        TRY(Yaml one, Convert(member, depth + 1));
        out.Add(std::string(key), std::move(one));
      }
      return out;
    }
  }
  return Yaml::Plain("null");
}

}  // namespace

base::Result<Yaml> Yaml::FromJson(const boost::json::value& value) { return Convert(value, 1); }

Yaml& Yaml::Add(std::string key, Yaml value) {
  entries_.emplace_back(std::move(key), std::move(value));
  return *this;
}

Yaml& Yaml::Add(Yaml item) {
  items_.push_back(std::move(item));
  return *this;
}

Yaml& Yaml::Comment(std::string text) {
  if (!comment_.empty() && !text.empty()) comment_ += '\n';
  comment_ += text;
  return *this;
}

Yaml& Yaml::Tall() {
  tall_ = true;
  return *this;
}

/// Writes a tree in block style, and in flow style what fits on a line.
class YamlPrinter {
 public:
  std::string Document(const Yaml& root) {
    Comments(root, 0);
    if (root.kind_ == Yaml::Kind::kMap && !root.entries_.empty()) {
      Map(root, 0, false);
    } else if (root.kind_ == Yaml::Kind::kList && !root.items_.empty()) {
      List(root, 0, false);
    } else {
      out_ += Flow(root, false) + "\n";
    }
    return std::move(out_);
  }

 private:
  static std::string Indent(size_t depth) { return std::string(depth * 2, ' '); }

  void Comments(const Yaml& node, size_t depth) {
    if (node.comment_.empty()) return;
    std::string_view rest = node.comment_;
    while (true) {
      const size_t end = rest.find('\n');
      std::string line = ToUtf8(std::string(rest.substr(0, end)));
      std::ranges::replace_if(
          line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
      // Other characters that YAML takes for line ends would end the comment.
      for (const std::string_view odd :
           {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF"}) {
        for (size_t at = 0; (at = line.find(odd)) != std::string::npos;)
          line.replace(at, odd.size(), " ");
      }
      out_ += Indent(depth) + (line.empty() ? "#" : "# " + line) + "\n";
      if (end == std::string_view::npos) return;
      rest.remove_prefix(end + 1);
    }
  }

  static bool CanFlow(const Yaml& node) {
    if (node.tall_ || !node.comment_.empty()) return false;
    return std::ranges::all_of(node.items_, CanFlow) &&
           std::ranges::all_of(node.entries_,
                               [](const auto& entry) { return CanFlow(entry.second); });
  }

  static std::string Flow(const Yaml& node, bool nested) {
    switch (node.kind_) {
      case Yaml::Kind::kPlain:
        return node.text_;
      case Yaml::Kind::kText:
        return QuoteScalar(node.text_, nested);
      case Yaml::Kind::kList: {
        std::string out;
        for (const Yaml& item : node.items_) out += (out.empty() ? "" : ", ") + Flow(item, true);
        return "[" + out + "]";
      }
      case Yaml::Kind::kMap: {
        std::string out;
        for (const auto& [key, value] : node.entries_) {
          out += (out.empty() ? "" : ", ") + QuoteScalar(key, true) + ": " + Flow(value, true);
        }
        return out.empty() ? "{}" : "{ " + out + " }";
      }
    }
    return {};
  }

  // Behind `key:` or `-`.
  void Value(const Yaml& node, size_t depth, size_t column) {
    const bool collection = node.kind_ == Yaml::Kind::kList || node.kind_ == Yaml::Kind::kMap;
    if (!collection) {
      if (node.kind_ == Yaml::Kind::kText && IsBlock(node.text_)) return Block(node.text_, depth);
      out_ += " " + Flow(node, false) + "\n";
      return;
    }
    const std::string flow = node.empty() || CanFlow(node) ? Flow(node, false) : std::string();
    if (node.empty() || (!flow.empty() && column + flow.size() + 1 <= kWidth)) {
      out_ += " " + flow + "\n";
    } else if (node.kind_ == Yaml::Kind::kMap) {
      out_ += "\n";
      Map(node, depth, false);
    } else {
      out_ += "\n";
      List(node, depth, false);
    }
  }

  void Block(std::string_view text, size_t depth) {
    const bool final_newline = text.ends_with('\n');
    out_ += final_newline ? " |\n" : " |-\n";
    if (final_newline) text.remove_suffix(1);
    while (true) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) out_ += Indent(depth);
      out_ += line;
      out_ += '\n';
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  // `inline_first`: the first entry stands behind `- `.
  void Map(const Yaml& node, size_t depth, bool inline_first) {
    bool first = true;
    for (const auto& [key, value] : node.entries_) {
      if (!(first && inline_first)) {
        Comments(value, depth);
        out_ += Indent(depth);
      }
      first = false;
      const std::string head = QuoteScalar(ToUtf8(key), true) + ":";
      out_ += head;
      Value(value, depth + 1, depth * 2 + head.size());
    }
  }

  void List(const Yaml& node, size_t depth, bool) {
    for (const Yaml& item : node.items_) {
      Comments(item, depth);
      out_ += Indent(depth) + "-";
      const bool is_map = item.kind_ == Yaml::Kind::kMap && !item.entries_.empty();
      const bool short_map = is_map && !item.tall_ && item.entries_.size() > 1 &&
                             CanFlowBody(item) &&
                             depth * 2 + 2 + Flow(item, false).size() <= kWidth;
      if (is_map && !short_map && item.entries_.front().second.comment_.empty()) {
        out_ += " ";
        Map(item, depth + 1, true);
      } else {
        Value(WithoutComment(item), depth + 1, depth * 2 + 1);
      }
    }
  }

  static bool CanFlowBody(const Yaml& node) { return CanFlow(WithoutComment(node)); }
  static Yaml WithoutComment(const Yaml& node) {
    Yaml copy = node;
    copy.comment_.clear();
    return copy;
  }

  std::string out_;
};

std::string Yaml::ToString() const { return YamlPrinter().Document(*this); }

}  // namespace assay::importing
