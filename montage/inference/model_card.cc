#include "montage/inference/model_card.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"
#include "montage/inference/wire.h"

namespace montage::inference {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kMaxWord = 64;

bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWord && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

base::Error Wrong(std::string_view member, const boost::json::value& value,
                  std::string_view expected) {
  // The value is the model's: shown as JSON, which quotes it, and cut.
  return {ErrorCode::kInvalid, fmt::format("{} of the model is {}; expected {}", member,
                                           boost::json::serialize(value).substr(0, 100), expected)};
}

Result<boost::json::value> Member(const boost::json::object& object, std::string_view name) {
  const boost::json::value* found = object.if_contains(name);
  if (found == nullptr)
    return base::Fail(ErrorCode::kInvalid, fmt::format("the model does not say its {}", name));
  return *found;
}

Result<std::string> Word(const boost::json::object& object, std::string_view name) {
  TRY(const boost::json::value value, Member(object, name));
  if (!value.is_string() || !IsWord(value.get_string())) {
    return base::Fail(Wrong(name, value, "1 to 64 letters, digits, dots, underscores or hyphens"));
  }
  return std::string(value.get_string());
}

Result<double> NumberFrom(const boost::json::object& object, std::string_view name, double least,
                          double most) {
  TRY(const boost::json::value value, Member(object, name));
  const double number = value.is_number() ? value.to_number<double>() : 0;
  if (number < least || number > most)
    return base::Fail(Wrong(name, value, fmt::format("a number from {} to {}", least, most)));
  return number;
}

Result<std::vector<std::string>> Channels(const boost::json::object& object) {
  TRY(const boost::json::value value, Member(object, "channels"));
  const boost::json::array* list = value.if_array();
  if (list == nullptr || list->empty() || list->size() > kMaxChannels) {
    return base::Fail(Wrong("channels", value, fmt::format("1 to {} names", kMaxChannels)));
  }
  std::vector<std::string> channels;
  std::set<std::string> seen;
  for (const boost::json::value& name : *list) {
    if (!name.is_string() || !IsWord(name.get_string()) ||
        !seen.insert(std::string(name.get_string())).second) {
      return base::Fail(Wrong("channels", name, "canonical names such as Fp1, each one once"));
    }
    channels.emplace_back(name.get_string());
  }
  return channels;
}

Result<ModelOutput> Output(const boost::json::object& object) {
  TRY(const boost::json::value value, Member(object, "output"));
  if (value == "probability") return ModelOutput::kProbability;
  if (value == "logit") return ModelOutput::kLogit;
  return base::Fail(Wrong("output", value, "probability or logit"));
}

Result<ModelCard> ReadCard(const boost::json::object& object) {
  constexpr std::string_view kMembers[] = {"name",     "version",  "rate_hz",
                                           "window_s", "channels", "output"};
  for (const auto& member : object) {
    if (std::ranges::find(kMembers, std::string_view(member.key())) == std::end(kMembers)) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("the model has the unknown member {}",
                      boost::json::serialize(boost::json::value(member.key())).substr(0, 100)));
    }
  }
  ModelCard card;
  TRY(card.name, Word(object, "name"));
  TRY(card.version, Word(object, "version"));
  TRY(card.rate_hz, NumberFrom(object, "rate_hz", 100, 1000));
  TRY(card.window_s, NumberFrom(object, "window_s", 2, 60));
  const double samples = card.rate_hz * card.window_s;
  if (card.rate_hz != std::round(card.rate_hz) || samples != std::round(samples)) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("rate_hz {} times window_s {} of the model is {} samples; "
                                  "expected a whole rate and a whole number of samples",
                                  card.rate_hz, card.window_s, samples));
  }
  TRY(card.channels, Channels(object));
  TRY(card.output, Output(object));
  return card;
}

bool IsSha256(const boost::json::value& value) {
  return value.is_string() && value.get_string().size() == 64 &&
         std::ranges::all_of(value.get_string(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

uint32_t ModelCard::samples() const {
  return static_cast<uint32_t>(std::lround(rate_hz * window_s));
}

Result<ModelCard> ParseCard(std::string_view text) {
  TRY(const boost::json::value value, json::Parse(text));
  if (!value.is_object())
    return base::Fail(ErrorCode::kInvalid, "the description of the model is no JSON object");
  return ReadCard(value.get_object());
}

boost::json::object ToJson(const ModelCard& card) {
  return {{"name", card.name},
          {"version", card.version},
          {"rate_hz", card.rate_hz},
          {"window_s", card.window_s},
          {"channels", boost::json::array(card.channels.begin(), card.channels.end())},
          {"output", card.output == ModelOutput::kLogit ? "logit" : "probability"}};
}

std::string FormatHello(const Hello& hello) {
  return boost::json::serialize(boost::json::object{{"protocol", kProtocolVersion},
                                                    {"model", ToJson(hello.card)},
                                                    {"sha256", hello.sha256},
                                                    {"confined", hello.confined}}) +
         "\n";
}

std::string FormatRefusal(std::string_view reason) {
  return boost::json::serialize(
             boost::json::object{{"protocol", kProtocolVersion},
                                 {"error", Printable(reason.substr(0, kMaxErrorBytes))}}) +
         "\n";
}

Result<Hello> ParseHello(std::string_view line) {
  auto value = json::Parse(line);
  if (!value || !value->is_object())
    return base::Fail(ErrorCode::kCorrupt, "the model process did not greet with a JSON object");
  const boost::json::object& object = value->get_object();
  const boost::json::value* protocol = object.if_contains("protocol");
  if (protocol == nullptr || *protocol != kProtocolVersion) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the model process speaks no protocol {}", kProtocolVersion));
  }
  if (const boost::json::value* error = object.if_contains("error");
      error != nullptr && error->is_string()) {
    return base::Fail(ErrorCode::kUnavailable, Printable(error->get_string()));
  }
  const boost::json::value* model = object.if_contains("model");
  const boost::json::value* sha256 = object.if_contains("sha256");
  const boost::json::value* confined = object.if_contains("confined");
  if (model == nullptr || !model->is_object() || sha256 == nullptr || !IsSha256(*sha256) ||
      confined == nullptr || !confined->is_bool()) {
    return base::Fail(ErrorCode::kCorrupt,
                      "the greeting of the model process lacks model, sha256 or confined");
  }
  TRY(ModelCard card, ReadCard(model->get_object()));
  return Hello{.card = std::move(card),
               .sha256 = std::string(sha256->get_string()),
               .confined = confined->get_bool()};
}

}  // namespace montage::inference
