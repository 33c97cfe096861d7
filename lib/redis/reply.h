#pragma once
// What a Redis server answers, with the types of RESP2.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/error.h"

namespace redis {

/// A refusal: `WRONGTYPE Operation against a key holding the wrong kind of value`.
struct ErrorReply {
  std::string text;
  /// The first word: `ERR`, `WRONGTYPE`, `NOAUTH`.
  std::string_view kind() const;
  bool operator==(const ErrorReply&) const = default;
};

/// A short word of success: `OK`, `PONG`, `QUEUED`.
struct StatusReply {
  std::string text;
  bool operator==(const StatusReply&) const = default;
};

struct Reply {
  using Array = std::vector<Reply>;
  /// std::monostate is nil; std::string holds any bytes.
  std::variant<std::monostate, int64_t, std::string, StatusReply, ErrorReply, Array> value;

  bool is_nil() const { return std::holds_alternative<std::monostate>(value); }
  const int64_t* integer() const { return std::get_if<int64_t>(&value); }
  const ErrorReply* error() const { return std::get_if<ErrorReply>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  /// Of a string or a status; nullptr for all else.
  const std::string* text() const;
  bool operator==(const Reply&) const = default;
};

/// A refusal as an error: kUnauthorized for NOAUTH and WRONGPASS, kForbidden for NOPERM,
/// kUnavailable while the server loads or has no writable master, kExhausted when its memory is
/// full, kConflict for an aborted transaction, else kInvalid.
base::Error ToError(const ErrorReply& refusal, std::string_view command);

}  // namespace redis
