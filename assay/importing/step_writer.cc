#include "assay/importing/step_writer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/slot.h"
#include "lib/base/utf8.h"
#include "lib/crypto/base64.h"
#include "lib/http/media.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

constexpr size_t kMaxName = 80;

/// What clients add by themselves, and what only makes sense for the connection that was recorded.
bool IsNoise(std::string_view name, std::string_view value) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 27> kNoise = {"host",
                                                       "connection",
                                                       "content-length",
                                                       "accept-encoding",
                                                       "accept-language",
                                                       "user-agent",
                                                       "referer",
                                                       "origin",
                                                       "pragma",
                                                       "cache-control",
                                                       "dnt",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "keep-alive",
                                                       "upgrade-insecure-requests",
                                                       "priority",
                                                       "expect",
                                                       "proxy-connection",
                                                       "if-modified-since",
                                                       "x-requested-with",
                                                       "postman-token",
                                                       "via",
                                                       "x-forwarded-for",
                                                       "x-forwarded-proto",
                                                       "x-forwarded-host",
                                                       "upgrade"};
  if (lower.starts_with(':') || lower.starts_with("sec-")) return true;
  if (lower == "accept" && value.starts_with("*/*")) return true;
  return std::ranges::find(kNoise, lower) != kNoise.end();
}

bool IsSmallInteger(std::string_view text) {
  return !text.empty() && text.size() <= 15 && (text == "0" || text.front() != '0') &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Fields that stand for text on the wire: `5` needs no quotes there.
Yaml FieldValue(const std::string& text) {
  return IsSmallInteger(text) ? Yaml::Plain(text) : Yaml::Text(text);
}

/// Repeated names become a list.
Yaml GroupFields(const Pairs& fields) {
  Yaml out = Yaml::Map();
  std::map<std::string, std::vector<Yaml>> values;
  std::vector<std::string> order;
  for (const auto& [name, value] : fields) {
    if (!values.contains(name)) order.push_back(name);
    values[name].push_back(FieldValue(value));
  }
  for (const std::string& name : order) {
    std::vector<Yaml>& all = values[name];
    out.Add(name, all.size() == 1 ? std::move(all.front()) : Yaml::List(std::move(all)));
  }
  return out;
}

/// A slot outside of a JSON string stands for a value of any type: `{"n": <slot>}`.
std::string QuoteBareSlots(const std::string& text) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      out += text[i++];
      out += text[i];
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    const std::string_view rest = std::string_view(text).substr(i);
    const size_t close =
        rest.starts_with(kSlotOpen) && !in_string ? rest.find(kSlotClose) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text[i];
      continue;
    }
    const std::string_view expression = rest.substr(kSlotOpen.size(), close - kSlotOpen.size());
    out += '"' + Slot(fmt::format("parse_json(string({}))", expression)) + '"';
    i += close + kSlotClose.size() - 1;
  }
  return out;
}

std::string StepName(std::string name) {
  if (name.size() > kMaxName) {
    name.resize(kMaxName);
    while (!base::IsUtf8(name)) name.pop_back();
    name += "\u2026";
  }
  return name;
}

}  // namespace

std::string StepWriter::Vary(std::string_view text, std::string_view key) {
  const std::string captured = captures_.Within(text, key);
  return secrets_.Replace(captured);
}

std::string StepWriter::VarySecret(std::string_view value, std::string_view name) {
  if (value.empty()) return {};
  const std::string captured = captures_.Within(value, name);
  return captured == value ? secrets_.Take(value, name) : captured;
}

std::string StepWriter::VaryPath(std::string_view path) {
  const size_t query = std::min(path.find('?'), path.size());
  std::string out;
  std::string_view rest = path.substr(0, query);
  while (!rest.empty()) {
    if (rest.front() == '/') {
      out += '/';
      rest.remove_prefix(1);
      continue;
    }
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    const std::string decoded = HasSlot(segment)
                                    ? std::string(segment)
                                    : http::PercentDecode(segment).value_or(std::string(segment));
    const std::string varied = Vary(decoded, "");
    out += varied == decoded ? std::string(segment) : varied;
  }
  return out + std::string(path.substr(query));
}

Yaml StepWriter::Write(const Exchange& exchange, const std::string& endpoint) {
  content_type_ = {};
  const std::string path = VaryPath(exchange.path);
  Yaml step = Yaml::Map();
  step.Tall();
  for (const std::string& comment : exchange.comments) step.Comment(ToTitle(comment));
  const std::string name =
      exchange.name.empty() ? fmt::format("{} {}", exchange.method, path) : exchange.name;
  step.Add("name", Yaml::Text(StepName(ToTitle(secrets_.Replace(name)))));
  step.Add("http", Yaml::Text(fmt::format("{} {}{}{}", exchange.method, endpoint,
                                          endpoint.empty() ? "" : ":", path)));
  AddQuery(exchange, step);
  Yaml body = Yaml::Map();
  AddContent(exchange, body);
  AddHeaders(exchange, step);
  AddAuth(exchange, step);
  for (auto& entry : body.entries()) step.Add(std::move(entry.first), std::move(entry.second));
  for (const auto& [key, value] : exchange.options) step.Add(key, value);
  return step;
}

