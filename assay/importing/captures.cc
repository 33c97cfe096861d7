#include "assay/importing/captures.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/secrets.h"
#include "assay/importing/slot.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

constexpr size_t kMaxDepth = 12;
constexpr size_t kMaxElements = 50;  // of one list
constexpr size_t kMaxValue = 8192;   // bytes

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool IsWordCharacter(char c, bool with_dots) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
         (with_dots && (c == '.' || c == '~'));
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> out;
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (end > 0) out.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

std::string Singular(std::string text) {
  if (text.ends_with("ies") && text.size() > 4) return text.substr(0, text.size() - 3) + "y";
  if (text.ends_with("sses") || text.ends_with("uses")) return text.substr(0, text.size() - 2);
  if (text.ends_with('s') && !text.ends_with("ss") && !text.ends_with("us") &&
      !text.ends_with("is") && text.size() > 3) {
    text.pop_back();
  }
  return text;
}

}  // namespace

bool IsIdentifierKey(std::string_view key) {
  const std::string name = ToIdentifier(key);
  constexpr std::array<std::string_view, 13> kWords = {
      "id",   "uuid",   "guid", "key",     "token",    "code",  "ref",
      "slug", "cursor", "etag", "version", "location", "handle"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return name == word || (name.size() > word.size() && name.ends_with(word) &&
                            name[name.size() - word.size() - 1] == '_');
  });
}

bool LooksMade(std::string_view text) {
  if (text.size() < 8 || text.size() > kMaxValue) return false;
  const bool digit =
      std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  const bool letter =
      std::ranges::any_of(text, [](unsigned char c) { return std::isalpha(c) != 0; });
  const bool one_word = std::ranges::all_of(
      text, [](char c) { return IsWordCharacter(c, true) || c == '=' || c == '+'; });
  // Dates and versions are not worth a variable.
  const bool date =
      text.size() >= 10 && IsDigits(text.substr(0, 4)) && text[4] == '-' && text[7] == '-';
  return one_word && !date && digit && (letter || text.size() >= 10);
}

std::string ResourceOf(std::string_view path) {
  std::string resource;
  for (const std::string_view segment : Segments(path)) {
    const bool version =
        segment.size() >= 2 && segment.front() == 'v' && IsDigits(segment.substr(1));
    if (version || segment == "api" || IsDigits(segment) || LooksMade(segment) ||
        HasSlot(segment) || segment.starts_with('{'))
      continue;
    resource = segment;
  }
  return resource.empty() ? "item" : Singular(ToIdentifier(resource));
}

void Captures::ObserveRequest(const Exchange& exchange) {
  const auto send = [&](std::string_view text) {
    if (!text.empty() && text.size() <= kMaxValue) sent_.insert(std::string(text));
  };
  for (const std::string_view segment : Segments(exchange.path)) {
    send(http::PercentDecode(segment).value_or(std::string(segment)));
  }
  const auto send_field = [&](std::string_view name, std::string_view value) {
    if (!IsDigits(value) || IsIdentifierKey(name)) send(value);
  };
  for (const auto& [name, value] : exchange.query) send_field(name, value);
  for (const http::HeaderField& field : exchange.headers) send(field.value);
  if (const auto* form = std::get_if<Pairs>(&exchange.content)) {
    for (const auto& [name, value] : *form) send_field(name, value);
  } else if (const auto* text = std::get_if<std::string>(&exchange.content)) {
    const auto parsed = json::Parse(*text);
    if (!parsed) return;
    const auto walk = [&](const auto& self, const boost::json::value& value,
                          std::string_view key) -> void {
      if (value.is_string()) send(value.get_string());
      if (value.is_number() && IsIdentifierKey(key)) send(boost::json::serialize(value));
      if (value.is_object()) {
        for (const auto& [name, member] : value.get_object()) self(self, member, name);
      }
      if (value.is_array()) {
        for (const auto& item : value.get_array()) self(self, item, key);
      }
    };
    walk(walk, *parsed, "");
  }
}

void Captures::Add(size_t index, std::string_view value, Candidate candidate) {
  if (value.empty() || value.size() > kMaxValue || sent_.contains(value) || HasSlot(value)) return;
  candidate.capture.exchange = index;
  candidates_.try_emplace(std::string(value), std::move(candidate));
}

void Captures::AddTail(size_t index, std::string_view url, const std::string& expression,
                       std::string_view resource) {
  if (url.find_first_of("?# ") != std::string_view::npos || !url.contains('/')) return;
  const size_t slash = url.rfind('/');
  const std::string_view tail = url.substr(slash + 1);
  if (tail.empty()) return;
  const auto position = std::ranges::count(url, '/');
  Candidate candidate;
  candidate.capture.expression = fmt::format("{}.split(\"/\")[{}]", expression, position);
  candidate.hint = ResourceOf(url.substr(0, slash)) + "_id";
  if (candidate.hint == "item_id") candidate.hint = std::string(resource) + "_id";
  candidate.identifier = true;
  Add(index, tail, std::move(candidate));
}

