// How a session calls its handler and sends what it returned.

#include <algorithm>
#include <cerrno>
#include <exception>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/http/internal/gzip.h"
#include "lib/http/internal/session.h"
#include "lib/http/internal/upgrade.h"
#include "lib/http/media.h"
#include "lib/http/router.h"
#include "lib/net/error_mapping.h"

namespace http::internal {
namespace asio = boost::asio;
using base::ErrorCode;

namespace {

constexpr uint64_t kMostDiscarded = size_t{256} * 1024;
/// A slice of a response that has to make progress within the write timeout.
constexpr size_t kSlice = size_t{256} * 1024;
constexpr size_t kFilePiece = size_t{64} * 1024;
/// Larger bodies would stop the loop for too long.
constexpr size_t kMostGzipped = size_t{8} << 20;

bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

std::optional<std::string_view> TextOf(const Response& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body)) {
    return *shared ? std::string_view(**shared) : std::string_view();
  }
  return std::nullopt;
}

bool IsWellFormed(const Response& response) {
  return response.status >= 200 && response.status <= 999 &&
         std::all_of(response.headers.begin(), response.headers.end(), [](const HeaderField& f) {
           return IsFieldName(f.name) && IsFieldValue(f.value);
         });
}

/// Fields that the session writes itself.
bool IsFraming(std::string_view name) {
  return EqualsIgnoringCase(name, "Content-Length") ||
         EqualsIgnoringCase(name, "Transfer-Encoding") || EqualsIgnoringCase(name, "Connection") ||
         EqualsIgnoringCase(name, "Date");
}

std::string Describe(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

/// Owns a descriptor.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// Frames the pieces of a streamed body; the first one goes out together with the head.
class StreamSink final : public BodyWriter {
 public:
  StreamSink(Session& session, std::string& head, bool chunked, std::optional<uint64_t> length)
      : session_(session), head_(head), chunked_(chunked), left_(length) {}

  net::Task<base::Result<void>> Write(std::string_view bytes) override {
    if (bytes.empty()) co_return base::Result<void>();
    if (left_ && bytes.size() > *left_) {
      co_return base::Fail(ErrorCode::kInternal, "the streamed body is longer than announced");
    }
    if (left_) *left_ -= bytes.size();
    std::array<char, 20> size{};
    int digits = 0;
    if (chunked_) digits = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    std::array buffers = {
        asio::const_buffer(head_.data(), head_.size()),
        asio::const_buffer(size.data(), static_cast<size_t>(digits)),
        asio::const_buffer(bytes.data(), bytes.size()),
        asio::const_buffer("\r\n", chunked_ ? 2 : 0),
    };
    auto written = co_await session_.WriteBuffers(buffers);
    head_.clear();
    co_return written;
  }

  net::Task<base::Result<void>> Finish() {
    if (left_ && *left_ > 0) {
      co_return base::Fail(ErrorCode::kInternal, "the streamed body is shorter than announced");
    }
    std::array buffers = {asio::const_buffer(head_.data(), head_.size()),
                          asio::const_buffer("0\r\n\r\n", chunked_ ? 5 : 0)};
    co_return co_await session_.WriteBuffers(buffers);
  }

 private:
  Session& session_;
  std::string& head_;
  bool chunked_;
  std::optional<uint64_t> left_;
};

}  // namespace

net::Task<base::Result<void>> Session::WriteBuffers(std::span<asio::const_buffer> buffers) {
  for (const asio::const_buffer& buffer : buffers) sent_ += buffer.size();
  late_ = false;
  expires_ = std::chrono::steady_clock::now() + context_.options.write_timeout;
  const auto error = co_await wire_->Write(buffers);
  expires_ = base::SteadyTime::max();
  if (!error) co_return base::Result<void>();
  if (late_) co_return base::Fail(net::TimeoutError("send the response"));
  co_return base::Fail(net::ToError(error, "send the response"));
}

const std::string& Session::Date() {
  const auto second = std::chrono::floor<std::chrono::seconds>(context_.clock.Now());
  LoopState& loop = context_.loop;
  if (loop.date.empty() || loop.date_second != second) {
    loop.date_second = second;
    const std::time_t time = std::chrono::system_clock::to_time_t(second);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 64> text{};
    // IMF-fixdate, RFC 9110 5.6.7; the C locale's names, which libraries do not change.
    const size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    loop.date.assign(text.data(), size);
  }
  return loop.date;
}

net::Task<void> Session::Refuse(Refusal refusal, const Request* request) {
  const auto started = std::chrono::steady_clock::now();
  sent_ = 0;
  close_ = true;
  Response response = context_.options.format_error(refusal.status, refusal.error, request);
  const auto sent = co_await Send(response, request);
  if (!sent.has_value()) co_return;
  if (context_.options.on_exchange) {
    context_.options.on_exchange({.request = request,
                                  .status = response.status,
                                  .sent = sent_,
                                  .duration = std::chrono::steady_clock::now() - started});
  }
}

