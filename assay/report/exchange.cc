#include "assay/report/exchange.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/transcript.h"
#include "lib/json/parse.h"

namespace assay::report {
namespace {

Message MessageOf(const history::HttpMessage& recorded, std::string start) {
  return {.start = std::move(start),
          .headers = recorded.headers,
          .body = recorded.body.preview,
          .body_size = recorded.body.size,
          .body_cut = recorded.body.preview.size() < recorded.body.size,
          .media_type = recorded.body.media_type};
}

}  // namespace

std::optional<Exchange> ReadExchange(std::string_view transcript_blob, const ReportInput& input) {
  if (transcript_blob.empty()) return std::nullopt;
  const auto bytes = input.read_blob(transcript_blob);
  if (!bytes) return std::nullopt;
  const auto parsed = json::Parse(*bytes);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const auto recorded = history::HttpExchangeFromJson(parsed->get_object());
  if (!recorded) return std::nullopt;
  Exchange exchange;
  exchange.request =
      MessageOf(recorded->request, recorded->request.method + " " + recorded->request.url);
  if (recorded->response) {
    exchange.status = recorded->response->status;
    exchange.response =
        MessageOf(*recorded->response,
                  fmt::format("{} {}, HTTP {}", recorded->response->status,
                              recorded->response->reason, recorded->response->http_version));
  } else {
    exchange.response.start = recorded->error;
  }
  const history::HttpTimings& timings = recorded->timings;
  exchange.timings_ns = {{"dns", timings.dns.count()},
                         {"connect", timings.connect.count()},
                         {"tls", timings.tls.count()},
                         {"first byte", timings.first_byte.count()},
                         {"total", timings.total.count()}};
  std::erase_if(exchange.timings_ns, [](const auto& timing) { return timing.second == 0; });
  return exchange;
}

}  // namespace assay::report
