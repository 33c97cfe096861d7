#include "lib/http/media.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace http {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

base::Error BadParameter(std::string_view text) {
  return {.code = base::ErrorCode::kInvalid,
          .message = "'" + std::string(text) + "' is not a parameter, expected ; name=value"};
}

/// Takes a quoted string off the front of `rest`; nothing when it does not end.
std::optional<std::string> TakeQuoted(std::string_view& rest) {
  std::string value;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return value;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    value += rest[i];
  }
  return std::nullopt;
}

/// `0.8` to 0.8; at most 1.000 (RFC 9110 12.4.2). Nothing when malformed.
std::optional<double> ParseWeight(std::string_view text) {
  double weight = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), weight, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(weight >= 0 && weight <= 1)) return std::nullopt;
  return weight;
}

std::optional<Preference> ParsePreference(std::string_view member) {
  const size_t semicolon = std::min(member.find(';'), member.size());
  Preference preference;
  preference.value = LowerCase(TrimBlanks(member.substr(0, semicolon)));
  if (preference.value.empty()) return std::nullopt;
  const auto parameters = ParseParameters(member.substr(semicolon));
  if (!parameters.has_value()) return std::nullopt;
  for (const HeaderField& parameter : *parameters) {
    if (parameter.name != "q") continue;
    const auto weight = ParseWeight(parameter.value);
    if (!weight) return std::nullopt;
    preference.weight = *weight;
  }
  return preference;
}

}  // namespace

std::string_view MediaType::Parameter(std::string_view name) const {
  for (const HeaderField& parameter : parameters) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

bool MediaType::IsJson() const {
  return (type == "application" && subtype == "json") || subtype.ends_with("+json");
}

bool MediaType::IsCompressible() const {
  return type == "text" || IsJson() || subtype.ends_with("+xml") || subtype == "xml" ||
         subtype == "javascript" || subtype == "x-ndjson";
}

base::Result<std::vector<HeaderField>> ParseParameters(std::string_view text) {
  std::vector<HeaderField> parameters;
  std::string_view rest = TrimBlanks(text);
  while (!rest.empty()) {
    if (rest.front() != ';') return base::Fail(BadParameter(rest));
    rest = TrimBlanks(rest.substr(1));
    if (rest.empty()) break;
    if (rest.front() == ';') continue;
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos || !IsFieldName(rest.substr(0, equals))) {
      return base::Fail(BadParameter(rest));
    }
    HeaderField parameter{LowerCase(rest.substr(0, equals)), {}};
    rest.remove_prefix(equals + 1);
    if (!rest.empty() && rest.front() == '"') {
      auto value = TakeQuoted(rest);
      if (!value) return base::Fail(BadParameter(text));
      parameter.value = std::move(*value);
    } else {
      const size_t end = std::min(rest.find(';'), rest.size());
      parameter.value = TrimBlanks(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    rest = TrimBlanks(rest);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

base::Result<MediaType> ParseMediaType(std::string_view text) {
  const size_t semicolon = std::min(text.find(';'), text.size());
  const std::string_view essence = TrimBlanks(text.substr(0, semicolon));
  const size_t slash = essence.find('/');
  if (slash == std::string_view::npos || !IsFieldName(essence.substr(0, slash)) ||
      !IsFieldName(essence.substr(slash + 1))) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "'" + std::string(text) + "' is not a media type, expected type/subtype");
  }
  MediaType media{LowerCase(essence.substr(0, slash)), LowerCase(essence.substr(slash + 1)), {}};
  TRY(media.parameters, ParseParameters(text.substr(semicolon)));
  return media;
}

std::vector<Preference> ParsePreferences(std::string_view field) {
  std::vector<Preference> preferences;
  const auto lighter = [](const Preference& a, const Preference& b) { return a.weight > b.weight; };
  while (!field.empty()) {
    const size_t comma = std::min(field.find(','), field.size());
    if (auto preference = ParsePreference(field.substr(0, comma))) {
      const auto place =
          std::upper_bound(preferences.begin(), preferences.end(), *preference, lighter);
      preferences.insert(place, std::move(*preference));
    }
    field.remove_prefix(std::min(comma + 1, field.size()));
  }
  return preferences;
}

bool AcceptsEncoding(std::string_view accept_encoding, std::string_view coding) {
  std::optional<double> any;
  for (const Preference& preference : ParsePreferences(accept_encoding)) {
    if (preference.value == coding) return preference.weight > 0;
    if (preference.value == "*") any = preference.weight;
  }
  if (any) return *any > 0;
  return coding == "identity";
}

}  // namespace http
