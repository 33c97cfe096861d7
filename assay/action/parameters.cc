#include "assay/action/parameters.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/base/units.h"
#include "lib/http/uri.h"
#include "lib/net/tls.h"

namespace assay::action {

using base::ErrorCode;
using base::Result;
using cel::Value;
using scenario::ObjectSchema;
using scenario::Type;

std::unexpected<base::Error> Wrong(std::string_view name, std::string_view expected) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" is not {}", name, expected));
}

std::string TextOf(const Value* value) {
  return value == nullptr || value->is_null() ? "" : cel::ToText(*value);
}

std::string BytesOf(const Value& value) {
  return value.is_bytes() ? std::string(value.bytes()) : cel::ToText(value);
}

Result<uint64_t> SizeOf(const Value* value, std::string_view parameter, uint64_t otherwise) {
  if (value == nullptr || value->is_null()) return otherwise;
  if (value->is_int() && value->int_value() > 0) return static_cast<uint64_t>(value->int_value());
  const auto size = base::ParseSize(cel::ToText(*value));
  if (!size || *size == 0) return Wrong(parameter, "a size such as 10MB");
  return *size;
}

std::string ResolvePath(std::string_view name, const ActionContext& context) {
  const std::filesystem::path path(name);
  return path.is_absolute() ? path.string()
                            : (std::filesystem::path(context.source_dir) / path).string();
}

Result<std::string> ExistingFile(const Value& name, std::string_view parameter,
                                 const ActionContext& context) {
  if (!name.is_string()) return Wrong(parameter, "the name of a file");
  std::string path = ResolvePath(name.string(), context);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return base::Fail(ErrorCode::kNotFound,
                      fmt::format("parameter \"{}\": there is no file {}", parameter, path));
  }
  return path;
}

Result<std::string> ResolveTarget(std::string_view text, const ActionContext& context) {
  std::string_view name;
  const size_t colon = text.find(":/");
  if (!text.starts_with('/') && colon != std::string_view::npos &&
      !text.substr(colon).starts_with("://")) {
    name = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (!text.starts_with('/')) return std::string(text);
  TRY(const Endpoint endpoint, context.find_endpoint(name));
  std::string_view base = endpoint.url;
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(text);
}

Result<std::string> WithQuery(std::string url, const Value* query) {
  if (query == nullptr || query->is_null()) return url;
  if (!query->is_map()) return Wrong("query", "a map of names to values");
  std::vector<http::QueryParam> pairs;
  for (const auto& [name, value] : query->map().entries()) {
    if (value.is_list()) {
      for (const Value& element : value.list())
        pairs.push_back({cel::ToText(name), cel::ToText(element)});
    } else if (!value.is_null()) {
      pairs.push_back({cel::ToText(name), cel::ToText(value)});
    }
  }
  if (pairs.empty()) return url;
  std::string fragment;
  if (const size_t hash = url.find('#'); hash != std::string::npos) {
    fragment = url.substr(hash);
    url.resize(hash);
  }
  return url + (url.contains('?') ? "&" : "?") + http::FormatQuery(pairs) + fragment;
}

Result<std::vector<std::pair<std::string, std::string>>> FieldsOf(const Value* headers) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (headers == nullptr || headers->is_null()) return fields;
  if (!headers->is_map()) return Wrong("headers", "a map of names to values");
  for (const auto& [name, value] : headers->map().entries()) {
    if (value.is_list()) {
      for (const Value& element : value.list())
        fields.emplace_back(cel::ToText(name), cel::ToText(element));
    } else if (!value.is_null()) {
      fields.emplace_back(cel::ToText(name), cel::ToText(value));
    }
  }
  return fields;
}

ObjectSchema TlsTable() {
  return {.name = "tls",
          .doc = "How the server's certificate is checked.",
          .fields = {{.name = "ca",
                      .type = Type::String(),
                      .doc = "PEM file of trusted certificates; absent: the system's."},
                     {.name = "insecure",
                      .type = Type::Bool(),
                      .default_text = "false",
                      .doc = "Takes any certificate."},
                     {.name = "server_name",
                      .type = Type::String(),
                      .doc = "Name to ask for and to verify; absent: the host of the URL."},
                     {.name = "min_version",
                      .type = Type::Enum({"1.2", "1.3"}),
                      .default_text = "1.2",
                      .doc = "Oldest TLS version."}}};
}

ObjectSchema UserAndPasswordTable() {
  return {.name = "user_and_password",
          .doc = "A user and a password.",
          .fields = {
              {.name = "user", .type = Type::String(), .required = true, .doc = "Name."},
              {.name = "password", .type = Type::String(), .required = true, .doc = "Password."}}};
}

ObjectSchema ApiKeyTable() {
  return {
      .name = "api_key",
      .doc = "A key in a header field.",
      .fields = {{.name = "header",
                  .type = Type::String(),
                  .default_text = "X-API-Key",
                  .doc = "Name of the field."},
                 {.name = "value", .type = Type::String(), .required = true, .doc = "The key."}}};
}

ObjectSchema MtlsTable() {
  return {.name = "mtls",
          .doc = "A client certificate.",
          .fields = {
              {.name = "certificate", .type = Type::String(), .required = true, .doc = "PEM file."},
              {.name = "key", .type = Type::String(), .required = true, .doc = "PEM file."},
              {.name = "key_password", .type = Type::String(), .doc = "Password of the key."}}};
}

Result<net::TlsClientOptions> TlsOf(const Value& params, const ActionContext& context) {
  net::TlsClientOptions options;
  if (const Value* tls = params.Find("tls"); tls != nullptr && tls->is_map()) {
    if (const Value* ca = tls->Find("ca")) {
      TRY(options.ca_file, ExistingFile(*ca, "tls.ca", context));
    }
    const Value* insecure = tls->Find("insecure");
    options.insecure = insecure != nullptr && insecure->is_true();
    options.server_name = TextOf(tls->Find("server_name"));
    options.at_least_13 = TextOf(tls->Find("min_version")) == "1.3";
  }
  const Value* auth = params.Find("auth");
  if (const Value* mtls = auth == nullptr ? nullptr : auth->Find("mtls")) {
    options.certificate = ResolvePath(TextOf(mtls->Find("certificate")), context);
    options.key = ResolvePath(TextOf(mtls->Find("key")), context);
    options.key_password = TextOf(mtls->Find("key_password"));
  }
  return options;
}

std::string WithoutPassword(std::string_view url) {
  const size_t start = url.find("://");
  if (start == std::string_view::npos) return std::string(url);
  const size_t host = start + 3;
  const size_t end = std::min(url.find_first_of("/?#", host), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

}  // namespace assay::action