void StepWriter::AddQuery(const Exchange& exchange, Yaml& step) {
  if (exchange.query.empty()) return;
  Pairs fields;
  for (const auto& [name, value] : exchange.query) {
    const bool secret =
        IsSensitiveName(name) ||
        std::ranges::any_of(exchange.secrets, [&](const auto& one) { return one.first == value; });
    fields.emplace_back(name, secret ? VarySecret(value, name) : Vary(value, name));
  }
  step.Add("query", GroupFields(fields));
}

void StepWriter::AddAuthorization(std::string_view value, Yaml& step, Yaml& headers) {
  const size_t space = value.find(' ');
  const std::string_view scheme = value.substr(0, space);
  const std::string_view rest = space == std::string_view::npos
                                    ? std::string_view()
                                    : http::TrimBlanks(value.substr(space + 1));
  if (http::EqualsIgnoringCase(scheme, "Bearer") && !rest.empty()) {
    step.Add("auth", Yaml::Map({{"bearer", Yaml::Text(VarySecret(rest, "token"))}}));
    return;
  }
  if (http::EqualsIgnoringCase(scheme, "Basic") && !HasSlot(rest)) {
    const auto decoded = crypto::ParseBase64(rest);
    if (decoded && decoded->contains(':')) {
      const size_t colon = decoded->find(':');
      Yaml basic = Yaml::Map();
      basic.Add("user", Yaml::Text(CleanText(decoded->substr(0, colon))));
      basic.Add("password",
                Yaml::Text(VarySecret(CleanText(decoded->substr(colon + 1)), "password")));
      step.Add("auth", Yaml::Map({{"basic", std::move(basic)}}));
      return;
    }
  }
  if (rest.empty()) {
    headers.Add("Authorization", Yaml::Text(VarySecret(value, "authorization")));
  } else {
    headers.Add("Authorization",
                Yaml::Text(fmt::format("{} {}", scheme, VarySecret(rest, "token"))));
  }
}

void StepWriter::AddCookies(std::string_view value, Yaml& headers) {
  std::string field;
  for (const auto& [name, cookie] : ParseCookies(value)) {
    field += fmt::format("{}{}={}", field.empty() ? "" : "; ", name,
                         VarySecret(cookie, "cookie_" + name));
  }
  if (!field.empty()) headers.Add("Cookie", Yaml::Text(field));
}

void StepWriter::AddHeaders(const Exchange& exchange, Yaml& step) {
  Yaml headers = Yaml::Map();
  Pairs plain;
  for (const http::HeaderField& field : exchange.headers) {
    if (IsNoise(field.name, field.value) || !http::IsFieldName(field.name)) continue;
    if (http::EqualsIgnoringCase(field.name, "Content-Type")) continue;
    if (http::EqualsIgnoringCase(field.name, "Authorization")) {
      if (!exchange.auth) AddAuthorization(field.value, step, headers);
    } else if (http::EqualsIgnoringCase(field.name, "Cookie")) {
      AddCookies(field.value, headers);
    } else if (IsSecretHeader(field.name)) {
      plain.emplace_back(field.name, VarySecret(field.value, field.name));
    } else {
      plain.emplace_back(field.name, Vary(field.value, field.name));
    }
  }
  if (!content_type_.empty()) plain.emplace_back("Content-Type", content_type_);
  for (auto& entry : GroupFields(plain).entries())
    headers.Add(entry.first, std::move(entry.second));
  if (!headers.empty()) step.Add("headers", std::move(headers));
}

void StepWriter::AddAuth(const Exchange& exchange, Yaml& step) {
  if (!exchange.auth) return;
  const Credentials& auth = *exchange.auth;
  Yaml fields = Yaml::Map();
  for (const auto& [name, value] : auth.fields) {
    const std::string wish = auth.kind == "api_key" ? "api_key" : name;
    const bool varied = IsOpenField(name) || HasSlot(value) || value.empty();
    fields.Add(name, Yaml::Text(varied ? value : VarySecret(value, wish)));
  }
  if (auth.kind == "bearer" && !auth.fields.empty()) {
    step.Add("auth", Yaml::Map({{"bearer", std::move(fields.entries().front().second)}}));
  } else {
    step.Add("auth", Yaml::Map({{auth.kind, std::move(fields)}}));
  }
}

void StepWriter::AddContent(const Exchange& exchange, Yaml& step) {
  const auto type = exchange.headers.Get("Content-Type");
  content_type_ = type.value_or("");
  if (const auto* text = std::get_if<std::string>(&exchange.content)) {
    if (text->empty()) {
      content_type_ = {};
    } else {
      AddText(exchange, *text, step);
    }
  } else if (const auto* form = std::get_if<Pairs>(&exchange.content)) {
    AddForm(*form, step);
  } else if (const auto* parts = std::get_if<std::vector<Part>>(&exchange.content)) {
    content_type_ = {};
    AddParts(*parts, step);
  } else if (const auto* file = std::get_if<FileContent>(&exchange.content)) {
    step.Add("file", Yaml::Text(file->path));
  } else {
    content_type_ = {};
  }
}

