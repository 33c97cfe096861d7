#include "montage/cache/redis_level.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace montage::cache {
namespace {

using base::ErrorCode;
using base::Fail;
using redis::Reply;

constexpr std::string_view kKeysOfAScan = "1000";

base::Error Unexpected(std::string_view command) {
  return {ErrorCode::kCorrupt,
          fmt::format("Redis answers {} in a form that is not its own", command)};
}

/// A refusal becomes an error; the rest stays.
base::Result<void> CheckRefusal(const Reply& reply, std::string_view command) {
  if (const auto* refusal = reply.error()) return Fail(redis::ToError(*refusal, command));
  return {};
}

/// A pattern of SCAN that stands for `text` itself.
std::string Literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("*?[]^-\\").contains(c)) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// The number behind `used_memory:` in the answer to INFO memory.
std::optional<uint64_t> UsedMemory(std::string_view facts) {
  constexpr std::string_view kName = "used_memory:";
  const size_t at = facts.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t bytes = 0;
  const char* begin = facts.data() + at + kName.size();
  const auto [end, status] = std::from_chars(begin, facts.data() + facts.size(), bytes);
  if (status != std::errc()) return std::nullopt;
  return bytes;
}

}  // namespace

base::Result<int64_t> RedisLevel::ExecuteForCount(const redis::Command& command,
                                                  base::Deadline deadline) {
  TRY(const Reply reply, client_.Execute(command, deadline));
  TRY(CheckRefusal(reply, command[0]));
  if (reply.integer() == nullptr) return Fail(Unexpected(command[0]));
  return *reply.integer();
}

base::Result<std::optional<FastEntry>> RedisLevel::Get(std::string_view key,
                                                       base::Deadline deadline) {
  const redis::Command commands[] = {{"GET", std::string(key)}, {"PTTL", std::string(key)}};
  TRY(std::vector<Reply> replies, client_.Pipeline(commands, deadline));
  if (replies.size() != 2) return Fail(Unexpected("GET"));
  TRY(CheckRefusal(replies[0], "GET"));
  TRY(CheckRefusal(replies[1], "PTTL"));
  const int64_t* left = replies[1].integer();
  if (left == nullptr) return Fail(Unexpected("PTTL"));
  // -2: it ended between the two commands. -1: somebody else put it and it never ends.
  if (replies[0].is_nil() || *left == -2) return std::nullopt;
  auto* bytes = std::get_if<std::string>(&replies[0].value);
  if (bytes == nullptr) return Fail(Unexpected("GET"));
  const base::Duration remaining =
      *left < 0 ? base::Duration::max() : base::Duration(std::chrono::milliseconds(*left));
  return FastEntry{std::move(*bytes), remaining};
}

base::Result<void> RedisLevel::Put(std::string_view key, std::string bytes,
                                   base::Duration time_to_live, base::Deadline deadline) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time_to_live).count();
  TRY(const Reply reply,
      client_.Execute({"SET", std::string(key), std::move(bytes), "PX", std::to_string(ms)},
                      deadline));
  return CheckRefusal(reply, "SET");
}

base::Result<bool> RedisLevel::Erase(std::string_view key, base::Deadline deadline) {
  TRY(const int64_t count, ExecuteForCount({"UNLINK", std::string(key)}, deadline));
  return count > 0;
}

base::Result<size_t> RedisLevel::ErasePrefix(std::string_view prefix, base::Deadline deadline) {
  size_t erased = 0;
  std::string cursor = "0";
  do {
    TRY(const Reply reply, client_.Execute({"SCAN", cursor, "MATCH", Literal(prefix) + "*", "COUNT",
                                            std::string(kKeysOfAScan)},
                                           deadline));
    TRY(CheckRefusal(reply, "SCAN"));
    const Reply::Array* parts = reply.array();
    if (parts == nullptr || parts->size() != 2 || (*parts)[0].text() == nullptr ||
        (*parts)[1].array() == nullptr) {
      return Fail(Unexpected("SCAN"));
    }
    redis::Command unlink{"UNLINK"};
    for (const Reply& key : *(*parts)[1].array()) {
      if (key.text() == nullptr) return Fail(Unexpected("SCAN"));
      unlink.push_back(*key.text());
    }
    if (unlink.size() > 1) {
      TRY(const int64_t count, ExecuteForCount(unlink, deadline));
      erased += static_cast<size_t>(count);
    }
    cursor = *(*parts)[0].text();
  } while (cursor != "0");
  return erased;
}

base::Result<FastUsage> RedisLevel::Usage(base::Deadline deadline) {
  TRY(const int64_t entries, ExecuteForCount({"DBSIZE"}, deadline));
  TRY(const Reply reply, client_.Execute({"INFO", "memory"}, deadline));
  TRY(CheckRefusal(reply, "INFO"));
  const auto bytes = reply.text() == nullptr ? std::nullopt : UsedMemory(*reply.text());
  if (!bytes) return Fail(Unexpected("INFO"));
  return FastUsage{.entries = static_cast<uint64_t>(entries), .bytes = *bytes};
}

}  // namespace montage::cache
