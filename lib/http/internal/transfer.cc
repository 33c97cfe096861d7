#include "lib/http/internal/transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/http/internal/cookie_share.h"

namespace http::internal {

using base::ErrorCode;

namespace {

long VersionOption(HttpVersion version) {
  switch (version) {
    case HttpVersion::kAny:
      return CURL_HTTP_VERSION_2TLS;
    case HttpVersion::kHttp1:
      return CURL_HTTP_VERSION_1_1;
    case HttpVersion::kHttp2:
      return CURL_HTTP_VERSION_2_0;
    case HttpVersion::kHttp2PriorKnowledge:
      return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  }
  return CURL_HTTP_VERSION_NONE;
}

/// libcurl 7.88 lays HTTP/2 over a connection again when it uses it again by prior knowledge
/// (mended in 8.0, curl issue 10634): such a connection must serve one request.
bool BreaksReusedHttp2() {
  constexpr unsigned kBroken = 0x075800;
  constexpr unsigned kMended = 0x080000;
  const unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  return version >= kBroken && version < kMended;
}

base::Error FileError(const std::string& path, std::string_view doing) {
  const int number = errno;
  return {.code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          .message = "cannot " + std::string(doing) + " '" + path + "': " + std::strerror(number)};
}

}  // namespace

Transfer::Transfer(const ClientRequest& request, Url url)
    : request_(request), url_(std::move(url)), easy_(curl_easy_init()) {
  if (easy_ == nullptr) throw std::bad_alloc();
}

Transfer::~Transfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(fields_);
  curl_slist_free_all(connect_to_);
  curl_mime_free(form_);
  if (upload_ != nullptr) std::fclose(upload_);
  if (download_ != nullptr) std::fclose(download_);
}

base::Result<void> Transfer::Prepare(const ClientOptions& options, base::WallTime now) {
  SetConnection(options);
  SetTls();
  TRY(SetAuth(now));
  TRY(SetHeaders());
  TRY(SetMethodAndBody());
  if (!request_.download_to.empty()) {
    download_ = std::fopen(request_.download_to.c_str(), "wbe");
    if (download_ == nullptr) return base::Fail(FileError(request_.download_to, "write"));
  }
  return {};
}

void Transfer::SetConnection(const ClientOptions& options) {
  Set(CURLOPT_ERRORBUFFER, message_);
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_PATH_AS_IS, 1L);
  Set(CURLOPT_TCP_NODELAY, 1L);
  Set(CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(CURLOPT_HTTP_VERSION, VersionOption(request_.version));
  if (request_.version == HttpVersion::kHttp2PriorKnowledge && BreaksReusedHttp2()) {
    Set(CURLOPT_FRESH_CONNECT, 1L);
    Set(CURLOPT_FORBID_REUSE, 1L);
  }
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(request_.connect_timeout).count();
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, milliseconds)));
  Set(CURLOPT_FOLLOWLOCATION, request_.follow ? 1L : 0L);
  Set(CURLOPT_MAXREDIRS, static_cast<long>(request_.max_redirects));
  // Empty, not absent: otherwise libcurl reads the environment.
  Set(CURLOPT_PROXY, request_.proxy.c_str());
  SetString(CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket);
  if (request_.decompress && !request_.headers.Has("Accept-Encoding")) {
    Set(CURLOPT_ACCEPT_ENCODING, "");
  }
  if (request_.cookies) {
    Set(CURLOPT_SHARE, request_.cookies->share().handle);
    Set(CURLOPT_COOKIEFILE, "");
  }
  Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  Set(CURLOPT_WRITEDATA, this);
  Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_DEBUGFUNCTION, &Transfer::OnDebug);
  Set(CURLOPT_DEBUGDATA, this);
  Set(CURLOPT_VERBOSE, 1L);
}

void Transfer::SetTls() {
  const ClientTls& tls = request_.tls;
  SetString(CURLOPT_CAINFO, tls.ca_file);
  SetString(CURLOPT_SSLCERT, tls.certificate);
  SetString(CURLOPT_SSLKEY, tls.key);
  SetString(CURLOPT_KEYPASSWD, tls.key_password);
  Set(CURLOPT_SSL_VERIFYPEER, tls.insecure ? 0L : 1L);
  Set(CURLOPT_SSL_VERIFYHOST, tls.insecure ? 0L : 2L);
  Set(CURLOPT_SSLVERSION,
      static_cast<long>(tls.min_version == TlsVersion::kTls13 ? CURL_SSLVERSION_TLSv1_3
                                                              : CURL_SSLVERSION_TLSv1_2));
  Set(CURLOPT_CERTINFO, url_.secure() ? 1L : 0L);
  if (tls.server_name.empty()) {
    Set(CURLOPT_URL, request_.url.c_str());
    return;
  }
  // libcurl takes the name from the URL, so the URL names it and the connection goes elsewhere.
  Url renamed = url_;
  renamed.host = tls.server_name;
  Set(CURLOPT_URL, renamed.ToString().c_str());
  const std::string bracketed =
      url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]";
  const std::string port = std::to_string(url_.port);
  connect_to_ = curl_slist_append(
      nullptr, (tls.server_name + ":" + port + ":" + bracketed + ":" + port).c_str());
  Set(CURLOPT_CONNECT_TO, connect_to_);
  if (!request_.headers.Has("Host")) extra_.Set("Host", url_.Authority());
}

