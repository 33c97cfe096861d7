#include "assay/importing/source/postman_script.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/importing/slot.h"

namespace assay::importing {
namespace {

std::string Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return std::string(text);
}

/// The position behind the string literal that begins at `i`.
size_t SkipString(std::string_view text, size_t i) {
  const char quote = text[i++];
  while (i < text.size() && text[i] != quote) i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

/// Pieces between `;`, braces and line ends; comments are dropped, chains over several lines
/// joined.
std::vector<std::string> Statements(std::string_view text) {
  std::vector<std::string> out;
  std::string piece;
  size_t brackets = 0;
  const auto end = [&] {
    std::string trimmed = Trim(piece);
    piece.clear();
    if (trimmed.empty()) return;
    if (trimmed.starts_with('.') && !out.empty()) {
      out.back() += trimmed;
    } else {
      out.push_back(std::move(trimmed));
    }
  };
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'' || c == '`') {
      const size_t after = SkipString(text, i);
      piece += text.substr(i, after - i);
      i = after;
    } else if (text.substr(i).starts_with("//")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i).starts_with("/*")) {
      const size_t close = text.find("*/", i + 2);
      i = close == std::string_view::npos ? text.size() : close + 2;
    } else if (c == ';' || c == '{' || c == '}' || (c == '\n' && brackets == 0)) {
      end();
      ++i;
    } else {
      if (c == '[') ++brackets;
      if (c == ']' && brackets > 0) --brackets;
      piece += c == '\n' ? ' ' : c;
      ++i;
    }
  }
  end();
  return out;
}

class ScriptReader {
 public:
  explicit ScriptReader(const std::function<std::string(std::string_view)>& variable)
      : variable_(variable) {}

  ScriptMeaning Read(std::string_view script) {
    for (const std::string& statement : Statements(script)) {
      if (IsFrame(statement)) continue;
      if (Alias(statement) || Save(statement) || ResponseCheck(statement) ||
          Expectation(statement) || OldCheck(statement)) {
        continue;
      }
      meaning_.unknown.push_back(statement);
    }
    return std::move(meaning_);
  }

