// Any bytes on a connection: the server must answer or close, with a handler that reads the body
// and checks what it is given, and must not crash or hang.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/media.h"
#include "lib/http/router.h"
#include "lib/http/server.h"
#include "lib/net/runtime.h"
#include "lib/net/tcp.h"

namespace {

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(10)); }

net::Task<http::Response> Echo(http::Request& request) {
  const bool sane =
      request.headers.GetAll("Host").size() <= 1 &&
      !(request.headers.Has("Content-Length") && request.headers.Has("Transfer-Encoding"));
  if (!sane || request.body.size() > 1000) __builtin_trap();
  for (const http::HeaderField& field : request.headers) {
    if (field.value.find('\n') != std::string::npos) __builtin_trap();
  }
  static_cast<void>(http::ParseQuery(request.query));
  static_cast<void>(http::ParsePreferences(request.headers.Joined("Accept")));
  static_cast<void>(http::ParseMediaType(request.headers.Joined("Content-Type")));
  co_return http::Response::Text(200, request.body);
}

net::Task<base::Result<void>> Play(uint16_t port, std::string_view input) {
  CO_TRY(net::TcpStream stream, co_await net::Connect("127.0.0.1", port, Soon()));
  // The server may close before it has taken everything.
  static_cast<void>(co_await stream.Write(input, Soon()));
  stream.FinishWriting();
  std::vector<std::byte> answer(16 * 1024);
  while (true) {
    const auto got = co_await stream.Read(answer, Soon());
    if (!got.has_value() && got.error().code == base::ErrorCode::kTimeout) __builtin_trap();
    if (!got.has_value() || *got == 0) break;
  }
  co_return base::Result<void>();
}

/// One server for all inputs.
struct Target {
  Target() : router({.max_body = 1000}) {
    for (const http::Method method : {http::Method::kGet, http::Method::kPost}) {
      http::Route route{.method = method, .path = "/{path*}", .handler = Echo};
      static_cast<void>(router.Add(std::move(route)));
    }
    http::ServerOptions options;
    options.max_header = 2048;
    server = http::Server::Start(runtime.executors(), router.AsHandler(), options).value();
  }
  net::Runtime runtime;
  http::Router router;
  std::unique_ptr<http::Server> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static Target target;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(target.runtime.Run(Play(target.server->port(), input)));
  return 0;
}