net::Task<Response> Session::Call(Request& request) {
  std::exception_ptr thrown;
  try {
    co_return co_await context_.handler(request);
  } catch (...) {
    thrown = std::current_exception();
  }
  const base::Error error{.code = ErrorCode::kInternal,
                          .message = "the handler of " + request.method_text + " " +
                                     (request.route == nullptr ? "a path" : request.route->path) +
                                     " threw: " + Describe(thrown)};
  Report(error);
  // What was thrown is for the operator, not for the client.
  co_return context_.options.format_error(
      500, {.code = ErrorCode::kInternal, .message = "internal error"}, &request);
}

net::Task<void> Session::Become(Request& request, const UpgradeBody& upgrade) {
  const auto started = std::chrono::steady_clock::now();
  upgraded_ = true;
  Upgrade connection(*wire_, request, on_drain_);
  try {
    co_await upgrade.serve(connection);
  } catch (...) {
    Report({.code = ErrorCode::kInternal,
            .message = "what serves the upgraded connection threw: " +
                       Describe(std::current_exception())});
  }
  on_drain_ = {};
  if (context_.options.on_exchange) {
    context_.options.on_exchange({.request = &request,
                                  .status = 101,
                                  .duration = std::chrono::steady_clock::now() - started});
  }
}

net::Task<bool> Session::Serve(Request& request) {
  const auto started = std::chrono::steady_clock::now();
  context_.requests.fetch_add(1, std::memory_order_relaxed);
  sent_ = 0;
  Response response = co_await Call(request);
  if (const auto* upgrade = std::get_if<UpgradeBody>(&response.body)) {
    if (unread().empty() && parser_->is_done() && !context_.loop.draining) {
      co_await Become(request, *upgrade);
      co_return false;
    }
    const bool early = !context_.loop.draining;
    response = context_.options.format_error(
        early ? 400 : 503,
        {.code = early ? ErrorCode::kInvalid : ErrorCode::kUnavailable,
         .message = early ? "data came before the answer to the upgrade" : "shutting down"},
        &request);
    close_ = true;
  }
  if (!IsWellFormed(response)) {
    Report({.code = ErrorCode::kInternal,
            .message = "the handler of " + request.method_text +
                       " made a response with a malformed status or field"});
    response = context_.options.format_error(
        500, {.code = ErrorCode::kInternal, .message = "internal error"}, &request);
  }
  if (response.headers.HasToken("Connection", "close") || context_.loop.draining) close_ = true;
  const bool costly = !parser_->is_done() && length().value_or(0) - body_read_ > kMostDiscarded;
  if (costly || body_broken_ || expects_continue_) close_ = true;
  const auto sent = co_await Send(response, &request);
  if (context_.options.on_exchange) {
    context_.options.on_exchange({.request = &request,
                                  .status = response.status,
                                  .received = body_read_,
                                  .sent = sent_,
                                  .duration = std::chrono::steady_clock::now() - started});
  }
  if (!sent.has_value()) {
    // A reset, so that a body without a length is not taken for complete.
    error_code ignored;
    wire_->socket().set_option(asio::socket_base::linger(true, 0), ignored);
    wire_->socket().close(ignored);
    co_return false;
  }
  if (close_) co_return false;
  co_return co_await DiscardBody();
}

void Session::Compress(Response& response, const Request& request) const {
  if (!context_.options.gzip || response.headers.Has("Content-Encoding")) return;
  const auto text = TextOf(response);
  if (!text || text->size() < context_.options.gzip_from || text->size() > kMostGzipped) return;
  const auto type = response.headers.Get("Content-Type");
  if (!type) return;
  const auto media = ParseMediaType(*type);
  if (!media.has_value() || !media->IsCompressible()) return;
  // A strong validator promises these very bytes (RFC 9110 8.8.1).
  const auto tag = response.headers.Get("ETag");
  if (tag && !tag->starts_with("W/")) return;
  response.headers.Add("Vary", "Accept-Encoding");
  if (!AcceptsEncoding(request.headers.Joined("Accept-Encoding"), "gzip")) return;
  response.body = Gzip(*text);
  response.headers.Set("Content-Encoding", "gzip");
}

void Session::StartHead(const Response& response) {
  head_ = "HTTP/1.1 ";
  head_ += std::to_string(response.status);
  head_ += ' ';
  head_ += ReasonPhrase(response.status);
  head_ += "\r\nDate: ";
  head_ += Date();
  if (!context_.options.server_name.empty()) {
    head_ += "\r\nServer: ";
    head_ += context_.options.server_name;
  }
  for (const HeaderField& field : response.headers) {
    if (IsFraming(field.name)) continue;
    head_ += "\r\n";
    head_ += field.name;
    head_ += ": ";
    head_ += field.value;
  }
  head_ += "\r\n";
}

