#include "assay/report/exchange.h"

#include <boost/json.hpp>

#include "lib/json/parse.h"

namespace assay::report {
namespace {

using boost::json::object;
using boost::json::value;

std::string Text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

int64_t Number(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

Message ReadMessage(const object& from) {
  Message message;
  message.start = Text(from, "start");
  if (const value* headers = from.if_contains("headers");
      headers != nullptr && headers->is_array()) {
    for (const value& header : headers->get_array()) {
      const auto* pair = header.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
          !(*pair)[1].is_string())
        continue;
      message.headers.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
    }
  }
  if (const value* body = from.if_contains("body"); body != nullptr && body->is_object()) {
    const object& described = body->get_object();
    message.body = Text(described, "preview");
    message.body_size = static_cast<uint64_t>(Number(described, "size"));
    message.media_type = Text(described, "media_type");
    const value* cut = described.if_contains("cut");
    message.body_cut = cut != nullptr && cut->is_bool() && cut->get_bool();
  }
  return message;
}

}  // namespace

std::optional<Exchange> ReadExchange(std::string_view transcript_blob, const ReportInput& input) {
  if (transcript_blob.empty()) return std::nullopt;
  const auto bytes = input.read_blob(transcript_blob);
  if (!bytes) return std::nullopt;
  const auto parsed = json::Parse(*bytes);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const object& root = parsed->get_object();
  const value* request = root.if_contains("request");
  if (request == nullptr || !request->is_object()) return std::nullopt;
  Exchange exchange;
  exchange.request = ReadMessage(request->get_object());
  if (const value* response = root.if_contains("response");
      response != nullptr && response->is_object()) {
    exchange.response = ReadMessage(response->get_object());
    exchange.status = static_cast<int>(Number(response->get_object(), "status"));
  }
  if (const value* timings = root.if_contains("timings_ns");
      timings != nullptr && timings->is_object()) {
    for (const auto& timing : timings->get_object()) {
      if (timing.value().is_int64())
        exchange.timings_ns.emplace_back(timing.key(), timing.value().get_int64());
    }
  }
  return exchange;
}

}  // namespace assay::report
