#include "assay/action/http_request.h"

#include <algorithm>
#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/action/parameters.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;

Result<std::string> BuildUrl(const Value& params, const ActionContext& context) {
  TRY(const RequestLine line, ParseRequestLine(TextOf(params.Find("request"))));
  std::string url = line.target;
  if (url.starts_with('/')) {
    TRY(const Endpoint endpoint, context.find_endpoint(line.endpoint));
    std::string_view base = endpoint.url;
    while (base.ends_with('/')) base.remove_suffix(1);
    url = std::string(base) + url;
  }
  return WithQuery(std::move(url), params.Find("query"));
}

Result<void> SetHeaders(const Value& params, http::ClientRequest& request) {
  TRY(const auto fields, FieldsOf(params.Find("headers")));
  for (const auto& [name, value] : fields) request.headers.Add(name, value);
  return {};
}

void DefaultContentType(http::ClientRequest& request, std::string_view type) {
  if (!request.headers.Has("Content-Type")) request.headers.Set("Content-Type", type);
}

Result<http::FormPart> BuildPart(std::string name, const Value& value,
                                 const ActionContext& context) {
  http::FormPart part{.name = std::move(name)};
  if (!value.is_map()) {
    part.content = value.is_bytes() ? std::string(value.bytes()) : cel::ToText(value);
    return part;
  }
  part.filename = TextOf(value.Find("filename"));
  part.content_type = TextOf(value.Find("content_type"));
  const Value* text = value.Find("text");
  const Value* file = value.Find("file");
  if ((text == nullptr) == (file == nullptr)) {
    return Wrong("multipart." + part.name, "a value, or a map with either \"file\" or \"text\"");
  }
  if (text != nullptr) {
    part.content = text->is_bytes() ? std::string(text->bytes()) : cel::ToText(*text);
  } else {
    TRY(std::string path, ExistingFile(*file, "multipart." + part.name + ".file", context));
    part.content = http::FileContent{std::move(path)};
  }
  return part;
}

Result<std::vector<http::FormPart>> BuildMultipart(const Value& parts,
                                                   const ActionContext& context) {
  std::vector<http::FormPart> built;
  if (parts.is_map()) {
    for (const auto& [name, value] : parts.map().entries()) {
      TRY(auto part, BuildPart(cel::ToText(name), value, context));
      built.push_back(std::move(part));
    }
    return built;
  }
  if (!parts.is_list())
    return Wrong("multipart", "a map of names to parts, or a list of parts with names");
  for (const Value& entry : parts.list()) {
    const Value* name = entry.Find("name");
    if (name == nullptr) return Wrong("multipart", "a list in which each part has a \"name\"");
    TRY(auto part, BuildPart(cel::ToText(*name), entry, context));
    built.push_back(std::move(part));
  }
  return built;
}

Result<void> SetBody(const Value& params, const ActionContext& context,
                     http::ClientRequest& request) {
  if (const Value* json = params.Find("json")) {
    request.body = boost::json::serialize(cel::ToJson(*json));
    DefaultContentType(request, "application/json");
  } else if (const Value* form = params.Find("form")) {
    if (!form->is_map()) return Wrong("form", "a map of names to values");
    std::vector<http::QueryParam> pairs;
    for (const auto& [name, value] : form->map().entries())
      pairs.push_back({cel::ToText(name), cel::ToText(value)});
    request.body = http::FormatQuery(pairs);
    DefaultContentType(request, "application/x-www-form-urlencoded");
  } else if (const Value* multipart = params.Find("multipart")) {
    TRY(request.body, BuildMultipart(*multipart, context));
  } else if (const Value* body = params.Find("body")) {
    request.body = body->is_bytes() ? std::string(body->bytes()) : cel::ToText(*body);
  } else if (const Value* file = params.Find("file")) {
    TRY(std::string path, ExistingFile(*file, "file", context));
    request.body = http::FileContent{std::move(path)};
    DefaultContentType(request, "application/octet-stream");
  }
  return {};
}