void StepWriter::AddText(const Exchange& exchange, const std::string& text, Yaml& step) {
  const auto media = http::ParseMediaType(content_type_);
  const bool json = content_type_.empty() ? (text.front() == '{' || text.front() == '[')
                                          : media && media->IsJson();
  if (json && AddJson(text, step)) {
    const bool usual = content_type_.empty() || media->Essence() == "application/json";
    if (usual) content_type_ = {};
    return;
  }
  if (media && media->Essence() == "application/x-www-form-urlencoded" && !HasSlot(text)) {
    if (const auto pairs = http::ParseQuery(text)) {
      Pairs form;
      for (const auto& [name, value] : *pairs) form.emplace_back(CleanText(name), CleanText(value));
      const bool is_text = std::ranges::all_of(
          form, [](const auto& one) { return base::IsUtf8(one.first + one.second); });
      if (is_text) return AddForm(form, step);
    }
  }
  if (!base::IsUtf8(text)) {
    if (secrets_.Holds(text)) {
      draft_.notes.push_back(
          {exchange.place, "the body is no text and holds a secret: it is left out"});
      return;
    }
    const std::string path = KeepBytes(text);
    draft_.notes.push_back({exchange.place, fmt::format("the body is no text; it is in {}", path)});
    step.Add("file", Yaml::Text(path));
    return;
  }
  step.Add("body", Yaml::Text(Vary(text, "")));
}

std::string StepWriter::KeepBytes(const std::string& bytes) {
  // The loader takes text only.
  const std::string path = fmt::format("data/body-{}.bin", draft_.files.size() + 1);
  draft_.files.push_back({path, bytes});
  return path;
}

void StepWriter::AddForm(const Pairs& form, Yaml& step) {
  std::set<std::string> names;
  const bool repeated =
      std::ranges::any_of(form, [&](const auto& one) { return !names.insert(one.first).second; });
  Pairs fields;
  for (const auto& [name, value] : form) {
    fields.emplace_back(name, IsSensitiveName(name) ? VarySecret(value, name) : Vary(value, name));
  }
  if (!repeated) {
    content_type_ = {};
    step.Add("form", GroupFields(fields));
    return;
  }
  // `form` is a map; repeated names need the text itself.
  std::string text;
  for (const auto& [name, value] : fields) {
    text += fmt::format(
        "{}{}={}", text.empty() ? "" : "&", http::PercentEncode(name),
        MapLiterals(value, [](std::string_view part) { return http::PercentEncode(part); }));
  }
  content_type_ = "application/x-www-form-urlencoded";
  step.Add("body", Yaml::Text(text));
}

void StepWriter::AddParts(const std::vector<Part>& parts, Yaml& step) {
  std::set<std::string> names;
  const bool repeated =
      std::ranges::any_of(parts, [&](const Part& one) { return !names.insert(one.name).second; });
  Yaml map = Yaml::Map();
  Yaml list = Yaml::List();
  for (const Part& part : parts) {
    const std::string text =
        IsSensitiveName(part.name) ? VarySecret(part.text, part.name) : Vary(part.text, part.name);
    const bool binary = part.file.empty() && !base::IsUtf8(part.text);
    const bool simple =
        !binary && part.file.empty() && part.filename.empty() && part.content_type.empty();
    Yaml value = Yaml::Map();
    if (repeated) value.Add("name", Yaml::Text(part.name));
    if (binary) {
      value.Add("file", Yaml::Text(KeepBytes(part.text)));
    } else if (part.file.empty()) {
      value.Add("text", Yaml::Text(text));
    } else {
      value.Add("file", Yaml::Text(part.file));
    }
    if (!part.filename.empty()) value.Add("filename", Yaml::Text(part.filename));
    if (!part.content_type.empty()) value.Add("content_type", Yaml::Text(part.content_type));
    if (repeated) {
      list.Add(std::move(value));
    } else {
      map.Add(part.name, simple ? Yaml::Text(text) : std::move(value));
    }
  }
  step.Add("multipart", repeated ? std::move(list) : std::move(map));
}

void StepWriter::VaryJson(Yaml& value, std::string_view key) {
  for (Yaml& item : value.items()) VaryJson(item, key);
  for (auto& [name, member] : value.entries()) VaryJson(member, name);
  if (value.is_text()) {
    value.set_text(IsSensitiveName(key) ? VarySecret(value.text(), key) : Vary(value.text(), key));
  } else if (value.is_plain() && !key.empty()) {
    const std::string expression = captures_.Number(value.text(), key);
    if (!expression.empty()) value = Yaml::Text(Slot(expression));
  }
}

bool StepWriter::AddJson(const std::string& text, Yaml& step) {
  const auto parsed = json::Parse(HasSlot(text) ? QuoteBareSlots(text) : text);
  if (!parsed) return false;
  auto value = Yaml::FromJson(*parsed);
  if (!value) return false;
  VaryJson(*value, "");
  step.Add("json", *std::move(value));
  return true;
}

}  // namespace assay::importing