 private:
  // What only holds statements together, or prints.
  static bool IsFrame(const std::string& statement) {
    static const RE2 kTest(
        R"(^pm\.test\s*\(\s*(?:"[^"]*"|'[^']*'|`[^`]*`)\s*,\s*(?:async\s*)?(?:function\s*\w*\s*\([^)]*\)|\([^)]*\)\s*=>|\w+\s*=>)\s*$)");
    if (statement.find_first_not_of("(),; ") == std::string::npos) return true;
    return RE2::FullMatch(statement, kTest) || statement.starts_with("console.") ||
           statement == "\"use strict\"" || statement == "'use strict'";
  }

  void Expect(std::string expression) {
    if (std::ranges::find(meaning_.expect, expression) == meaning_.expect.end())
      meaning_.expect.push_back(std::move(expression));
  }

  // A JavaScript path into the answer as CEL; nothing when it is more than that.
  std::optional<std::string> Path(std::string_view text) const {
    std::string rest = Trim(text);
    std::string cel;
    static const std::array<std::pair<std::string_view, std::string_view>, 8> kRoots = {
        {{"pm.response.json()", "body"},
         {"JSON.parse(responseBody)", "body"},
         {"JSON.parse(pm.response.text())", "body"},
         {"pm.response.text()", "text"},
         {"pm.response.code", "status"},
         {"responseCode.code", "status"},
         {"responseBody", "text"},
         {"pm.response.responseSize", "size"}}};
    for (const auto& [js, meaning] : kRoots) {
      if (!rest.starts_with(js)) continue;
      cel = meaning;
      rest.erase(0, js.size());
      break;
    }
    std::string name;
    if (cel.empty()) {
      static const RE2 kHeader(
          R"(^(?:pm\.response\.headers\.get|postman\.getResponseHeader)\(\s*["']([\w-]+)["']\s*\))");
      static const RE2 kName(R"(^([A-Za-z_$][\w$]*))");
      re2::StringPiece input(rest);
      if (RE2::Consume(&input, kHeader, &name)) {
        cel = CelMember("headers", Lower(name));
      } else if (RE2::Consume(&input, kName, &name) && aliases_.contains(name)) {
        cel = aliases_.at(name);
      } else {
        return std::nullopt;
      }
      rest = std::string(input);
    }
    return Steps(rest, cel);
  }

  static std::optional<std::string> Steps(std::string_view text, std::string cel) {
    static const RE2 kMember(R"(^\??\.([A-Za-z_$][\w$]*))");
    static const RE2 kIndex(R"(^\[\s*(\d+)\s*\])");
    static const RE2 kKey(R"(^\[\s*["']([^"']*)["']\s*\])");
    re2::StringPiece input(text.data(), text.size());
    std::string part;
    while (!input.empty()) {
      if (RE2::Consume(&input, kMember, &part)) {
        cel =
            part == "length" && input.empty() ? fmt::format("size({})", cel) : CelMember(cel, part);
      } else if (RE2::Consume(&input, kIndex, &part)) {
        cel += fmt::format("[{}]", part);
      } else if (RE2::Consume(&input, kKey, &part)) {
        cel = CelMember(cel, part);
      } else {
        return std::nullopt;
      }
    }
    return cel;
  }

  static std::string Lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  // A literal, a variable of Postman, or a path.
  std::optional<std::string> Operand(std::string_view text) const {
    const std::string value = Trim(text);
    static const RE2 kNumber(R"(^-?\d+(\.\d+)?$)");
    static const RE2 kGet(
        R"(^(?:pm\.(?:environment|collectionVariables|globals|variables)\.get|postman\.get(?:Environment|Global)Variable)\(\s*["']([^"']+)["']\s*\)$)");
    std::string name;
    if (value == "true" || value == "false" || value == "null" || RE2::FullMatch(value, kNumber))
      return value;
    if (value.size() >= 2 &&
        (value.front() == '"' || value.front() == '\'' || value.front() == '`') &&
        SkipString(value, 0) == value.size() && !value.contains("${")) {
      std::string plain;
      for (size_t i = 1; i + 1 < value.size(); ++i) {
        if (value[i] == '\\' && i + 2 < value.size()) ++i;
        plain += value[i];
      }
      return CelString(plain);
    }
    if (RE2::FullMatch(value, kGet, &name)) return variable_(name);
    return Path(value);
  }

  std::optional<std::string> Operands(std::string_view text) const {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
      size_t end = 0;
      while (end < rest.size() && rest[end] != ',')
        end = rest[end] == '"' || rest[end] == '\'' ? SkipString(rest, end) : end + 1;
      const auto one = Operand(rest.substr(0, end));
      if (!one) return std::nullopt;
      out += (out.empty() ? "" : ", ") + *one;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return "[" + out + "]";
  }

  bool Alias(const std::string& statement) {
    static const RE2 kAlias(R"(^(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(.+)$)");
    static const RE2 kAssignment(
        R"(^([A-Za-z_$][\w$]*)\s*=\s*(pm\.response\.json\(\).*|JSON\.parse\(.*)$)");
    std::string name;
    std::string value;
    if (!RE2::FullMatch(statement, kAlias, &name, &value) &&
        !RE2::FullMatch(statement, kAssignment, &name, &value))
      return false;
    const auto cel = Operand(value);
    if (!cel) return false;
    aliases_[name] = *cel;
    return true;
  }

  bool Save(const std::string& statement) {
    static const RE2 kSet(
        R"(^(?:pm\.(?:environment|collectionVariables|globals|variables)\.set|postman\.set(?:Environment|Global)Variable)\(\s*["']([^"']+)["']\s*,\s*(.+)\)$)");
    std::string name;
    std::string value;
    if (!RE2::FullMatch(statement, kSet, &name, &value)) return false;
    const auto cel = Path(value);
    if (!cel) return false;
    meaning_.save.emplace_back(name, *cel);
    return true;
  }

  bool ResponseCheck(const std::string& statement) {
    static const RE2 kStatus(R"(^pm\.response\.to\.have\.status(?:Code)?\(\s*(\d+)\s*\)\s*\)?$)");
    static const RE2 kBe(R"(^pm\.response\.to\.(not\.)?be\.(\w+)(?:\(\))?\s*\)?$)");
    static const RE2 kHeader(
        R"(^pm\.response\.to\.have\.header\(\s*["']([\w-]+)["']\s*(?:,\s*(.+?))?\)\s*\)?$)");
    static const RE2 kJson(
        R"(^pm\.response\.to\.have\.jsonBody\(\s*(?:["']([^"']*)["'])?\s*\)\s*\)?$)");
    std::string one;
    std::string two;
    if (RE2::FullMatch(statement, kStatus, &one)) {
      Expect("status == " + one);
    } else if (RE2::FullMatch(statement, kBe, &one, &two)) {
      static const std::map<std::string, std::string> kMeanings = {
          {"ok", "status == 200"},           {"success", "status >= 200 && status < 300"},
          {"accepted", "status == 202"},     {"badRequest", "status == 400"},
          {"unauthorized", "status == 401"}, {"forbidden", "status == 403"},
          {"notFound", "status == 404"},     {"rateLimited", "status == 429"},
          {"error", "status >= 400"},        {"clientError", "status >= 400 && status < 500"},
          {"serverError", "status >= 500"},  {"json", "json_error == \"\" && body != null"},
          {"withBody", "size > 0"},          {"redirection", "status >= 300 && status < 400"}};
      const auto found = kMeanings.find(two);
      if (found == kMeanings.end()) return false;
      Expect(one.empty() ? found->second : fmt::format("!({})", found->second));
    } else if (RE2::FullMatch(statement, kHeader, &one, &two)) {
      const auto value = two.empty() ? std::optional<std::string>() : Operand(two);
      if (!two.empty() && !value) return false;
      Expect(value ? fmt::format("{} == {}", CelMember("headers", Lower(one)), *value)
                   : fmt::format("{} in headers", CelString(Lower(one))));
    } else if (RE2::FullMatch(statement, kJson, &one)) {
      const auto cel = one.empty() ? std::optional<std::string>("body") : Steps("." + one, "body");
      if (!cel) return false;
      Expect(Exists(*cel));
    } else {
      return false;
    }
    return true;
  }

  static std::string Exists(const std::string& cel) {
    static const RE2 kMember(R"(.*\.[A-Za-z_]\w*$)");
    return RE2::FullMatch(cel, kMember) && !cel.ends_with(')') ? fmt::format("has({})", cel)
                                                               : fmt::format("{} != null", cel);
  }

  bool Expectation(const std::string& statement) {
    static const RE2 kExpect(
        R"(^pm\.expect\((.+?)\)\.((?:to|be|been|is|that|have|has|with|at|of|deep|not|an?)(?:\.\w+)*)(?:\((.*)\))?\s*\)?$)");
    static const RE2 kTime(R"(^pm\.response\.responseTime$|^responseTime$)");
    std::string subject;
    std::string chain;
    std::string argument;
    if (!RE2::FullMatch(statement, kExpect, &subject, &chain, &argument)) return false;
    bool negated = false;
    std::string word;
    for (size_t start = 0; start < chain.size();) {
      const size_t end = std::min(chain.find('.', start), chain.size());
      const std::string part = chain.substr(start, end - start);
      static constexpr std::array<std::string_view, 11> kFillers = {
          "to", "be", "been", "is", "that", "have", "has", "with", "at", "of", "deep"};
      if (part == "not") {
        negated = true;
      } else if (std::ranges::find(kFillers, part) == kFillers.end()) {
        word += word.empty() ? part : "." + part;
      }
      start = end + 1;
    }
    std::optional<std::string> check;
    if (RE2::FullMatch(Trim(subject), kTime)) {
      check = Time(word, argument);
    } else if (const auto cel = Operand(subject)) {
      check = Check(*cel, word, argument);
    }
    if (!check) return false;
    Expect(negated ? fmt::format("!({})", *check) : *check);
    return true;
  }

  static std::optional<std::string> Time(const std::string& word, const std::string& limit) {
    static const RE2 kDigits(R"(^\s*\d+\s*$)");
    if (!RE2::FullMatch(limit, kDigits)) return std::nullopt;
    const std::string duration = fmt::format("duration(\"{}ms\")", Trim(limit));
    if (word == "below" || word == "lessThan" || word == "lt" || word == "most")
      return "duration < " + duration;
    if (word == "above" || word == "greaterThan" || word == "gt") return "duration > " + duration;
    return std::nullopt;
  }

  std::optional<std::string> Check(const std::string& cel, const std::string& word,
                                   const std::string& argument) const {
    static const std::map<std::string, std::string> kComparisons = {
        {"equal", "=="}, {"equals", "=="},  {"eql", "=="}, {"eq", "=="},   {"eqls", "=="},
        {"below", "<"},  {"lessThan", "<"}, {"lt", "<"},   {"above", ">"}, {"greaterThan", ">"},
        {"gt", ">"},     {"least", ">="},   {"gte", ">="}, {"most", "<="}, {"lte", "<="}};
    if (const auto found = kComparisons.find(word); found != kComparisons.end()) {
      const auto value = Operand(argument);
      return value ? std::optional(fmt::format("{} {} {}", cel, found->second, *value))
                   : std::nullopt;
    }
    if (word == "oneOf") {
      const std::string list = Trim(argument);
      if (!list.starts_with('[') || !list.ends_with(']')) return std::nullopt;
      const auto values = Operands(std::string_view(list).substr(1, list.size() - 2));
      return values ? std::optional(fmt::format("{} in {}", cel, *values)) : std::nullopt;
    }
    if (word == "a" || word == "an") return TypeCheck(cel, Trim(argument));
    if (word == "true" || word == "false" || word == "null")
      return fmt::format("{} == {}", cel, word);
    if (word == "exist" || word == "ok") return Exists(cel);
    if (word == "undefined") return fmt::format("!({})", Exists(cel));
    if (word == "empty") return fmt::format("size({}) == 0", cel);
    const auto value = Operand(argument);
    if (!value) return std::nullopt;
    if (word == "include" || word == "includes" || word == "contain" || word == "contains") {
      const bool text = value->starts_with('"') && (cel == "text" || cel.starts_with("headers"));
      return text ? fmt::format("{}.contains({})", cel, *value)
                  : fmt::format("(type({0}) == string ? {0}.contains({1}) : {1} in {0})", cel,
                                *value);
    }
    if (word == "lengthOf" || word == "length") return fmt::format("size({}) == {}", cel, *value);
    if (word == "property") return Property(cel, argument);
    return std::nullopt;
  }

  std::optional<std::string> Property(const std::string& cel, const std::string& argument) const {
    static const RE2 kProperty(R"(^\s*["']([^"']+)["']\s*(?:,\s*(.+))?$)");
    std::string name;
    std::string value;
    if (!RE2::FullMatch(argument, kProperty, &name, &value)) return std::nullopt;
    if (value.empty()) return fmt::format("{} in {}", CelString(name), cel);
    const auto operand = Operand(value);
    return operand ? std::optional(fmt::format("{} == {}", CelMember(cel, name), *operand))
                   : std::nullopt;
  }

  static std::optional<std::string> TypeCheck(const std::string& cel, const std::string& argument) {
    const std::string type = argument.size() > 2 ? argument.substr(1, argument.size() - 2) : "";
    static const std::map<std::string, std::string> kTypes = {
        {"string", "string"}, {"array", "list"}, {"object", "map"}, {"boolean", "bool"}};
    if (type == "number") return fmt::format("type({0}) == int || type({0}) == double", cel);
    const auto found = kTypes.find(type);
    return found == kTypes.end() ? std::nullopt
                                 : std::optional(fmt::format("type({}) == {}", cel, found->second));
  }

  // tests["name"] = responseCode.code === 200;
  bool OldCheck(const std::string& statement) {
    static const RE2 kOld(R"(^tests\[.+?\]\s*=\s*(.+?)\s*(===?|!==?|<=?|>=?)\s*(.+)$)");
    std::string left;
    std::string comparison;
    std::string right;
    if (!RE2::FullMatch(statement, kOld, &left, &comparison, &right)) return false;
    if (left == "responseTime") {
      const auto time = Time(comparison.starts_with('<') ? "below" : "above", right);
      if (time) Expect(*time);
      return time.has_value();
    }
    const auto a = Operand(left);
    const auto b = Operand(right);
    if (!a || !b) return false;
    if (comparison.starts_with("==")) comparison = "==";
    if (comparison.starts_with("!=")) comparison = "!=";
    Expect(fmt::format("{} {} {}", *a, comparison, *b));
    return true;
  }

  const std::function<std::string(std::string_view)>& variable_;
  std::map<std::string, std::string> aliases_;
  ScriptMeaning meaning_;
};

}  // namespace

ScriptMeaning ReadTestScript(std::string_view script,
                             const std::function<std::string(std::string_view)>& variable) {
  return ScriptReader(variable).Read(script);
}

}  // namespace assay::importing
