#include "assay/importing/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/slot.h"
#include "lib/crypto/base64.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

/// A shorter value would be found in words that have nothing to do with it.
constexpr size_t kMinSearched = 6;

std::string Letters(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool IsBase64Url(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
}

bool IsTokenCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

void EachLeaf(const boost::json::value& value, std::string_view key,
              const std::function<void(std::string_view key, std::string_view text)>& visit) {
  if (value.is_string()) {
    visit(key, value.get_string());
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.get_object()) EachLeaf(member, name, visit);
  } else if (value.is_array()) {
    for (const auto& item : value.get_array()) EachLeaf(item, key, visit);
  }
}

bool HasCredential(const Draft& draft, std::string_view name) {
  return std::ranges::find(draft.credentials, name, &CredentialDraft::name) !=
         draft.credentials.end();
}

}  // namespace

bool IsSensitiveName(std::string_view name) {
  const std::string letters = Letters(name);
  constexpr std::array<std::string_view, 6> kExact = {"pin", "otp", "pwd", "cvv", "cvc", "auth"};
  if (std::ranges::find(kExact, letters) != kExact.end()) return true;
  // Words that talk about tokens without being one.
  for (const std::string_view harmless :
       {"tokens", "tokentype", "tokencount", "passwordpolicy", "secretname"}) {
    if (letters.ends_with(harmless)) return false;
  }
  constexpr std::array<std::string_view, 15> kWords = {
      "password",   "passwd",    "passphrase", "secret",     "token",
      "apikey",     "accesskey", "privatekey", "signingkey", "authorization",
      "credential", "csrf",      "xsrf",       "sessionkey", "onetimecode"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return letters.contains(word); });
}

bool IsSecretHeader(std::string_view name) {
  const std::string letters = Letters(name);
  return letters == "cookie" || letters == "authorization" || letters == "proxyauthorization" ||
         letters.ends_with("session") || letters.ends_with("sessionid") || IsSensitiveName(name);
}

bool IsJsonWebToken(std::string_view text) {
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  return text.starts_with("eyJ") && second != std::string_view::npos &&
         IsBase64Url(text.substr(0, first)) &&
         IsBase64Url(text.substr(first + 1, second - first - 1)) &&
         (second + 1 == text.size() || IsBase64Url(text.substr(second + 1)));
}

Pairs ParseCookies(std::string_view field) {
  Pairs out;
  while (!field.empty()) {
    const size_t end = std::min(field.find(';'), field.size());
    const std::string_view one = http::TrimBlanks(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    if (one.empty()) continue;
    const size_t equals = one.find('=');
    out.emplace_back(std::string(one.substr(0, equals)),
                     equals == std::string_view::npos ? "" : std::string(one.substr(equals + 1)));
  }
  return out;
}

std::pair<std::string, std::string> ParseSetCookie(std::string_view field) {
  const Pairs parts = ParseCookies(field.substr(0, field.find(';')));
  return parts.empty() ? std::pair<std::string, std::string>() : parts.front();
}

bool IsOpenField(std::string_view name) {
  return name == "user" || name == "header" || name == "region" || name == "service";
}

void Secrets::Learn(std::string_view value, std::string_view name) {
  if (value.empty() || HasSlot(value)) return;
  names_.emplace(std::string(value), std::string(name));
}

void Secrets::LearnJson(std::string_view text) {
  const auto parsed = json::Parse(text);
  if (!parsed) return;
  EachLeaf(*parsed, "", [&](std::string_view key, std::string_view leaf) {
    if (IsSensitiveName(key)) Learn(leaf, key);
  });
}

void Secrets::Learn(const Exchange& exchange) {
  for (const http::HeaderField& field : exchange.headers) {
    if (http::EqualsIgnoringCase(field.name, "Cookie")) {
      for (const auto& [name, value] : ParseCookies(field.value)) Learn(value, "cookie_" + name);
    } else if (http::EqualsIgnoringCase(field.name, "Authorization")) {
      const size_t space = field.value.find(' ');
      Learn(space == std::string::npos ? field.value : field.value.substr(space + 1), "token");
    } else if (IsSecretHeader(field.name)) {
      Learn(field.value, field.name);
    }
  }
  for (const auto& [value, name] : exchange.secrets) Learn(value, name);
  for (const auto& [name, value] : exchange.query) {
    if (IsSensitiveName(name)) Learn(value, name);
  }
  if (exchange.auth) {
    for (const auto& [name, value] : exchange.auth->fields) {
      if (!IsOpenField(name)) Learn(value, name);
    }
  }
  if (const auto* form = std::get_if<Pairs>(&exchange.content)) {
    for (const auto& [name, value] : *form) {
      if (IsSensitiveName(name)) Learn(value, name);
    }
  } else if (const auto* parts = std::get_if<std::vector<Part>>(&exchange.content)) {
    for (const Part& part : *parts) {
      if (IsSensitiveName(part.name)) Learn(part.text, part.name);
    }
  } else if (const auto* text = std::get_if<std::string>(&exchange.content)) {
    LearnJson(*text);
  }
}

std::string Secrets::Take(std::string_view name) {
  const std::string wanted = ToIdentifier(name);
  const bool known = HasCredential(draft_, wanted);
  if (!known) draft_.credentials.push_back({wanted, Upper(ToIdentifier(prefix_ + "_" + wanted))});
  return Slot("environment.credentials." + wanted);
}

std::string Secrets::Take(std::string_view value, std::string_view name) {
  if (HasSlot(value)) return Replace(value);
  if (const auto known = made_.find(value); known != made_.end()) {
    return Slot("environment.credentials." + known->second);
  }
  std::string wanted = ToIdentifier(name);
  for (int number = 2; HasCredential(draft_, wanted); ++number) {
    wanted = fmt::format("{}_{}", ToIdentifier(name), number);
  }
  names_.emplace(std::string(value), wanted);
  made_.emplace(std::string(value), wanted);
  return Take(wanted);
}

std::string Secrets::Replace(std::string_view text) {
  return MapLiterals(text, [&](std::string_view literal) {
    std::string out(literal);
    // Longest first, so that a secret within another one does not break it.
    std::vector<std::pair<std::string, std::string>> known(names_.begin(), names_.end());
    std::ranges::sort(known, std::greater<>(), [](const auto& one) { return one.first.size(); });
    for (const auto& [value, name] : known) {
      if (value.size() < kMinSearched) continue;
      if (!out.contains(value)) continue;
      const std::string slot = Take(value, name);
      out = MapLiterals(out, [&](std::string_view piece) {
        std::string changed(piece);
        for (size_t at = 0; (at = changed.find(value, at)) != std::string::npos;
             at += slot.size()) {
          changed.replace(at, value.size(), slot);
        }
        return changed;
      });
    }
    return MapLiterals(out, [&](std::string_view piece) {
      std::string changed;
      for (size_t i = 0; i < piece.size();) {
        size_t end = i;
        while (end < piece.size() && IsTokenCharacter(piece[end])) ++end;
        const std::string_view token = piece.substr(i, end - i);
        if (token.size() > 20 && IsJsonWebToken(token)) {
          changed += Take(token, "token");
        } else {
          changed += piece.substr(i, std::max<size_t>(end - i, 1));
        }
        i = std::max(end, i + 1);
      }
      return changed;
    });
  });
}

bool Secrets::Holds(std::string_view text) const {
  return std::ranges::any_of(names_, [&](const auto& one) {
    return one.first.size() >= kMinSearched && text.contains(one.first);
  });
}

}  // namespace assay::importing