base::Result<std::string> Transfer::PayloadHashOf(const SigV4Key& key) const {
  if (const auto* text = std::get_if<std::string>(&request_.body)) return PayloadHash(*text);
  if (std::holds_alternative<std::monostate>(request_.body)) return PayloadHash("");
  if (key.service == "s3") return std::string(kUnsignedPayload);
  return base::Fail(ErrorCode::kUnsupported,
                    "service '" + key.service + "' wants the body signed, which needs it as text");
}

base::Result<void> Transfer::SetAuth(base::WallTime now) {
  if (const auto* basic = std::get_if<BasicAuth>(&request_.auth)) {
    Set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    Set(CURLOPT_USERNAME, basic->user.c_str());
    Set(CURLOPT_PASSWORD, basic->password.c_str());
  } else if (const auto* digest = std::get_if<DigestAuth>(&request_.auth)) {
    Set(CURLOPT_HTTPAUTH, CURLAUTH_DIGEST);
    Set(CURLOPT_USERNAME, digest->user.c_str());
    Set(CURLOPT_PASSWORD, digest->password.c_str());
  } else if (const auto* bearer = std::get_if<BearerAuth>(&request_.auth)) {
    if (!IsFieldValue(bearer->token)) {
      return base::Fail(ErrorCode::kInvalid, "the bearer token has a control character");
    }
    Set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    Set(CURLOPT_XOAUTH2_BEARER, bearer->token.c_str());
  } else if (const auto* key = std::get_if<SigV4Key>(&request_.auth)) {
    TRY(const std::string hash, PayloadHashOf(*key));
    const Headers added = SignV4(*key, now, request_.method, url_, request_.headers, hash);
    for (const HeaderField& field : added) extra_.Set(field.name, field.value);
  }
  return {};
}

