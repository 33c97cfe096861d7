#pragma once
// The JSON shape of a recorded exchange: the blob that an outcome's `transcript` names.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/history/blob_store.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::history {

/// A body by reference: `preview` is its beginning as text, "" for binary content.
struct TranscriptBody {
  std::string blob;
  uint64_t size = 0;
  std::string media_type;
  std::string preview;
};

struct HttpMessage {
  std::string http_version;                                  ///< `1.1`, `2`
  std::vector<std::pair<std::string, std::string>> headers;  ///< in order, repeated ones kept
  TranscriptBody body;
};

struct HttpRequestRecord : HttpMessage {
  std::string method;
  std::string url;
};

struct HttpResponseRecord : HttpMessage {
  int status = 0;
  std::string reason;
};

struct TlsRecord {
  std::string version;
  std::string cipher;
  std::string alpn;
  std::string subject;
  std::string issuer;
  std::string not_after;  ///< RFC 3339
};

/// Where the time went; zero when a phase did not happen.
struct HttpTimings {
  base::Duration dns{};
  base::Duration connect{};
  base::Duration tls{};
  base::Duration first_byte{};
  base::Duration total{};
};

/// {"kind":"http", "request":{method, url, http_version, headers[[name, value]], body{blob, size,
/// media_type, preview}}, "response":{status, reason, ...} or null, "timings":{dns_ns, ...},
/// "tls":{...} or null, "redirects":[url], "error": text or null}
struct HttpExchange {
  HttpRequestRecord request;
  std::optional<HttpResponseRecord> response;  ///< absent when none came
  HttpTimings timings;
  std::optional<TlsRecord> tls;
  std::vector<std::string> redirects;  ///< URLs that were followed, in order
  std::string error;                   ///< why there is no response, or ""
};

boost::json::object ToJson(const HttpExchange& exchange);
/// kUnsupported for a transcript of another kind.
base::Result<HttpExchange> HttpExchangeFromJson(const boost::json::object& json);

/// Stores a body and describes it; an empty body has no blob.
base::Result<TranscriptBody> RecordBody(std::string_view bytes, std::string media_type,
                                        BlobSink& sink);
/// Stores the exchange; returns the name for Outcome::transcript.
base::Result<std::string> RecordExchange(const HttpExchange& exchange, BlobSink& sink);

}  // namespace assay::history