void Captures::ObserveJson(size_t index, const boost::json::value& value,
                           const std::string& expression, std::string_view key,
                           std::string_view resource, size_t depth) {
  if (depth > kMaxDepth) return;
  if (value.is_object()) {
    for (const auto& [name, member] : value.get_object()) {
      ObserveJson(index, member, CelMember(expression, name), name,
                  member.is_object() ? std::string_view(ToIdentifier(name)) : resource, depth + 1);
    }
    return;
  }
  if (value.is_array()) {
    const size_t count = std::min(value.get_array().size(), kMaxElements);
    for (size_t i = 0; i < count; ++i) {
      ObserveJson(index, value.get_array()[i], fmt::format("{}[{}]", expression, i), key, resource,
                  depth + 1);
    }
    return;
  }
  Candidate candidate;
  candidate.capture.expression = expression;
  candidate.capture.key = key;
  candidate.identifier = IsIdentifierKey(key);
  const std::string name = ToIdentifier(key);
  candidate.hint =
      name == "id" || name == "uuid" || name == "key" || name == "code" || name == "version"
          ? fmt::format("{}_{}", resource, name)
          : name;
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    if (text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/')) {
      AddTail(index, text, expression, resource);
    }
    if (candidate.identifier || LooksMade(text)) Add(index, text, std::move(candidate));
  } else if ((value.is_int64() || value.is_uint64()) && candidate.identifier) {
    candidate.number = true;
    Add(index, boost::json::serialize(value), std::move(candidate));
  }
}

void Captures::Observe(size_t index, const Exchange& exchange) {
  ObserveRequest(exchange);
  if (!exchange.answer) return;
  const std::string resource = ResourceOf(exchange.path);
  const Answer& answer = *exchange.answer;
  if (!answer.body.empty()) {
    if (const auto parsed = json::Parse(answer.body))
      ObserveJson(index, *parsed, "body", "", resource, 0);
  }
  if (const auto location = answer.headers.Get("Location"))
    AddTail(index, *location, "headers.location", resource);
  if (const auto etag = answer.headers.Get("ETag")) {
    Candidate candidate;
    candidate.capture.expression = "headers.etag";
    candidate.hint = resource + "_etag";
    candidate.identifier = true;
    Add(index, *etag, std::move(candidate));
  }
  for (const std::string_view field : answer.headers.GetAll("Set-Cookie")) {
    const auto [name, value] = ParseSetCookie(field);
    if (!LooksMade(value)) continue;
    Candidate candidate;
    candidate.capture.expression =
        fmt::format("headers[\"set-cookie\"].split({})[1].split(\";\")[0]", CelString(name + "="));
    candidate.capture.key = name;
    candidate.hint = name;
    Add(index, value, std::move(candidate));
  }
}

std::string Captures::Use(Candidate& candidate) {
  if (!candidate.is_used) {
    std::string name = ToIdentifier(candidate.hint);
    for (int number = 2; names_.contains(name); ++number) {
      name = fmt::format("{}_{}", ToIdentifier(candidate.hint), number);
    }
    names_.insert(name);
    candidate.capture.name = name;
    candidate.is_used = true;
    used_.push_back(candidate.capture);
  }
  return Slot("vars." + candidate.capture.name);
}

Captures::Candidate* Captures::Find(std::string_view text, std::string_view key) {
  const auto found = candidates_.find(text);
  if (found == candidates_.end()) return nullptr;
  Candidate& candidate = found->second;
  // A small number means something else in most places.
  const bool weak = IsDigits(text) ? text.size() < 6 : text.size() < 4;
  if (weak && !key.empty() && !IsIdentifierKey(key)) return nullptr;
  return &candidate;
}

std::string Captures::Whole(std::string_view text, std::string_view key) {
  Candidate* found = Find(text, key);
  return found == nullptr ? std::string(text) : Use(*found);
}

std::string Captures::Number(std::string_view digits, std::string_view key) {
  Candidate* found = Find(digits, key);
  if (found == nullptr || !IsIdentifierKey(key)) return {};
  const std::string name = *WholeSlot(Use(*found));
  return found->number ? name : fmt::format("int({})", name);
}

std::string Captures::Within(std::string_view text, std::string_view key) {
  if (const std::string whole = Whole(text, key); whole != text) return whole;
  std::string out(text);
  for (const bool with_dots : {true, false}) {
    out = MapLiterals(out, [&](std::string_view literal) {
      std::string changed;
      for (size_t i = 0; i < literal.size();) {
        size_t end = i;
        while (end < literal.size() && IsWordCharacter(literal[end], with_dots)) ++end;
        const std::string_view word = literal.substr(i, end - i);
        Candidate* found = word.size() >= 8 ? Find(word, key) : nullptr;
        if (found != nullptr && LooksMade(word)) {
          changed += Use(*found);
        } else {
          changed += literal.substr(i, std::max<size_t>(end - i, 1));
        }
        i = std::max(end, i + 1);
      }
      return changed;
    });
  }
  return out;
}

}  // namespace assay::importing
