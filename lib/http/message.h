#pragma once
// What a server handler gets and returns.

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <variant>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/http/headers.h"
#include "lib/http/uri.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kTrace, kConnect, kOther };

/// `GET`; "" for kOther.
std::string_view ToString(Method method);
/// Case matters, as in RFC 9110.
Method ParseMethod(std::string_view text);

/// `Not Found`; "" for a status without a registered phrase.
std::string_view ReasonPhrase(int status);

/// The body of a request while it arrives. What a handler does not read, the server discards.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// At least one byte, or 0 at the end. kTooLarge over the limit, kTimeout, kUnavailable when the
  /// peer went away, kCorrupt when the chunked coding is malformed.
  virtual net::Task<base::Result<size_t>> Read(std::span<std::byte> into,
                                               base::Deadline deadline) = 0;
  /// From Content-Length; nothing for a chunked body.
  virtual std::optional<uint64_t> length() const = 0;
  /// Lowers or raises the number of bytes that Read gives before kTooLarge.
  virtual void set_limit(uint64_t bytes) = 0;
};

/// The rest of a body in memory. kTooLarge over `limit` bytes.
net::Task<base::Result<std::string>> ReadAll(BodyReader& body, uint64_t limit,
                                             base::Deadline deadline);

/// A body that is there already, for handlers called without a server.
class TextBody final : public BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  net::Task<base::Result<size_t>> Read(std::span<std::byte> into, base::Deadline deadline) override;
  std::optional<uint64_t> length() const override { return text_.size(); }
  void set_limit(uint64_t bytes) override { limit_ = bytes; }

 private:
  std::string text_;
  size_t read_ = 0;
  uint64_t limit_ = UINT64_MAX;
};

/// Decoded values of the `{name}` parts of a route, in order.
class PathParams {
 public:
  void Add(std::string name, std::string value) {
    values_.emplace_back(std::move(name), std::move(value));
  }
  /// Requires: the route has a parameter of that name.
  const std::string& Get(std::string_view name) const;
  /// kInvalid when the value is not a decimal integer.
  base::Result<int64_t> GetInteger(std::string_view name) const;
  size_t size() const { return values_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Route;

struct Request {
  Method method = Method::kGet;
  std::string method_text = "GET";
  std::string target = "/";  ///< as in the request line
  std::string path = "/";    ///< still percent-encoded
  std::string query;         ///< still percent-encoded
  int minor_version = 1;     ///< of HTTP/1
  Headers headers;
  net::Endpoint remote;
  bool secure = false;

  /// The whole body, unless the route streams it.
  std::string body;
  /// The body as it arrives; never null inside a handler.
  BodyReader* reader = nullptr;

  /// Set by the router; null where no route matched.
  const Route* route = nullptr;
  PathParams params;

  /// The first value of a query parameter; nothing when absent or malformed.
  std::optional<std::string> QueryValue(std::string_view name) const;

  /// One value a type, with which middleware tells handlers something (who is asking, request id).
  template <typename T>
  T& Attach(T value) {
    auto& slot = attached_[std::type_index(typeid(T))];
    slot = std::move(value);
    return *std::any_cast<T>(&slot);
  }
  /// Null when nothing of that type was attached.
  template <typename T>
  T* Attached() {
    const auto found = attached_.find(std::type_index(typeid(T)));
    return found == attached_.end() ? nullptr : std::any_cast<T>(&found->second);
  }

 private:
  std::map<std::type_index, std::any> attached_;
};

/// Takes the bytes of a streamed response body.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Returns when the bytes are with the kernel, so that a slow reader slows the handler down.
  virtual net::Task<base::Result<void>> Write(std::string_view bytes) = 0;
};

/// Part of a file; `length` absent means up to its end at the time of opening.
struct FileBody {
  std::string path;
  uint64_t offset = 0;
  std::optional<uint64_t> length = {};
};

/// A body that is produced while it is sent. An error of `produce` cuts the connection, so that the
/// client cannot take the part for the whole.
struct StreamBody {
  std::function<net::Task<base::Result<void>>(BodyWriter&)> produce;
  std::optional<uint64_t> length = {};  ///< absent: chunked
};

namespace internal {
class Upgrade;
}  // namespace internal

/// The connection becomes something else, which writes the answer itself: status 101 and what the
/// other protocol wants. Made by websocket::Accept.
struct UpgradeBody {
  std::function<net::Task<void>(internal::Upgrade&)> serve;
};

struct Response {
  int status = 200;
  Headers headers;
  std::variant<std::string, std::shared_ptr<const std::string>, FileBody, StreamBody, UpgradeBody>
      body;

  static Response Text(int status, std::string text);
  static Response Json(int status, std::string json);
  static Response Empty(int status);
};

using Handler = std::function<net::Task<Response>(Request&)>;

/// Makes the response for what the server or router itself refuses; `request` is null when there
/// was none that could be read.
using ErrorFormatter =
    std::function<Response(int status, const base::Error& error, const Request* request)>;

/// text/plain with the error's message.
Response PlainError(int status, const base::Error& error, const Request* request);

}  // namespace http
