// The table of all types of toxics, and the JSON of a toxic.

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/fault/toxics/behaviours.h"
#include "assay/fault/toxics/toxic.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace assay::fault {

namespace {

using base::ErrorCode;
namespace js = boost::json;

constexpr double kHour = 3.6e6;  ///< milliseconds; longer delays are slips

std::vector<ToxicType> MakeTypes() {
  const auto share = [](std::string_view name, double fallback, std::string_view doc) {
    return Attribute{name, AttributeKind::kFraction, fallback, 1, doc};
  };
  const auto span = [](std::string_view name, double fallback, std::string_view doc) {
    return Attribute{name, AttributeKind::kInteger, fallback, 24 * kHour, doc};
  };
  const auto number = [](std::string_view name, double highest, std::string_view doc) {
    return Attribute{name, AttributeKind::kInteger, 0, highest, doc};
  };
  const auto text = [](std::string_view name, std::string_view doc) {
    return Attribute{name, AttributeKind::kText, 0, 0, doc};
  };
  return {
      {"latency",
       "Every chunk comes later.",
       {span("latency", 0, "Milliseconds."), span("jitter", 0, "Milliseconds more or less.")},
       MakeLatency},
      {"bandwidth",
       "Bytes come at a limited rate.",
       {number("rate", 1e9, "KB/s, of 1000 bytes; 0: nothing comes.")},
       MakeBandwidth},
      {"slow_close",
       "The end of the stream comes later.",
       {span("delay", 0, "Milliseconds.")},
       MakeSlowClose},
      {"timeout",
       "Nothing comes, and the connection is closed after a while.",
       {span("timeout", 0, "Milliseconds; 0: when the toxic goes away.")},
       MakeTimeout},
      {"reset_peer",
       "The first bytes are answered with a reset.",
       {span("timeout", 0, "Milliseconds until then.")},
       MakeResetPeer},
      {"slicer",
       "Chunks come in small pieces.",
       {number("average_size", 1e9, "Bytes of a piece."),
        number("size_variation", 1e9, "Bytes more or less; smaller than the average."),
        number("delay", 1e9, "Microseconds between two pieces.")},
       MakeSlicer},
      {"limit_data",
       "The connection is closed after some bytes.",
       {number("bytes", 1e15, "Bytes that pass.")},
       MakeLimitData},
      {"packet_loss",
       "Chunks are lost as TCP shows it: the stream stalls and then comes in a burst.",
       {share("loss_rate", 0.1, "Probability that a chunk is lost."),
        share("correlation", 0, "How much a loss follows a loss."),
        span("retransmit", 200, "Milliseconds until it is sent again; doubles.")},
       MakePacketLoss},
      {"stream_gap",
       "Chunks are missing: the receiver gets damaged data.",
       {share("loss_rate", 0.1, "Probability that a chunk is missing.")},
       MakeStreamGap},
      {"half_open",
       "The peer seems to live, but nothing of it comes, not even its end.",
       {},
       MakeHalfOpen},
      {"http",
       "Does something to the HTTP/1.1 messages that match.",
       {text("action", "`delay`, `respond`, `close` or `reset`."),
        text("method", "Method of the request."),
        text("path", "Path of the request, with `*` and `?`."),
        text("header", "`Name: value`, with `*` and `?`, of the message."),
        number("status", 999, "Status of the response, or its class such as 5; downstream."),
        number("nth", 1e9, "Only the nth message that matches; 0: all."),
        span("delay", 0, "Milliseconds; before a close or reset too."),
        {"code", AttributeKind::kInteger, 503, 999, "Status that is responded."},
        text("body", "Text that is responded.")},
       MakeHttpRule},
  };
}

base::Error BadBody(std::string why) {
  return {.code = ErrorCode::kInvalid, .message = "bad request body: " + why};
}

base::Result<js::value> Checked(const Attribute& attribute, const js::value* given) {
  if (attribute.kind == AttributeKind::kText) {
    if (given == nullptr) return js::value("");
    if (given->is_string()) return *given;
    return base::Fail(BadBody(fmt::format("attribute \"{}\" is not a text", attribute.name)));
  }
  double number = attribute.fallback;
  if (given != nullptr) {
    if (!given->is_number()) {
      return base::Fail(BadBody(fmt::format("attribute \"{}\" is not a number: {}", attribute.name,
                                            js::serialize(*given))));
    }
    number = given->to_number<double>();
  }
  const bool whole = attribute.kind == AttributeKind::kInteger;
  if (!(number >= 0 && number <= attribute.highest) || (whole && number != std::floor(number))) {
    return base::Fail(
        BadBody(fmt::format("attribute \"{}\" is not {} from 0 to {}: {}", attribute.name,
                            whole ? "an integer" : "a number", attribute.highest, number)));
  }
  if (whole) return js::value(static_cast<int64_t>(number));
  return js::value(number);
}

base::Result<js::object> CheckedAttributes(const ToxicType& type, const js::object& given) {
  js::object complete;
  for (const Attribute& attribute : type.attributes) {
    TRY(js::value value, Checked(attribute, given.if_contains(attribute.name)));
    complete.emplace(attribute.name, std::move(value));
  }
  if (type.name != "http") return complete;
  const std::string_view action = complete.at("action").as_string();
  if (action == "delay" || action == "respond" || action == "close" || action == "reset") {
    return complete;
  }
  return base::Fail(BadBody(fmt::format(
      "attribute \"action\" is not one of delay, respond, close, reset: \"{}\"", action)));
}

base::Result<std::string> TextAt(const js::object& json, std::string_view key) {
  const js::value* value = json.if_contains(key);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  return base::Fail(BadBody(fmt::format("\"{}\" is not a text", key)));
}

base::Result<std::optional<base::Duration>> SpanAt(const js::object& json, std::string_view key) {
  const js::value* value = json.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) {
    auto span = base::ParseDuration(value->get_string());
    if (!span) return base::Fail(BadBody(fmt::format("\"{}\": {}", key, span.error().message)));
    return *span;
  }
  const double ms = value->is_number() ? value->to_number<double>() : -1;
  if (ms >= 0 && ms <= 24 * kHour) return base::Duration(static_cast<int64_t>(ms * 1e6));
  return base::Fail(
      BadBody(fmt::format("\"{}\" is neither a duration such as \"250ms\" nor milliseconds: {}",
                          key, js::serialize(*value))));
}

