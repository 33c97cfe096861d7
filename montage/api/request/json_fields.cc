#include "montage/api/request/json_fields.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/suggest.h"
#include "lib/http/media.h"
#include "lib/json/parse.h"

namespace montage::api {
namespace {

std::string_view KindOf(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a text";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
  }
  std::unreachable();
}

}  // namespace

JsonFields::JsonFields(const http::Request& request) {
  const auto header = request.headers.Get("Content-Type");
  const auto media = header
                         ? http::ParseMediaType(*header)
                         : base::Result<http::MediaType>(base::Fail(base::ErrorCode::kInvalid, ""));
  if (!media || !media->IsJson()) {
    fatal_ = Problem{.status = 415,
                     .error = "unsupported_media_type",
                     .message = fmt::format("the body is {}; expected application/json",
                                            header ? *header : "of no named type")};
    return;
  }
  auto parsed = json::Parse(request.body);
  if (!parsed) {
    fatal_ = Problem{.status = 400, .error = "bad_request", .message = parsed.error().message};
  } else if (!parsed->is_object()) {
    fatal_ = Problem{.status = 400,
                     .error = "bad_request",
                     .message = fmt::format("the body is {}; expected an object", KindOf(*parsed))};
  } else {
    object_ = std::move(parsed->get_object());
  }
}

JsonFields::JsonFields(boost::json::object object, std::string prefix)
    : object_(std::move(object)), prefix_(std::move(prefix)) {}

const boost::json::value* JsonFields::Take(std::string_view name, bool required) {
  known_.emplace(name);
  const auto* found = object_.if_contains(name);
  if (found != nullptr && !(found->is_null() && !required)) return found;
  if (required && !fatal_) Wrong(name, "is missing");
  return nullptr;
}

void JsonFields::Wrong(std::string_view name, std::string_view message) {
  wrong_[prefix_ + std::string(name)] = message;
}

std::string JsonFields::RequiredText(std::string_view name) {
  const auto* found = Take(name, true);
  if (found == nullptr) return {};
  if (!found->is_string() || found->get_string().empty()) {
    Wrong(name, fmt::format("is {}; expected a text that is not empty",
                            found->is_string() ? "empty" : KindOf(*found)));
    return {};
  }
  return std::string(found->get_string());
}

std::optional<std::string> JsonFields::Text(std::string_view name) {
  const auto* found = Take(name, false);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) {
    Wrong(name, fmt::format("is {}; expected a text", KindOf(*found)));
    return std::nullopt;
  }
  return std::string(found->get_string());
}

std::string JsonFields::RequiredWord(std::string_view name, std::span<const std::string> words) {
  std::string word = RequiredText(name);
  if (word.empty() || std::ranges::find(words, word) != words.end()) return word;
  Wrong(name, fmt::format("is \"{}\"; expected one of {}", word, fmt::join(words, ", ")));
  return {};
}

std::string JsonFields::Word(std::string_view name, std::span<const std::string> words,
                             std::string_view fallback) {
  if (Take(name, false) == nullptr) return std::string(fallback);
  return RequiredWord(name, words);
}

bool JsonFields::Bool(std::string_view name, bool fallback) {
  const auto* found = Take(name, false);
  if (found == nullptr) return fallback;
  if (found->is_bool()) return found->get_bool();
  Wrong(name, fmt::format("is {}; expected true or false", KindOf(*found)));
  return fallback;
}

std::optional<bool> JsonFields::OptionalBool(std::string_view name) {
  if (Take(name, false) == nullptr) return std::nullopt;
  return Bool(name, false);
}

std::optional<int64_t> JsonFields::OptionalInt(std::string_view name, int64_t low, int64_t high) {
  if (Take(name, false) == nullptr) return std::nullopt;
  return Int(name, low, low, high);
}

int64_t JsonFields::Int(std::string_view name, int64_t fallback, int64_t low, int64_t high) {
  const auto* found = Take(name, false);
  if (found == nullptr) return fallback;
  if (found->is_int64() && found->get_int64() >= low && found->get_int64() <= high)
    return found->get_int64();
  Wrong(name, fmt::format("expected a whole number from {} to {}", low, high));
  return fallback;
}

std::vector<std::string> JsonFields::RequiredTexts(std::string_view name, size_t most,
                                                   size_t least) {
  const auto* found = Take(name, true);
  if (found == nullptr) return {};
  const auto* list = found->if_array();
  if (list == nullptr || list->size() < least || list->size() > most) {
    Wrong(name,
          list == nullptr
              ? fmt::format("is {}; expected a list of {} to {} texts", KindOf(*found), least, most)
              : fmt::format("has {} entries; expected {} to {}", list->size(), least, most));
    return {};
  }
  std::vector<std::string> texts;
  for (const auto& entry : *list) {
    if (!entry.is_string() || entry.get_string().empty()) {
      Wrong(name, fmt::format("has an entry that is {}; expected texts",
                              entry.is_string() ? "empty" : KindOf(entry)));
      return {};
    }
    texts.emplace_back(entry.get_string());
  }
  return texts;
}

JsonFields JsonFields::Object(std::string_view name) {
  const auto* found = Take(name, false);
  std::string prefix = prefix_ + std::string(name) + ".";
  if (found == nullptr) return {boost::json::object(), std::move(prefix)};
  if (!found->is_object()) {
    Wrong(name, fmt::format("is {}; expected an object", KindOf(*found)));
    return {boost::json::object(), std::move(prefix)};
  }
  return {found->get_object(), std::move(prefix)};
}

void JsonFields::Merge(JsonFields&& nested) {
  if (auto problem = nested.Finish()) {
    const auto* fields = problem->details.if_contains("fields");
    if (fields == nullptr) return;
    for (const auto& entry : fields->get_object()) wrong_[entry.key()] = entry.value();
  }
}

std::optional<Problem> JsonFields::Finish() {
  if (fatal_) return fatal_;
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto& member : object_) {
    const std::string name(member.key());
    if (!known_.contains(name)) Wrong(name, "is unknown; " + base::SuggestionFor(name, names));
  }
  if (wrong_.empty()) return std::nullopt;
  Problem problem{.status = 422, .error = "invalid"};
  problem.message = fmt::format("{} {}", std::string_view(wrong_.begin()->key()),
                                std::string_view(wrong_.begin()->value().get_string()));
  if (wrong_.size() > 1) problem.message += fmt::format(" (and {} more)", wrong_.size() - 1);
  problem.details["fields"] = wrong_;
  return problem;
}

}  // namespace montage::api
