#include "lib/mqtt/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <mosquitto.h>
#include <openssl/ssl.h>

#include "lib/base/utf8.h"
#include "lib/net/error_mapping.h"
#include "lib/net/service/blocking.h"

namespace mqtt {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr std::array kSchemes = {net::ServiceScheme{"mqtt", 1883, false},
                                 net::ServiceScheme{"mqtts", 8883, true}};

/// MQTT 3.1.1, section 1.5.3: the length of a text has 16 bits.
constexpr size_t kLongestTopic = 65535;
/// How often libmosquitto looks after pings.
constexpr base::Duration kUpkeep = std::chrono::seconds(1);
/// MQTT 3.1.1, section 3.9.3: return code of a refused subscription.
constexpr int kRefused = 0x80;

// The library's own start, once in a process; it counts and needs no end.
void StartLibrary() {
  static const int started = mosquitto_lib_init();
  static_cast<void>(started);
}

Result<void> CheckText(std::string_view topic, std::string_view what) {
  if (!topic.empty() && topic.size() <= kLongestTopic && base::IsUtf8(topic) &&
      !topic.contains('\0')) {
    return {};
  }
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no {}: expected 1 to {} bytes of UTF-8",
                                topic.substr(0, 60), what, kLongestTopic));
}

// Bytes that TLS has read already: the socket does not show them.
bool HasDecrypted(mosquitto* client) {
  const auto* const ssl = static_cast<const SSL*>(mosquitto_ssl_get(client));
  return ssl != nullptr && SSL_pending(ssl) > 0;
}

ErrorCode CodeOf(int status) {
  switch (status) {
    case MOSQ_ERR_NOMEM:
      return ErrorCode::kExhausted;
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
      return ErrorCode::kCorrupt;
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
      return ErrorCode::kInvalid;
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
      return ErrorCode::kTooLarge;
    case MOSQ_ERR_AUTH:
      return ErrorCode::kUnauthorized;
    case MOSQ_ERR_ACL_DENIED:
      return ErrorCode::kForbidden;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Result<Target> ParseTarget(std::string_view url) {
  Target target;
  TRY(target.url, net::ParseServiceUrl(url, kSchemes));
  if (!target.url.path.empty()) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("the address of an MQTT broker has no path, found \"/{}\": topics "
                    "are given beside it",
                    target.url.path));
  }
  return target;
}

Result<void> CheckTopic(std::string_view topic) {
  TRY(CheckText(topic, "topic"));
  if (topic.find_first_of("+#") == std::string_view::npos) return {};
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no topic to publish to: + and # are only for "
                                "subscriptions",
                                topic));
}

Result<void> CheckFilter(std::string_view filter) {
  TRY(CheckText(filter, "topic filter"));
  if (mosquitto_sub_topic_check2(filter.data(), filter.size()) == MOSQ_ERR_SUCCESS) return {};
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("\"{}\" is no topic filter: + stands for a whole level, # only at "
                                "the end (sensors/+/temperature, sensors/#)",
                                filter));
}

struct Connection::State {
  explicit State(const net::Cancellation* stop_source) : stop(stop_source) {}

  static void OnConnect(mosquitto*, void* self, int code);
  static void OnDisconnect(mosquitto*, void* self, int reason);
  static void OnPublish(mosquitto*, void* self, int id);
  static void OnSubscribe(mosquitto*, void* self, int id, int count, const int* codes);
  static void OnMessage(mosquitto*, void* self, const mosquitto_message* message);

  Result<void> Configure(const Target& target);
  /// Moves packets until `done` holds.
  Result<void> Drive(const std::function<bool()>& done, const std::string& doing,
                     Deadline deadline);
  base::Error Lost(int status, const std::string& doing);

  struct Free {
    void operator()(mosquitto* raw) const { mosquitto_destroy(raw); }
  };

  std::unique_ptr<mosquitto, Free> client;
  const net::Cancellation* stop;
  std::string peer;
  std::optional<int> connected;  ///< return code of CONNACK
  bool lost = false;
  std::set<int> published;                  ///< ids of finished messages
  std::optional<std::vector<int>> granted;  ///< of the latest subscription
  std::deque<Message> inbox;
};

void Connection::State::OnConnect(mosquitto*, void* self, int code) {
  static_cast<State*>(self)->connected = code;
}

void Connection::State::OnDisconnect(mosquitto*, void* self, int) {
  static_cast<State*>(self)->lost = true;
}

void Connection::State::OnPublish(mosquitto*, void* self, int id) {
  static_cast<State*>(self)->published.insert(id);
}

