// What a finished transfer says: the response, or the error.

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lib/http/internal/fields.h"
#include "lib/http/internal/transfer.h"
#include "lib/http/unsent.h"

namespace http::internal {

using base::ErrorCode;

namespace {

base::Duration Microseconds(curl_off_t count) { return std::chrono::microseconds(count); }

std::string VersionText(long version) {
  switch (version) {
    case CURL_HTTP_VERSION_1_0:
      return "1.0";
    case CURL_HTTP_VERSION_1_1:
      return "1.1";
    case CURL_HTTP_VERSION_2_0:
      return "2";
    case CURL_HTTP_VERSION_3:
      return "3";
    default:
      return "";
  }
}

/// `DNS:a, IP Address:1.2.3.4` to its members.
std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    names.emplace_back(TrimBlanks(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

int StatusOfHead(std::string_view head) {
  const size_t space = head.find(' ');
  int status = 0;
  if (space != std::string_view::npos) {
    std::from_chars(head.data() + space + 1, head.data() + head.size(), status);
  }
  return status;
}

// What libcurl meets before it sends anything.
bool IsBeforeSending(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string Transfer::Peer() const {
  if (!request_.unix_socket.empty()) return "unix socket " + request_.unix_socket;
  if (!request_.proxy.empty()) return "proxy " + request_.proxy;
  return net::Endpoint{url_.host, url_.port}.ToString();
}

net::Task<base::Result<ClientResponse>> Transfer::Run(std::shared_ptr<CurlLoop> loop,
                                                      base::Deadline deadline) {
  /// Also when the coroutine is destroyed while it waits.
  struct Membership {
    CurlLoop& loop;
    CURL* easy;
    ~Membership() { loop.Remove(easy); }
  };
  CurlOutcome outcome;
  loop->Add(easy_, &outcome);
  const Membership membership{*loop, easy_};
  const auto waited = co_await outcome.done.Wait(deadline);
  if (!waited.has_value()) {
    const bool late = waited.error().code == ErrorCode::kTimeout;
    const bool connected = Get<curl_off_t>(CURLINFO_CONNECT_TIME_T) > 0;
    const std::string what = connected ? "no complete answer from " : "no connection to ";
    co_return base::Fail(waited.error().code,
                         what + Peer() + (late ? " before the deadline" : ": cancelled"));
  }
  if (outcome.code != CURLE_OK) {
    base::Error error = ErrorOf(outcome.code);
    // A redirect that cannot be followed comes after a request that was carried out.
    if (heads_.empty() && IsBeforeSending(outcome.code)) error.While(std::string(kWhileConnecting));
    co_return base::Fail(std::move(error));
  }
  co_return Finish();
}

base::Result<ClientResponse> Transfer::Finish() {
  if (download_ != nullptr) {
    const bool flushed = std::fclose(download_) == 0;
    download_ = nullptr;
    if (!flushed) {
      return base::Fail(ErrorCode::kIo,
                        "cannot write '" + request_.download_to + "': " + std::strerror(errno));
    }
  }
  ClientResponse response;
  response.status = static_cast<int>(Get<long>(CURLINFO_RESPONSE_CODE));
  response.version = VersionText(Get<long>(CURLINFO_HTTP_VERSION));
  response.body = std::move(body_);
  response.body_bytes = body_bytes_;
  response.heads = std::move(heads_);
  if (!response.heads.empty()) {
    response.headers = ParseFields(response.heads.back().response);
    for (size_t i = 0; i + 1 < response.heads.size(); ++i) {
      const std::string& head = response.heads[i].response;
      const int status = StatusOfHead(head);
      const Headers fields = ParseFields(head);
      const auto location = fields.Get("Location");
      if (status < 300 || status > 399 || !location) continue;
      response.redirects.push_back({.status = status, .location = std::string(*location)});
    }
  }
  for (const HeaderField& field : ParseFields(trailers_)) {
    response.headers.Add(field.name, field.value);
  }
  ReadFacts(response);
  return response;
}

void Transfer::ReadFacts(ClientResponse& response) const {
  const auto dns = Get<curl_off_t>(CURLINFO_NAMELOOKUP_TIME_T);
  const auto connect = Get<curl_off_t>(CURLINFO_CONNECT_TIME_T);
  const auto tls = Get<curl_off_t>(CURLINFO_APPCONNECT_TIME_T);
  const auto sent = Get<curl_off_t>(CURLINFO_PRETRANSFER_TIME_T);
  const auto first = Get<curl_off_t>(CURLINFO_STARTTRANSFER_TIME_T);
  const auto span = [](curl_off_t from, curl_off_t to) {
    return Microseconds(std::max<curl_off_t>(0, to - from));
  };
  response.timings.dns = Microseconds(dns);
  response.timings.connect = span(dns, connect);
  response.timings.tls = span(connect, tls);
  response.timings.first_byte = span(sent, first);
  response.timings.total = Microseconds(Get<curl_off_t>(CURLINFO_TOTAL_TIME_T));

  response.sent_bytes = static_cast<uint64_t>(Get<curl_off_t>(CURLINFO_SIZE_UPLOAD_T));
  response.received_bytes = static_cast<uint64_t>(Get<curl_off_t>(CURLINFO_SIZE_DOWNLOAD_T));
  const auto text = [this](CURLINFO which) {
    const char* const value = Get<const char*>(which);
    return std::string(value == nullptr ? "" : value);
  };
  response.effective_url = text(CURLINFO_EFFECTIVE_URL);
  response.remote = {.address = text(CURLINFO_PRIMARY_IP),
                     .port = static_cast<uint16_t>(Get<long>(CURLINFO_PRIMARY_PORT))};
  response.reused_connection = Get<long>(CURLINFO_NUM_CONNECTS) == 0;
  if (url_.secure()) response.certificate = Certificate();
}

std::optional<CertificateFacts> Transfer::Certificate() const {
  const auto* const chain = Get<const curl_certinfo*>(CURLINFO_CERTINFO);
  if (chain == nullptr || chain->num_of_certs < 1) return std::nullopt;
  CertificateFacts facts;
  for (const curl_slist* entry = chain->certinfo[0]; entry != nullptr; entry = entry->next) {
    const std::string_view line = entry->data;
    const size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (name == "Subject") facts.subject = value;
    if (name == "Issuer") facts.issuer = value;
    if (name == "Start date") facts.valid_from = value;
    if (name == "Expire date") facts.expires = value;
    if (name == "X509v3 Subject Alternative Name") facts.alt_names = SplitNames(value);
  }
  return facts;
}

base::Error Transfer::ConnectError() const {
  const int number = static_cast<int>(Get<long>(CURLINFO_OS_ERRNO));
  if (number == ECONNREFUSED) {
    return {.code = ErrorCode::kUnavailable,
            .message = "connection refused by " + Peer(),
            .hint = "check that the service is running and listens on this port"};
  }
  const std::string why = number != 0 ? std::strerror(number) : message_;
  return {.code = ErrorCode::kUnavailable, .message = "cannot connect to " + Peer() + ": " + why};
}

base::Error Transfer::ErrorOf(CURLcode code) const {
  const std::string why = message_[0] != '\0' ? message_ : curl_easy_strerror(code);
  const auto error = [](ErrorCode kind, std::string message, std::string hint = {}) {
    return base::Error{.code = kind, .message = std::move(message), .hint = std::move(hint)};
  };
  const std::string url = request_.url;
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return ConnectError();
    case CURLE_COULDNT_RESOLVE_HOST:
      return error(ErrorCode::kUnavailable, "cannot resolve host '" + url_.host + "'",
                   "check the host name and the name server");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return error(ErrorCode::kUnavailable, "cannot resolve proxy '" + request_.proxy + "'");
    case CURLE_OPERATION_TIMEDOUT:
      return error(ErrorCode::kTimeout, "no connection to " + Peer() + " in time: " + why);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      if (!heads_.empty() && heads_.back().response.empty()) {
        return error(ErrorCode::kCorrupt, "the answer of " + url + " is not http: " + why);
      }
      return error(ErrorCode::kInvalid, "url '" + url + "' or a redirect of it is invalid: " + why);
    case CURLE_TOO_MANY_REDIRECTS:
      return error(ErrorCode::kTooLarge,
                   "url '" + url + "' was redirected more than " +
                       std::to_string(request_.max_redirects) + " times",
                   "look for a redirect loop, or raise the limit");
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return error(ErrorCode::kUnavailable, "the connection to " + Peer() + " broke: " + why);
    case CURLE_PARTIAL_FILE:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return error(ErrorCode::kCorrupt, "the answer of " + url + " is broken: " + why);
    case CURLE_PEER_FAILED_VERIFICATION:
      return error(ErrorCode::kUnavailable,
                   "the certificate of " + Peer() + " is not trusted: " + why,
                   "name its ca file, or allow an insecure connection");
    case CURLE_SSL_CONNECT_ERROR:
      return error(ErrorCode::kUnavailable, "no tls connection to " + Peer() + ": " + why);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
      return error(ErrorCode::kInvalid, "a certificate or key file cannot be used: " + why);
    case CURLE_WRITE_ERROR:
      if (too_large_) {
        return error(ErrorCode::kTooLarge, "the answer of " + url + " is over " +
                                               std::to_string(request_.max_response) + " bytes");
      }
      if (disk_failed_) return error(ErrorCode::kIo, "cannot write '" + request_.download_to + "'");
      return error(ErrorCode::kCorrupt, "the answer of " + url + " is broken: " + why);
    case CURLE_READ_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
      return error(ErrorCode::kIo, "cannot read the body of the request to " + url + ": " + why);
    case CURLE_OUT_OF_MEMORY:
      return error(ErrorCode::kExhausted, "out of memory");
    default:
      return error(ErrorCode::kUnavailable, "request to " + url + " failed: " + why);
  }
}

}  // namespace http::internal