base::Result<void> ReadWindow(const js::object& json, Window& window) {
  TRY(const auto after, SpanAt(json, "after"));
  TRY(const auto lasts, SpanAt(json, "for"));
  TRY(const auto every, SpanAt(json, "every"));
  if (after) window.after = *after;
  if (lasts) window.lasts = lasts;
  if (every) window.every = every;
  auto checked = window.Check();
  if (!checked) return base::Fail(BadBody(checked.error().message));
  return {};
}

base::Result<double> ToxicityAt(const js::object& json, double otherwise) {
  const js::value* value = json.if_contains("toxicity");
  if (value == nullptr) return otherwise;
  const double toxicity = value->is_number() ? value->to_number<double>() : -1;
  if (toxicity >= 0 && toxicity <= 1) return toxicity;
  return base::Fail(
      BadBody(fmt::format("\"toxicity\" is not a number from 0 to 1: {}", js::serialize(*value))));
}

base::Result<js::object> AttributesAt(const js::object& json) {
  const js::value* value = json.if_contains("attributes");
  if (value == nullptr || value->is_null()) return js::object();
  if (value->is_object()) return value->get_object();
  return base::Fail(BadBody("\"attributes\" is not an object"));
}

}  // namespace

std::string_view ToString(Direction direction) {
  return direction == Direction::kUpstream ? "upstream" : "downstream";
}

std::span<const ToxicType> ToxicTypes() {
  static const std::vector<ToxicType> types = MakeTypes();
  return types;
}

const ToxicType* FindToxicType(std::string_view name) {
  const auto types = ToxicTypes();
  const auto found = std::ranges::find(types, name, &ToxicType::name);
  return found == types.end() ? nullptr : &*found;
}

base::Result<ToxicSpec> ParseToxic(const js::object& json) {
  ToxicSpec spec;
  TRY(spec.name, TextAt(json, "name"));
  TRY(spec.type, TextAt(json, "type"));
  TRY(const std::string stream, TextAt(json, "stream"));
  if (!stream.empty() && stream != "upstream" && stream != "downstream") {
    return base::Fail(ErrorCode::kInvalid,
                      "stream was invalid, can be either upstream or downstream");
  }
  if (stream == "upstream") spec.stream = Direction::kUpstream;
  const ToxicType* type = FindToxicType(spec.type);
  if (type == nullptr) {
    std::vector<std::string> names;
    for (const ToxicType& one : ToxicTypes()) names.emplace_back(one.name);
    return base::Fail(base::Error{.code = ErrorCode::kInvalid,
                                  .message = "invalid toxic type",
                                  .hint = base::SuggestionFor(spec.type, names)});
  }
  if (spec.name.empty()) spec.name = fmt::format("{}_{}", spec.type, ToString(spec.stream));
  TRY(spec.toxicity, ToxicityAt(json, 1));
  TRY(const js::object attributes, AttributesAt(json));
  TRY(spec.attributes, CheckedAttributes(*type, attributes));
  TRY(ReadWindow(json, spec.window));
  return spec;
}

base::Result<ToxicSpec> ChangeToxic(ToxicSpec spec, const js::object& json) {
  TRY(spec.toxicity, ToxicityAt(json, spec.toxicity));
  TRY(const js::object attributes, AttributesAt(json));
  js::object merged = spec.attributes;
  for (const auto& [name, value] : attributes) merged[name] = value;
  TRY(spec.attributes, CheckedAttributes(*FindToxicType(spec.type), merged));
  TRY(ReadWindow(json, spec.window));
  return spec;
}

js::object ToJson(const ToxicSpec& spec) {
  js::object json = {{"attributes", spec.attributes},
                     {"name", spec.name},
                     {"type", spec.type},
                     {"stream", ToString(spec.stream)},
                     {"toxicity", spec.toxicity}};
  if (spec.toxicity == std::floor(spec.toxicity)) {
    json["toxicity"] = static_cast<int64_t>(spec.toxicity);
  }
  const Window& window = spec.window;
  if (window.after > base::Duration::zero()) json["after"] = base::FormatDuration(window.after);
  if (window.lasts) json["for"] = base::FormatDuration(*window.lasts);
  if (window.every) json["every"] = base::FormatDuration(*window.every);
  return json;
}

js::object ToJson(const Effect& effect) {
  return {{"connections", effect.connections}, {"bytes_delayed", effect.bytes_delayed},
          {"delay_ns", effect.delay.count()},  {"bytes_dropped", effect.bytes_dropped},
          {"closed", effect.closed},           {"reset", effect.reset},
          {"messages", effect.messages},       {"answered", effect.answered}};
}

}  // namespace assay::fault
