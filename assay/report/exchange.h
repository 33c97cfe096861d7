#pragma once
// The readable part of a transcript blob: what was sent and what came back, ready to be shown.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/report/report.h"

namespace assay::report {

struct Message {
  std::string start;  ///< `POST http://.../upload HTTP/1.1` or `200 HTTP/1.1`
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< text preview, "" when there is none
  uint64_t body_size = 0;
  bool body_cut = false;  ///< the preview is shorter than the body, or the body is binary
  std::string media_type;
};

struct Exchange {
  Message request;
  Message response;
  int status = 0;  ///< of the response; 0 when none came
  std::vector<std::pair<std::string, int64_t>> timings_ns;
};

/// nullopt when there is no transcript or it is none of an exchange.
std::optional<Exchange> ReadExchange(std::string_view transcript_blob, const ReportInput& input);

}  // namespace assay::report