base::Result<void> Transfer::SetHeaders() {
  const auto append = [this](const std::string& line) {
    curl_slist* const longer = curl_slist_append(fields_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    fields_ = longer;
  };
  for (const Headers* headers : std::initializer_list<const Headers*>{&request_.headers, &extra_}) {
    for (const HeaderField& field : *headers) {
      if (!IsFieldName(field.name) || !IsFieldValue(field.value)) {
        return base::Fail(ErrorCode::kInvalid,
                          "header field '" + field.name +
                              "' has a name that is no token or a control character in its value");
      }
      // An empty value would remove the field; a semicolon sends it empty.
      append(field.value.empty() ? field.name + ";" : field.name + ": " + field.value);
    }
  }
  // What libcurl adds on its own would not be what the caller wrote.
  if (!request_.headers.Has("Expect")) append("Expect:");
  const bool form = std::holds_alternative<std::vector<FormPart>>(request_.body);
  if (!request_.headers.Has("Content-Type") && !form) append("Content-Type:");
  Set(CURLOPT_HTTPHEADER, fields_);
  return {};
}

base::Result<void> Transfer::SetFile(const FileContent& file) {
  upload_ = std::fopen(file.path.c_str(), "rbe");
  struct stat facts = {};
  if (upload_ == nullptr || ::fstat(::fileno(upload_), &facts) != 0) {
    return base::Fail(FileError(file.path, "read"));
  }
  if (!S_ISREG(facts.st_mode)) {
    return base::Fail(ErrorCode::kInvalid, "'" + file.path + "' is not a regular file");
  }
  Set(CURLOPT_READFUNCTION, &Transfer::OnRead);
  Set(CURLOPT_READDATA, this);
  Set(CURLOPT_SEEKFUNCTION, &Transfer::OnSeek);
  Set(CURLOPT_SEEKDATA, this);
  Set(CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  const auto size = static_cast<curl_off_t>(facts.st_size);
  if (request_.method == "POST") {
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDSIZE_LARGE, size);
  } else {
    Set(CURLOPT_UPLOAD, 1L);
    Set(CURLOPT_INFILESIZE_LARGE, size);
  }
  return {};
}

base::Result<void> Transfer::SetForm(const std::vector<FormPart>& parts) {
  form_ = curl_mime_init(easy_);
  for (const FormPart& part : parts) {
    curl_mimepart* const added = curl_mime_addpart(form_);
    if (added == nullptr) throw std::bad_alloc();
    curl_mime_name(added, part.name.c_str());
    CURLcode code = CURLE_OK;
    if (const auto* text = std::get_if<std::string>(&part.content)) {
      code = curl_mime_data(added, text->data(), text->size());
    } else {
      const std::string& path = std::get<FileContent>(part.content).path;
      code = curl_mime_filedata(added, path.c_str());
      if (code == CURLE_READ_ERROR) {
        errno = ENOENT;
        return base::Fail(FileError(path, "read"));
      }
    }
    if (code != CURLE_OK) {
      return base::Fail(ErrorCode::kExhausted,
                        "cannot build form part '" + part.name + "': " + curl_easy_strerror(code));
    }
    if (!part.filename.empty()) curl_mime_filename(added, part.filename.c_str());
    if (!part.content_type.empty()) curl_mime_type(added, part.content_type.c_str());
  }
  Set(CURLOPT_MIMEPOST, form_);
  return {};
}

base::Result<void> Transfer::SetMethodAndBody() {
  const std::string& method = request_.method;
  if (!IsFieldName(method)) {
    return base::Fail(ErrorCode::kInvalid, "'" + method + "' is not a method, expected a token");
  }
  // Where libcurl knows the method it is not overridden, so that a 303 can turn POST into GET.
  std::string natural = "GET";
  if (const auto* text = std::get_if<std::string>(&request_.body)) {
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text->size()));
    Set(CURLOPT_POSTFIELDS, text->c_str());
    natural = "POST";
  } else if (const auto* file = std::get_if<FileContent>(&request_.body)) {
    TRY(SetFile(*file));
    natural = method == "POST" ? "POST" : "PUT";
  } else if (const auto* parts = std::get_if<std::vector<FormPart>>(&request_.body)) {
    TRY(SetForm(*parts));
    natural = "POST";
  } else if (method == "HEAD") {
    Set(CURLOPT_NOBODY, 1L);
    natural = "HEAD";
  } else if (method == "POST") {
    Set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    Set(CURLOPT_POSTFIELDS, "");
    natural = "POST";
  } else {
    Set(CURLOPT_HTTPGET, 1L);
  }
  if (natural != method) Set(CURLOPT_CUSTOMREQUEST, method.c_str());
  return {};
}

size_t Transfer::OnBody(char* bytes, size_t /*one*/, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.body_bytes_ += count;
  if (transfer.body_bytes_ > transfer.request_.max_response) {
    transfer.too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (transfer.download_ == nullptr) {
    transfer.body_.append(bytes, count);
  } else if (std::fwrite(bytes, 1, count, transfer.download_) != count) {
    transfer.disk_failed_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  return count;
}

size_t Transfer::OnHeader(char* bytes, size_t /*one*/, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line(bytes, count);
  if (transfer.heads_.empty()) transfer.heads_.emplace_back();
  std::string& head = transfer.heads_.back().response;
  if (transfer.head_complete_) {
    if (!line.starts_with("HTTP/")) {
      transfer.trailers_.append(line);
      return count;
    }
    head.clear();  // of an interim response
    transfer.head_complete_ = false;
  }
  head.append(line);
  transfer.head_complete_ = line == "\r\n" || line == "\n";
  return count;
}

size_t Transfer::OnRead(char* into, size_t one, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const size_t got = std::fread(into, 1, one * count, transfer.upload_);
  if (got == 0 && std::ferror(transfer.upload_) != 0) {
    transfer.disk_failed_ = true;
    return CURL_READFUNC_ABORT;
  }
  return got;
}

int Transfer::OnSeek(void* self, curl_off_t offset, int origin) {
  return ::fseeko(static_cast<Transfer*>(self)->upload_, offset, origin) == 0 ? CURL_SEEKFUNC_OK
                                                                              : CURL_SEEKFUNC_FAIL;
}

int Transfer::OnDebug(CURL* /*easy*/, curl_infotype type, char* bytes, size_t count, void* self) {
  if (type != CURLINFO_HEADER_OUT) return 0;
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.heads_.push_back({.request = std::string(bytes, count), .response = {}});
  transfer.head_complete_ = true;
  return 0;
}

}  // namespace http::internal
