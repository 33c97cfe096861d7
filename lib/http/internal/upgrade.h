#pragma once
// A connection that stops being HTTP, on its way from the session to what it becomes. For .cc
// files.

#include <functional>

#include "lib/http/internal/wire.h"
#include "lib/http/message.h"

namespace http::internal {

class Upgrade {
 public:
  Upgrade(Wire& wire, const Request& request, std::function<void()>& on_drain)
      : wire_(wire), request_(request), on_drain_(on_drain) {}

  /// The connection itself; once.
  Wire::Stream TakeStream() { return wire_.Release(); }
  const Request& request() const { return request_; }
  /// Called when the server begins to shut down, until it is set to nothing.
  void OnDrain(std::function<void()> callback) { on_drain_ = std::move(callback); }

 private:
  Wire& wire_;
  const Request& request_;
  std::function<void()>& on_drain_;
};

}  // namespace http::internal
