#pragma once
// Messages of AMQP 0-9-1 and what travels with them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace queue {

struct Entry;
/// Arguments and headers, in order.
using Table = std::vector<Entry>;

/// Bytes that are no text.
struct Octets {
  std::string bytes;
  bool operator==(const Octets&) const = default;
};

/// A value in a table. std::monostate is void; decimals become doubles.
struct Field {
  using List = std::vector<Field>;
  std::variant<std::monostate, bool, int64_t, double, std::string, Octets, std::chrono::sys_seconds,
               List, Table>
      value;
  bool operator==(const Field& other) const;
};

struct Entry {
  std::string name;
  Field field;
  bool operator==(const Entry&) const = default;
};

inline bool Field::operator==(const Field& other) const { return value == other.value; }

/// "" and nullopt: not set.
struct Properties {
  std::string content_type = {};
  std::string content_encoding = {};
  Table headers = {};
  bool persistent = true;  ///< survives a restart of the broker in a durable queue
  std::optional<uint8_t> priority = {};
  std::string correlation_id = {};
  std::string reply_to = {};
  std::string expiration = {};  ///< milliseconds as text: the message's own time to live
  std::string message_id = {};
  std::optional<std::chrono::sys_seconds> timestamp = {};
  std::string type = {};
  std::string user_id = {};
  std::string app_id = {};
};

struct Message {
  std::string exchange = {};  ///< "": the default exchange, which routes to the queue of that name
  std::string routing_key = {};
  Properties properties = {};
  std::string body = {};
};

/// A message from a queue. It stays the broker's until it is acknowledged.
struct Delivery {
  Message message;
  uint64_t delivery_tag = 0;
  bool redelivered = false;
};

/// Why the broker gave a message back: `312 NO_ROUTE`.
struct ReturnReason {
  int code = 0;
  std::string text;
};

/// What became of a published message.
struct PublishResult {
  bool confirmed = false;  ///< the broker took responsibility for it (also when it was returned)
  std::optional<ReturnReason> returned = {};
};

}  // namespace queue