net::Task<base::Result<void>> Session::Send(Response& response, const Request* request) {
  const bool with_body =
      HasBody(response.status) && (request == nullptr || request->method != Method::kHead);
  if (request != nullptr && HasBody(response.status)) Compress(response, *request);
  const auto* const file = std::get_if<FileBody>(&response.body);
  const auto* const stream = std::get_if<StreamBody>(&response.body);
  // Without a length HTTP/1.0 has only the end of the connection to mark the end of the body.
  if (stream != nullptr && !stream->length && minor_zero_) close_ = true;
  StartHead(response);
  if (close_) {
    head_ += "Connection: close\r\n";
  } else if (minor_zero_) {
    head_ += "Connection: keep-alive\r\n";
  }
  if (!HasBody(response.status)) {
    // RFC 9110 8.6: no Content-Length in 1xx and 204; a 304 may leave it out.
    return SendText({}, false);
  }
  if (file != nullptr) return SendFile(*file, with_body);
  if (stream != nullptr) return SendStream(*stream, with_body);
  const std::string_view text = *TextOf(response);
  head_ += "Content-Length: ";
  head_ += std::to_string(text.size());
  head_ += "\r\n";
  return SendText(text, with_body);
}

net::Task<base::Result<void>> Session::SendText(std::string_view text, bool with_body) {
  head_ += "\r\n";
  if (!with_body) text = {};
  std::string_view slice = text.substr(0, kSlice);
  std::array first = {asio::const_buffer(head_.data(), head_.size()),
                      asio::const_buffer(slice.data(), slice.size())};
  CO_TRY(co_await WriteBuffers(first));
  text.remove_prefix(slice.size());
  while (!text.empty()) {
    slice = text.substr(0, kSlice);
    std::array more = {asio::const_buffer(slice.data(), slice.size())};
    CO_TRY(co_await WriteBuffers(more));
    text.remove_prefix(slice.size());
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Session::SendFile(const FileBody& file, bool with_body) {
  const OpenFile opened(file.path);
  struct stat facts = {};
  const bool usable = opened.fd() >= 0 && ::fstat(opened.fd(), &facts) == 0 &&
                      S_ISREG(facts.st_mode) && file.offset <= static_cast<uint64_t>(facts.st_size);
  const uint64_t rest = usable ? static_cast<uint64_t>(facts.st_size) - file.offset : 0;
  if (!usable || file.length.value_or(0) > rest) {
    Report({.code = ErrorCode::kIo, .message = "cannot serve the file '" + file.path + "'"});
    Response failed = context_.options.format_error(
        500, {.code = ErrorCode::kInternal, .message = "internal error"}, nullptr);
    failed.body = std::string(TextOf(failed).value_or(std::string_view()));
    StartHead(failed);
    close_ = true;
    head_ += "Connection: close\r\nContent-Length: ";
    head_ += std::to_string(TextOf(failed)->size()) + "\r\n";
    co_return co_await SendText(*TextOf(failed), with_body);
  }
  uint64_t left = file.length.value_or(rest);
  head_ += "Content-Length: " + std::to_string(left) + "\r\n\r\n";
  auto offset = static_cast<off_t>(file.offset);
  std::vector<char> piece(static_cast<size_t>(std::min<uint64_t>(left, kFilePiece)));
  bool first = true;
  while (first || (with_body && left > 0)) {
    ssize_t got = 0;
    if (with_body && left > 0) {
      got = ::pread(opened.fd(), piece.data(), std::min<uint64_t>(piece.size(), left), offset);
      if (got <= 0) {
        const base::Error error{.code = ErrorCode::kIo,
                                .message = "the file '" + file.path + "' became shorter"};
        Report(error);
        co_return base::Fail(error);
      }
    }
    const auto count = static_cast<size_t>(got);
    std::array buffers = {asio::const_buffer(head_.data(), first ? head_.size() : 0),
                          asio::const_buffer(piece.data(), count)};
    CO_TRY(co_await WriteBuffers(buffers));
    first = false;
    left -= count;
    offset += got;
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Session::SendStream(const StreamBody& stream, bool with_body) {
  const bool chunked = !stream.length && !minor_zero_;
  if (chunked) head_ += "Transfer-Encoding: chunked\r\n";
  if (stream.length) head_ += "Content-Length: " + std::to_string(*stream.length) + "\r\n";
  if (!with_body) co_return co_await SendText({}, false);
  head_ += "\r\n";
  StreamSink sink(*this, head_, chunked, stream.length);
  base::Result<void> produced;
  try {
    produced = co_await stream.produce(sink);
  } catch (...) {
    produced = base::Fail(ErrorCode::kInternal,
                          "a streamed body threw: " + Describe(std::current_exception()));
  }
  if (produced.has_value()) produced = co_await sink.Finish();
  if (!produced.has_value()) Report(produced.error());
  co_return produced;
}

}  // namespace http::internal
