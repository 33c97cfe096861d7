#pragma once
// What the actions redis, amqp and mqtt share: endpoints, certificates, bodies, collecting, and
// running blocking clients beside the event loop.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/action/action.h"
#include "lib/net/cancellation.h"
#include "lib/net/service/service_url.h"

namespace assay::action::messaging {

/// The parameters `endpoint` (the shorthand) and `tls`.
std::vector<scenario::Field> ConnectionFields(std::string_view schemes);
/// Parameters of what listens: how many messages, and for how long.
std::vector<scenario::Field> CollectingFields();
/// Body of a message that is sent: `body` or `json`.
std::vector<scenario::Field> BodyFields();
/// Body of a message that came: `body`, `text`, `json`.
std::vector<scenario::Field> ReceivedBodyFields();

/// The URL of the endpoint's name, or the URL itself.
base::Result<std::string> FindUrl(const cel::Value& params, const ActionContext& context);
/// The parameter `endpoint` for people: without user and password.
std::string ShownEndpoint(const cel::Value& params);
/// The files exist.
base::Result<net::ServiceTls> ReadTls(const cel::Value& params, const ActionContext& context);
/// `body` as text or bytes, or `json`; "" when there is neither.
base::Result<std::string> ReadBody(const cel::Value& message);
/// Adds `body`, `text` and `json`.
void SetBody(cel::MapBuilder& message, const std::string& body);

/// "" when it is absent or null.
std::string TextOf(const cel::Value& object, std::string_view name);
bool BoolOf(const cel::Value& object, std::string_view name, bool otherwise);
base::Result<std::optional<int64_t>> IntOf(const cel::Value& object, std::string_view name,
                                           int64_t least, int64_t most);
base::Result<std::optional<base::Duration>> DurationOf(const cel::Value& object,
                                                       std::string_view name);
/// A list of texts, or one text; empty when absent.
base::Result<std::vector<std::string>> TextsOf(const cel::Value& object, std::string_view name);
/// kInvalid: `parameter "x" is not y`.
std::unexpected<base::Error> Wrong(std::string_view name, std::string_view expected);

/// When a listener has heard enough. Neither given: after one message.
struct Collecting {
  std::optional<int64_t> count;
  std::optional<base::Duration> limit;  ///< parameter `for`
};
base::Result<Collecting> ReadCollecting(const cel::Value& listener);

/// Calls `next` until enough came. The end of `for` is a good end; the end of the step's time is
/// kTimeout, and what came before stays in `into`.
template <typename Message>
base::Result<void> Collect(const Collecting& wanted, base::Deadline deadline,
                           const std::function<base::Result<Message>(base::Deadline)>& next,
                           std::vector<Message>& into) {
  const base::Deadline own =
      wanted.limit ? base::Deadline::After(*wanted.limit) : base::Deadline::Never();
  const auto most = static_cast<size_t>(wanted.count.value_or(wanted.limit ? INT64_MAX : 1));
  while (into.size() < most) {
    auto message = next(own.Earlier(deadline));
    if (!message) {
      const bool enough =
          message.error().code == base::ErrorCode::kTimeout && own.time() < deadline.time();
      if (enough) return {};
      return base::Fail(std::move(message).error());
    }
    into.push_back(*std::move(message));
  }
  return {};
}

/// What the work in the thread may use.
struct Work {
  base::Deadline deadline;
  const net::Cancellation& stop;
  /// Tells the run that the listener is ready; from the thread.
  std::function<void()> armed;
};

/// One message of an exchange: what is known of it, and its body.
struct Sent {
  boost::json::object facts;
  std::string body = {};
};

/// One exchange as it is kept: {"kind", "endpoint", "sent": [...], "received": [...], "error"}. A
/// body that is no short text becomes a blob: {"blob", "size", "preview"}.
struct Exchange {
  std::string kind;
  std::string endpoint;  ///< without user and password
  std::vector<Sent> sent = {};
  std::vector<Sent> received = {};
};

/// What the thread brings: variables, an error (or none), and the exchange.
struct Answer {
  cel::MapBuilder values = {};
  std::optional<base::Error> error = {};
  Exchange exchange = {};
};

/// Runs `work` in a thread of its own, stops it when the step is, adds the variable `duration` and
/// records the transcript.
net::Task<history::Outcome> RunInThread(const ActionContext& context,
                                        std::function<Answer(const Work&)> work);

}  // namespace assay::action::messaging