Result<void> SetAuth(const Value& params, const ActionContext& context,
                     http::ClientRequest& request) {
  const Value* auth = params.Find("auth");
  if (auth == nullptr || auth->is_null()) return {};
  if (const Value* bearer = auth->Find("bearer")) {
    request.auth = http::BearerAuth{cel::ToText(*bearer)};
  } else if (const Value* basic = auth->Find("basic")) {
    request.auth = http::BasicAuth{TextOf(basic->Find("user")), TextOf(basic->Find("password"))};
  } else if (const Value* digest = auth->Find("digest")) {
    request.auth = http::DigestAuth{TextOf(digest->Find("user")), TextOf(digest->Find("password"))};
  } else if (const Value* key = auth->Find("api_key")) {
    const bool plain = !key->is_map();
    const std::string header = plain ? "X-API-Key" : TextOf(key->Find("header"));
    request.headers.Set(header.empty() ? "X-API-Key" : header,
                        plain ? cel::ToText(*key) : TextOf(key->Find("value")));
  } else if (const Value* sigv4 = auth->Find("sigv4")) {
    http::SigV4Key signing{.access_key = TextOf(sigv4->Find("access_key")),
                           .secret_key = TextOf(sigv4->Find("secret_key"))};
    if (const std::string region = TextOf(sigv4->Find("region")); !region.empty())
      signing.region = region;
    if (const std::string service = TextOf(sigv4->Find("service")); !service.empty())
      signing.service = service;
    signing.session_token = TextOf(sigv4->Find("session_token"));
    request.auth = std::move(signing);
  } else if (const Value* mtls = auth->Find("mtls")) {
    request.tls.certificate = ResolvePath(TextOf(mtls->Find("certificate")), context);
    request.tls.key = ResolvePath(TextOf(mtls->Find("key")), context);
    request.tls.key_password = TextOf(mtls->Find("key_password"));
  } else {
    return Wrong("auth", "a map with one of basic, bearer, digest, api_key, sigv4 and mtls");
  }
  return {};
}

Result<void> SetTls(const Value& params, const ActionContext& context,
                    http::ClientRequest& request) {
  const Value* tls = params.Find("tls");
  if (tls == nullptr || tls->is_null()) return {};
  if (const Value* ca = tls->Find("ca")) {
    TRY(request.tls.ca_file, ExistingFile(*ca, "tls.ca", context));
  }
  if (const Value* insecure = tls->Find("insecure")) request.tls.insecure = insecure->is_true();
  request.tls.server_name = TextOf(tls->Find("server_name"));
  if (TextOf(tls->Find("min_version")) == "1.3") request.tls.min_version = http::TlsVersion::kTls13;
  return {};
}

Result<void> SetOptions(const Value& params, const ActionContext& context,
                        http::ClientRequest& request) {
  if (const Value* follow = params.Find("follow")) request.follow = follow->is_true();
  if (const Value* most = params.Find("max_redirects"); most != nullptr && most->is_int()) {
    request.max_redirects = static_cast<int>(most->int_value());
  }
  if (const Value* version = params.Find("version")) {
    const std::string text = cel::ToText(*version);
    if (text == "1.1") request.version = http::HttpVersion::kHttp1;
    if (text == "2") request.version = http::HttpVersion::kHttp2;
    if (text == "2-prior-knowledge") request.version = http::HttpVersion::kHttp2PriorKnowledge;
  }
  if (const Value* decompress = params.Find("decompress"))
    request.decompress = decompress->is_true();
  request.proxy = TextOf(params.Find("proxy"));
  request.unix_socket = TextOf(params.Find("unix_socket"));
  if (const std::string name = TextOf(params.Find("download_to")); !name.empty()) {
    const std::filesystem::path path = std::filesystem::path(name).lexically_normal();
    if (path.is_absolute() || path.string().starts_with("..")) {
      return Wrong("download_to", "a name inside the scenario's working directory");
    }
    request.download_to = (std::filesystem::path(context.work_dir) / path).string();
  }
  TRY(request.max_response,
      SizeOf(params.Find("max_response"), "max_response", request.max_response));
  return {};
}

}  // namespace

Result<RequestLine> ParseRequestLine(std::string_view text) {
  RequestLine line{.method = "GET"};
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (const size_t space = text.find(' '); space != std::string_view::npos) {
    line.method = text.substr(0, space);
    text.remove_prefix(space);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  const bool is_method = !line.method.empty() && std::ranges::all_of(line.method, [](char c) {
    return c >= 'A' && c <= 'Z';
  });
  if (!is_method) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is no HTTP method; expected `METHOD target` such as `GET /health`",
                    line.method));
  }
  if (const size_t colon = text.find(":/"); colon != std::string_view::npos &&
                                            !text.starts_with('/') &&
                                            !text.substr(colon).starts_with("://")) {
    line.endpoint = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  line.target = text;
  if (!text.starts_with('/') && !text.starts_with("http://") && !text.starts_with("https://")) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no target; expected a path such as /health, "
                                  "name:/path of an endpoint, or a URL",
                                  text));
  }
  return line;
}

Result<http::ClientRequest> BuildRequest(const Value& params, const ActionContext& context) {
  http::ClientRequest request;
  TRY(const RequestLine line, ParseRequestLine(TextOf(params.Find("request"))));
  request.method = line.method;
  TRY(request.url, BuildUrl(params, context));
  TRY(SetHeaders(params, request));
  TRY(SetBody(params, context, request));
  TRY(SetAuth(params, context, request));
  TRY(SetTls(params, context, request));
  TRY(SetOptions(params, context, request));
  return request;
}

}  // namespace assay::action