void Connection::State::OnSubscribe(mosquitto*, void* self, int, int count, const int* codes) {
  static_cast<State*>(self)->granted.emplace(codes, codes + count);
}

void Connection::State::OnMessage(mosquitto*, void* self, const mosquitto_message* message) {
  static_cast<State*>(self)->inbox.push_back(
      {.topic = message->topic,
       .payload = {static_cast<const char*>(message->payload),
                   static_cast<size_t>(message->payloadlen)},
       .quality = static_cast<Quality>(message->qos),
       .retain = message->retain});
}

base::Error Connection::State::Lost(int status, const std::string& doing) {
  const ErrorCode kind = CodeOf(status);
  lost = lost || kind == ErrorCode::kUnavailable || kind == ErrorCode::kCorrupt;
  if (status == MOSQ_ERR_ERRNO && errno != 0) {
    base::Error error = net::ErrnoError(errno, doing);
    if (error.code == ErrorCode::kIo) error.code = ErrorCode::kUnavailable;
    error.hint = "see that the broker runs there and that the address is right";
    return error;
  }
  base::Error error{CodeOf(status),
                    fmt::format("cannot {}: {}", doing, mosquitto_strerror(status))};
  if (status == MOSQ_ERR_TLS || status == MOSQ_ERR_TLS_HANDSHAKE) {
    error.hint =
        "give the authority that signed its certificate (tls: {ca: file}), and the host "
        "that the certificate names";
  } else if (error.code == ErrorCode::kUnavailable) {
    error.hint = "see that the broker runs there and that the address is right";
  }
  return error;
}

Result<void> Connection::State::Configure(const Target& target) {
  mosquitto* const raw = client.get();
  mosquitto_connect_callback_set(raw, &OnConnect);
  mosquitto_disconnect_callback_set(raw, &OnDisconnect);
  mosquitto_publish_callback_set(raw, &OnPublish);
  mosquitto_subscribe_callback_set(raw, &OnSubscribe);
  mosquitto_message_callback_set(raw, &OnMessage);
  if (!target.url.user.empty()) {
    mosquitto_username_pw_set(raw, target.url.user.c_str(), target.url.password.c_str());
  }
  if (!target.url.secure) return {};
  const net::ServiceTls& tls = target.tls;
  const auto file = [](const std::string& name) { return name.empty() ? nullptr : name.c_str(); };
  int status = MOSQ_ERR_SUCCESS;
  if (tls.ca_file.empty()) {
    status = mosquitto_int_option(raw, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
  }
  if (status == MOSQ_ERR_SUCCESS && (!tls.ca_file.empty() || !tls.certificate.empty())) {
    status = mosquitto_tls_set(raw, file(tls.ca_file), nullptr, file(tls.certificate),
                               file(tls.key), nullptr);
  }
  if (status == MOSQ_ERR_SUCCESS) {
    status = mosquitto_tls_opts_set(raw, tls.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                                    "tlsv1.2", nullptr);
  }
  if (status == MOSQ_ERR_SUCCESS && tls.insecure) status = mosquitto_tls_insecure_set(raw, true);
  if (status == MOSQ_ERR_SUCCESS) return {};
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("cannot use the certificates {} {} {}: {}", tls.ca_file,
                                tls.certificate, tls.key, mosquitto_strerror(status)));
}

