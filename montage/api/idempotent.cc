#include "montage/api/idempotent.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "montage/storage/ids.h"

namespace montage::api {
namespace {

constexpr size_t kMaxKey = 255;

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKey &&
         std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
}

Problem Invalid(std::string message) {
  return {.status = 422, .error = "invalid", .message = std::move(message)};
}

}  // namespace

Outcome CreateOnce(const Api& api, const Services& services, Call& call,
                   const std::function<Outcome(const std::string& id)>& create) {
  using Found = storage::IdempotentStart::Outcome;
  const auto key = call.request.headers.Get("Idempotency-Key");
  if (!key) return create({});
  if (!IsKey(*key)) {
    return Invalid(
        fmt::format("the header Idempotency-Key has {} bytes; expected 1 to {} "
                    "printable ASCII characters without blanks",
                    key->size(), kMaxKey));
  }
  if (services.idempotency == nullptr) {
    return Problem{.status = 501,
                   .error = "not_implemented",
                   .message = "this service does not keep answers by Idempotency-Key"};
  }
  storage::IdempotencyStore& store = *services.idempotency;
  const std::string& owner = call.principal.user_id;
  const std::string hash = crypto::Sha256Hex(call.request.route->path + "\n" + call.request.body);
  const auto start = store.Begin(owner, *key, hash, call.deadline);
  if (!start) return api.Refuse(start.error(), call);
  switch (start->outcome) {
    case Found::kOther:
      return Invalid("the header Idempotency-Key was sent before with another request");
    case Found::kAnswered:
      return Reply{.status = start->status,
                   .headers = {{"Idempotency-Replayed", "true"}},
                   .text = {{"application/json", start->response}}};
    case Found::kNew:
    case Found::kRunning:  // or its process is gone
      break;
  }
  Outcome outcome = create(storage::NamedId(fmt::format("{}\n{}\n{}", owner, *key, hash)));
  const Reply* reply = std::get_if<Reply>(&outcome);
  if (reply == nullptr && start->outcome == Found::kRunning) return outcome;
  const auto kept = reply == nullptr
                        ? store.Abandon(owner, *key, call.deadline)
                        : store.Finish(owner, *key, reply->status,
                                       boost::json::serialize(reply->body), call.deadline);
  // What was made stays made: the client learns of it, the log of the lost key.
  if (!kept)
    api.parts().error_sink(base::Error(kept.error()).While("answering " + call.request_id));
  return outcome;
}

}  // namespace montage::api
