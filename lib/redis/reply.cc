#include "lib/redis/reply.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace redis {
namespace {

using base::ErrorCode;

struct Kind {
  std::string_view word;
  ErrorCode code;
  std::string_view hint;
};

constexpr std::array kKinds = {
    Kind{"NOAUTH", ErrorCode::kUnauthorized, "give a password: redis://:password@host:port"},
    Kind{"WRONGPASS", ErrorCode::kUnauthorized, "check user and password of the URL"},
    Kind{"NOPERM", ErrorCode::kForbidden, "the user's ACL does not allow it (ACL LIST shows why)"},
    Kind{"LOADING", ErrorCode::kUnavailable, "the server reads its data: try again"},
    Kind{"BUSY", ErrorCode::kUnavailable, "a script runs in the server: try again"},
    Kind{"READONLY", ErrorCode::kUnavailable, "this server is a replica: write to its master"},
    Kind{"MASTERDOWN", ErrorCode::kUnavailable, "the replica has lost its master"},
    Kind{"CLUSTERDOWN", ErrorCode::kUnavailable, "the cluster does not serve all slots"},
    Kind{"TRYAGAIN", ErrorCode::kUnavailable, "slots of the cluster are moving: try again"},
    Kind{"MISCONF", ErrorCode::kUnavailable, "the server cannot save to its disk"},
    Kind{"MOVED", ErrorCode::kUnsupported, "address the node of the cluster that holds the key"},
    Kind{"ASK", ErrorCode::kUnsupported, "address the node of the cluster that holds the key"},
    Kind{"OOM", ErrorCode::kExhausted, "the server's maxmemory is used up"},
    Kind{"EXECABORT", ErrorCode::kConflict, "a command of the transaction was refused"}};

}  // namespace

std::string_view ErrorReply::kind() const {
  return std::string_view(text).substr(0, std::min(text.find(' '), text.size()));
}

const std::string* Reply::text() const {
  if (const auto* string = std::get_if<std::string>(&value)) return string;
  const auto* status = std::get_if<StatusReply>(&value);
  return status == nullptr ? nullptr : &status->text;
}

base::Error ToError(const ErrorReply& refusal, std::string_view command) {
  base::Error error{ErrorCode::kInvalid,
                    fmt::format("redis refused {}: {}", command, refusal.text)};
  const auto known = std::ranges::find(kKinds, refusal.kind(), &Kind::word);
  if (known != kKinds.end()) {
    error.code = known->code;
    error.hint = known->hint;
  }
  return error;
}

}  // namespace redis