Result<void> Connection::State::Drive(const std::function<bool()>& done, const std::string& doing,
                                      Deadline deadline) {
  const net::QuietPipe quiet;
  mosquitto* const raw = client.get();
  while (!done()) {
    const int socket = mosquitto_socket(raw);
    if (lost || socket < 0) return base::Fail(Lost(MOSQ_ERR_CONN_LOST, doing));
    const auto readiness =
        mosquitto_want_write(raw) ? net::Readiness::kReadOrWrite : net::Readiness::kRead;
    const Deadline until = deadline.Earlier(Deadline::After(kUpkeep));
    const auto ready = HasDecrypted(raw)
                           ? Result<void>()
                           : net::BlockUntilReady(socket, readiness, until, stop, doing);
    if (!ready && ready.error().code != ErrorCode::kTimeout) return ready;
    if (!ready && deadline.HasPassed(base::SystemClock())) return ready;
    errno = 0;
    int status = ready ? mosquitto_loop_read(raw, 1) : MOSQ_ERR_SUCCESS;
    if (status == MOSQ_ERR_SUCCESS && mosquitto_want_write(raw)) {
      status = mosquitto_loop_write(raw, 1);
    }
    if (status == MOSQ_ERR_SUCCESS) status = mosquitto_loop_misc(raw);
    if (status != MOSQ_ERR_SUCCESS && !done()) return base::Fail(Lost(status, doing));
  }
  return {};
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

Connection::~Connection() {
  const net::QuietPipe quiet;
  // Sent at once or not at all; a broker that misses it sees the end of the connection.
  if (!state_->lost) mosquitto_disconnect(state_->client.get());
}

Result<std::unique_ptr<Connection>> Connection::Open(const Target& target,
                                                     const ConnectionOptions& options,
                                                     Deadline deadline) {
  StartLibrary();
  auto state = std::make_unique<State>(options.stop);
  const char* const id = options.client_id.empty() ? nullptr : options.client_id.c_str();
  state->client.reset(mosquitto_new(id, true, state.get()));
  if (!state->client) return base::Fail(ErrorCode::kExhausted, "no memory for a connection");
  state->peer = target.url.Authority();
  TRY(state->Configure(target));
  const std::string doing = fmt::format("connect to {}", state->peer);
  {
    const net::QuietPipe quiet;
    errno = 0;
    const int status =
        mosquitto_connect_async(state->client.get(), target.url.host.c_str(), target.url.port,
                                static_cast<int>(options.keep_alive.count()));
    if (status != MOSQ_ERR_SUCCESS) return base::Fail(state->Lost(status, doing));
  }
  TRY(state->Drive([&] { return state->connected.has_value(); }, doing, deadline));
  std::unique_ptr<Connection> connection(new Connection(std::move(state)));
  const int code = *connection->state_->connected;
  if (code == 0) return connection;
  connection->state_->lost = true;
  // MQTT 3.1.1, section 3.2.2.3: 3 server unavailable, 4 bad user or password, 5 not authorized.
  const bool login = code == 4 || code == 5;
  return base::Fail(
      base::Error{.code = login ? ErrorCode::kUnauthorized
                                : (code == 3 ? ErrorCode::kUnavailable : ErrorCode::kUnsupported),
                  .message = fmt::format("cannot {}: the broker answered {} ({})", doing, code,
                                         mosquitto_connack_string(code)),
                  .hint = login ? "check user and password of the URL" : ""});
}

Result<void> Connection::Publish(const Message& message, Deadline deadline) {
  TRY(CheckTopic(message.topic));
  const std::string doing = fmt::format("publish to \"{}\"", message.topic);
  int id = 0;
  {
    const net::QuietPipe quiet;
    errno = 0;
    const int status = mosquitto_publish(
        state_->client.get(), &id, message.topic.c_str(), static_cast<int>(message.payload.size()),
        message.payload.data(), static_cast<int>(message.quality), message.retain);
    if (status != MOSQ_ERR_SUCCESS) return base::Fail(state_->Lost(status, doing));
  }
  TRY(state_->Drive([&] { return state_->published.contains(id); }, doing, deadline));
  state_->published.erase(id);
  return {};
}

Result<void> Connection::Subscribe(std::span<const std::string> filters, Quality quality,
                                   Deadline deadline) {
  if (filters.empty()) return base::Fail(ErrorCode::kInvalid, "a subscription needs a topic");
  std::vector<char*> topics;
  for (const std::string& filter : filters) {
    TRY(CheckFilter(filter));
    topics.push_back(const_cast<char*>(filter.c_str()));  // only read; the C type lacks the const
  }
  const std::string doing = fmt::format("subscribe to \"{}\"", filters.front());
  state_->granted.reset();
  {
    const net::QuietPipe quiet;
    errno = 0;
    const int status =
        mosquitto_subscribe_multiple(state_->client.get(), nullptr, static_cast<int>(topics.size()),
                                     topics.data(), static_cast<int>(quality), 0, nullptr);
    if (status != MOSQ_ERR_SUCCESS) return base::Fail(state_->Lost(status, doing));
  }
  TRY(state_->Drive([&] { return state_->granted.has_value(); }, doing, deadline));
  const auto refused = std::ranges::find(*state_->granted, kRefused);
  if (refused == state_->granted->end()) return {};
  const auto which = static_cast<size_t>(refused - state_->granted->begin());
  return base::Fail(ErrorCode::kForbidden,
                    fmt::format("the broker refused the subscription to \"{}\"", filters[which]));
}

Result<Message> Connection::Next(Deadline deadline) {
  TRY(state_->Drive([&] { return !state_->inbox.empty(); }, "wait for a message", deadline));
  Message message = std::move(state_->inbox.front());
  state_->inbox.pop_front();
  return message;
}

}  // namespace mqtt
