#include "lib/http/wire/request.h"

#include <curl/curl.h>

#include "lib/crypto/base64.h"
#include "lib/http/uri.h"

namespace http::wire {
namespace {

using base::ErrorCode;

std::unexpected<base::Error> Needs(std::string what) {
  return base::Fail(ErrorCode::kUnsupported, std::move(what));
}

// What http::Client accepts, in its order: what its libcurl was built with.
std::string AcceptedEncodings() {
  const curl_version_info_data* facts = curl_version_info(CURLVERSION_NOW);
  std::string list;
  const auto add = [&](int feature, const char* name) {
    if ((facts->features & feature) == 0) return;
    if (!list.empty()) list += ", ";
    list += name;
  };
  add(CURL_VERSION_LIBZ, "deflate");
  add(CURL_VERSION_LIBZ, "gzip");
  add(CURL_VERSION_BROTLI, "br");
  add(CURL_VERSION_ZSTD, "zstd");
  return list;
}

base::Result<void> CheckPlain(const ClientRequest& request, const Url& url) {
  if (request.follow) return Needs("it follows redirects");
  if (!request.proxy.empty()) return Needs("it goes through a proxy");
  if (!request.unix_socket.empty()) return Needs("it uses a Unix socket");
  if (!request.download_to.empty()) return Needs("it keeps the body in a file");
  if (!url.user.empty()) return Needs("the URL holds a user");
  if (request.version == HttpVersion::kHttp2 ||
      request.version == HttpVersion::kHttp2PriorKnowledge) {
    return Needs("it asks for HTTP/2");
  }
  if (url.secure() && request.version != HttpVersion::kHttp1) {
    return Needs("over TLS the server may choose HTTP/2 (version: 1.1 rules that out)");
  }
  if (std::holds_alternative<FileContent>(request.body)) return Needs("its body is a file");
  if (std::holds_alternative<std::vector<FormPart>>(request.body)) return Needs("it sends a form");
  if (std::holds_alternative<DigestAuth>(request.auth))
    return Needs("it uses digest authentication");
  if (std::holds_alternative<SigV4Key>(request.auth)) return Needs("it is signed");
  if (request.headers.HasToken("Connection", "close")) return Needs("it closes the connection");
  return {};
}

base::Result<void> AddAuth(const ClientRequest& request, Headers& fields) {
  if (const auto* basic = std::get_if<BasicAuth>(&request.auth)) {
    fields.Add("Authorization", "Basic " + crypto::Base64(basic->user + ":" + basic->password));
  } else if (const auto* bearer = std::get_if<BearerAuth>(&request.auth)) {
    if (!IsFieldValue(bearer->token)) {
      return base::Fail(ErrorCode::kInvalid, "the bearer token has a control character");
    }
    fields.Add("Authorization", "Bearer " + bearer->token);
  }
  return {};
}

}  // namespace

bool WireRequest::SameServer(const WireRequest& other) const {
  return host == other.host && port == other.port && tls == other.tls &&
         tls_options.ca_file == other.tls_options.ca_file &&
         tls_options.insecure == other.tls_options.insecure &&
         tls_options.server_name == other.tls_options.server_name &&
         tls_options.certificate == other.tls_options.certificate &&
         tls_options.key == other.tls_options.key &&
         tls_options.at_least_13 == other.tls_options.at_least_13;
}

base::Result<WireRequest> ToWire(const ClientRequest& request, const std::string& user_agent) {
  TRY(const Url url, ParseUrl(request.url));
  TRY(CheckPlain(request, url));
  Headers fields;
  const auto unless_given = [&](std::string_view name, std::string_view value) {
    if (!request.headers.Has(name)) fields.Add(name, value);
  };
  unless_given("Host", url.Authority());
  TRY(AddAuth(request, fields));
  unless_given("User-Agent", user_agent);
  unless_given("Accept", "*/*");
  if (request.decompress) unless_given("Accept-Encoding", AcceptedEncodings());
  for (const HeaderField& field : request.headers) {
    if (!IsFieldName(field.name) || !IsFieldValue(field.value)) {
      return base::Fail(ErrorCode::kInvalid,
                        "header field '" + field.name +
                            "' has a name that is no token or a control character in its value");
    }
    fields.Add(field.name, field.value);
  }
  const auto* body = std::get_if<std::string>(&request.body);
  if (body != nullptr || request.method == "POST") {
    unless_given("Content-Length", std::to_string(body == nullptr ? 0 : body->size()));
  }
  WireRequest wire;
  wire.host = url.host;
  wire.port = url.port;
  wire.tls = url.secure();
  wire.tls_options = {.ca_file = request.tls.ca_file,
                      .insecure = request.tls.insecure,
                      .server_name = request.tls.server_name,
                      .certificate = request.tls.certificate,
                      .key = request.tls.key,
                      .key_password = request.tls.key_password,
                      .at_least_13 = request.tls.min_version == TlsVersion::kTls13};
  wire.is_head = request.method == "HEAD";
  wire.max_response = request.max_response;
  wire.bytes = request.method + " " + url.Target() + " HTTP/1.1\r\n";
  for (const HeaderField& field : fields) {
    wire.bytes += field.name + ": " + field.value + "\r\n";
  }
  wire.bytes += "\r\n";
  if (body != nullptr) wire.bytes += *body;
  return wire;
}

}  // namespace http::wire
