#include "lib/http/client.h"

#include "lib/http/internal/curl_loop.h"
#include "lib/http/internal/transfer.h"
#include "lib/http/uri.h"

namespace http {
namespace {

const base::Clock& SystemTime() {
  static const base::SystemClock clock;
  return clock;
}

}  // namespace

struct Client::Core {
  Core(net::Executor executor, ClientOptions with)
      : options(std::move(with)),
        loop(std::make_shared<internal::CurlLoop>(
            std::move(executor), static_cast<long>(options.max_connections),
            static_cast<long>(options.max_idle_connections))) {
    if (options.clock == nullptr) options.clock = &SystemTime();
  }
  ClientOptions options;
  std::shared_ptr<internal::CurlLoop> loop;
};

const std::string& Client::user_agent() const { return core_->options.user_agent; }

Client::Client(net::Executor executor, ClientOptions options)
    : core_(std::make_shared<Core>(std::move(executor), std::move(options))) {}

Client::~Client() = default;

net::Task<base::Result<ClientResponse>> Client::Send(ClientRequest request,
                                                     base::Deadline deadline) {
  const auto core = core_;
  CO_TRY(Url url, ParseUrl(request.url));
  if (url.scheme != "http" && url.scheme != "https") {
    co_return base::Fail(base::ErrorCode::kInvalid, "url '" + request.url + "' has the scheme '" +
                                                        url.scheme + "', expected http or https");
  }
  internal::Transfer transfer(request, std::move(url));
  CO_TRY(transfer.Prepare(core->options, core->options.clock->Now()));
  co_return co_await transfer.Run(core->loop, deadline);
}

}  // namespace http
