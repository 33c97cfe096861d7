// What is cached of recordings, seen and changed level by level: for administrators.

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/base64.h"
#include "montage/analysis/features/feature_bytes.h"
#include "montage/api/request/json_fields.h"
#include "montage/api/routes.h"

namespace montage::api {
namespace {

using base::ErrorCode;
using cache::CacheKey;
using cache::Level;
using identity::Permission;

constexpr size_t kLargestValue = size_t{1} << 20;

struct Address {
  Level level;
  CacheKey key;
};

/// Administrators see entries of their own site's recordings and of recordings that do not exist.
std::optional<Problem> RefuseForeign(const Api& api, const Services& services, const Call& call,
                                     std::string_view file_id) {
  const auto file = services.recordings.Find(file_id, call.deadline);
  if (file && file->owner.tenant == call.principal.site) return std::nullopt;
  if (file) return api.Refuse(NotFound("cache entry of the recording", file_id), call);
  if (file.error().code == ErrorCode::kNotFound) return std::nullopt;
  return api.Refuse(file.error(), call);
}

std::variant<Address, Problem> ReadAddress(const Api& api, const Services& services,
                                           const Call& call) {
  const std::string& level = call.request.params.Get("level");
  if (level != ToString(Level::kL1) && level != ToString(Level::kL2)) {
    return Problem{
        .status = 404,
        .error = "not_found",
        .message = fmt::format("there is no cache level \"{}\"; expected l1 or l2", level)};
  }
  auto key = CacheKey::Parse(call.request.params.Get("key"));
  if (!key) return api.Refuse(key.error(), call);
  if (auto problem = RefuseForeign(api, services, call, key->file_id())) return *std::move(problem);
  return Address{level == ToString(Level::kL1) ? Level::kL1 : Level::kL2, *std::move(key)};
}

Problem NoEntry(const Address& address) {
  return {.status = 404,
          .error = "not_found",
          .message =
              fmt::format("{} has no entry \"{}\"", ToString(address.level), address.key.text())};
}

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

/// A level that cannot be asked still has its counts.
boost::json::object LevelJson(const Api& api, Services& services, const Call& call, Level level) {
  const cache::LevelCounts counts = services.cache.counts(level);
  const auto usage = services.cache.Usage(level, call.deadline);
  if (!usage) {
    api.parts().error_sink(base::Error(usage.error()).While("answering " + call.request_id));
  }
  const bool is_fast = level == Level::kL1;
  boost::json::object json{
      {"kind", is_fast ? services.cache.fast_kind() : std::string_view("objects")},
      {"available", usage.has_value()},
      {"entries", nullptr},
      {"bytes", nullptr},
      {"complete", usage && usage->complete},
      {"hits", counts.hits},
      {"misses", counts.misses},
      {"failures", counts.failures},
      {"damaged", counts.damaged},
      {"time_to_live_s", nullptr}};
  if (usage) json["entries"] = usage->entries;
  if (usage) json["bytes"] = usage->bytes;
  if (is_fast) json["time_to_live_s"] = Seconds(services.cache.time_to_live());
  return json;
}

Outcome GetStats(const Api& api, Services& services, Call& call) {
  return Reply{.body = boost::json::object{{"l1", LevelJson(api, services, call, Level::kL1)},
                                           {"l2", LevelJson(api, services, call, Level::kL2)}}};
}

Outcome GetEntry(const Api& api, Services& services, Call& call) {
  auto read = ReadAddress(api, services, call);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const Address& address = std::get<Address>(read);
  const auto found = services.cache.Look(address.level, address.key, call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  if (!*found) return NoEntry(address);
  const cache::Kept& kept = **found;
  boost::json::object body{{"key", address.key.text()},
                           {"level", ToString(address.level)},
                           {"file_id", address.key.file_id()},
                           {"size", kept.value.size()},
                           {"value", crypto::Base64(kept.value)},
                           {"values", nullptr},
                           {"remaining_s", nullptr}};
  if (const auto values = analysis::ParseFeatureBytes(kept.value))
    body["values"] = boost::json::array(values->begin(), values->end());
  // Redis keeps what others put there for ever.
  if (kept.remaining && *kept.remaining != base::Duration::max())
    body["remaining_s"] = Seconds(*kept.remaining);
  return Reply{.body = std::move(body), .audit_object = address.key.text()};
}

Outcome PutEntry(const Api& api, Services& services, Call& call) {
  auto read = ReadAddress(api, services, call);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const Address& address = std::get<Address>(read);
  JsonFields fields(call.request);
  auto value = crypto::ParseBase64(fields.RequiredText("value"));
  if (!value) fields.Wrong("value", "is no Base64 (RFC 4648)");
  if (value && value->size() > kLargestValue)
    fields.Wrong("value", fmt::format("has {} bytes, more than {}", value->size(), kLargestValue));
  if (auto problem = fields.Finish()) return *std::move(problem);
  const auto put =
      services.cache.Plant(address.level, address.key, *std::move(value), call.deadline);
  if (!put) return api.Refuse(put.error(), call);
  return Reply{.status = 204, .audit_object = address.key.text()};
}

Outcome DeleteEntry(const Api& api, Services& services, Call& call) {
  auto read = ReadAddress(api, services, call);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const Address& address = std::get<Address>(read);
  const auto existed = services.cache.Erase(address.level, address.key, call.deadline);
  if (!existed) return api.Refuse(existed.error(), call);
  if (!*existed) return NoEntry(address);
  return Reply{.status = 204, .audit_object = address.key.text()};
}

Outcome InvalidateFile(const Api& api, Services& services, Call& call) {
  const std::string& file_id = call.request.params.Get("file_id");
  if (!cache::IsFileId(file_id)) {
    return Problem{.status = 422,
                   .error = "invalid",
                   .message = fmt::format("\"{}\" cannot be the id of a recording", file_id)};
  }
  if (auto problem = RefuseForeign(api, services, call, file_id)) return *std::move(problem);
  auto done = services.cache.InvalidateFile(file_id, call.deadline);
  if (!done) return api.Refuse(done.error(), call);
  if (done->fast_failure) {
    return Problem{.status = 503,
                   .error = "service_unavailable",
                   .message = "l2 was invalidated, but l1 does not answer; try again",
                   .details = {{"l2", done->stored}},
                   .retry_after = std::chrono::seconds(1)};
  }
  return Reply{
      .body = boost::json::object{{"file_id", file_id}, {"l1", done->fast}, {"l2", done->stored}},
      .audit_object = file_id};
}

boost::json::object LevelSchema() {
  return schema::Object({{"kind", schema::Word({"memory", "redis", "objects"})},
                         {"available", schema::Boolean()},
                         {"entries", schema::Nullable(schema::Integer(0))},
                         {"bytes", schema::Nullable(schema::Integer(0))},
                         {"complete", schema::Boolean()},
                         {"hits", schema::Integer(0)},
                         {"misses", schema::Integer(0)},
                         {"failures", schema::Integer(0)},
                         {"damaged", schema::Integer(0)},
                         {"time_to_live_s", schema::Nullable(schema::Number(0))}});
}

boost::json::object EntrySchema() {
  return schema::Object({{"key", schema::Text()},
                         {"level", schema::Word({"l1", "l2"})},
                         {"file_id", schema::Text()},
                         {"size", schema::Integer(0)},
                         {"value", schema::Text("Base64")},
                         {"values", schema::Nullable(schema::List(schema::Number()))},
                         {"remaining_s", schema::Nullable(schema::Number(0))}});
}

Operation Make(http::Method method, std::string path, std::string id, std::string summary,
               std::map<int, ResponseDoc> responses) {
  return {.method = method,
          .path = std::move(path),
          .id = std::move(id),
          .tag = "cache",
          .summary = std::move(summary),
          .permission = Permission::kManageCache,
          .responses = std::move(responses)};
}

void AddEntryRoutes(Api& api, Services& services) {
  const std::string path = "/api/v1/cache/entries/{level}/{key}";
  const ResponseDoc absent{"There is no such entry."};
  const ResponseDoc wrong{"The key is none of the cache."};
  Operation get = Make(http::Method::kGet, path, "getCacheEntry", "One entry of one level.",
                       {{200, {"The entry.", EntrySchema()}}, {404, absent}, {422, wrong}});
  get.audit_action = "cache.read";
  api.Add(std::move(get), [&api, &services](Call& call) { return GetEntry(api, services, call); });
  Operation put = Make(http::Method::kPut, path, "putCacheEntry", "Put an entry into one level.",
                       {{204, {"It is there."}},
                        {404, {"There is no such level, or the recording is another site's."}}});
  put.audit_action = "cache.put";
  put.body_schema = schema::Object({{"value", schema::Text("Base64, at most 1 MiB of bytes")}});
  put.max_body = 2 * kLargestValue;
  api.Add(std::move(put), [&api, &services](Call& call) { return PutEntry(api, services, call); });
  Operation erase =
      Make(http::Method::kDelete, path, "deleteCacheEntry", "Remove an entry from one level.",
           {{204, {"It is gone."}}, {404, absent}, {422, wrong}});
  erase.audit_action = "cache.delete";
  api.Add(std::move(erase),
          [&api, &services](Call& call) { return DeleteEntry(api, services, call); });
}

}  // namespace

void AddCacheRoutes(Api& api, Services& services) {
  api.Add(
      Make(http::Method::kGet, "/api/v1/cache/stats", "getCacheStats",
           "What is in both levels, and what this process counted since its start.",
           {{200,
             {"The figures.", schema::Object({{"l1", LevelSchema()}, {"l2", LevelSchema()}})}}}),
      [&api, &services](Call& call) { return GetStats(api, services, call); });
  AddEntryRoutes(api, services);
  Operation invalidate =
      Make(http::Method::kDelete, "/api/v1/cache/files/{file_id}", "invalidateCachedFile",
           "Remove everything that is cached of a recording from both levels.",
           {{200,
             {"How many entries each level had.", schema::Object({{"file_id", schema::Text()},
                                                                  {"l1", schema::Integer(0)},
                                                                  {"l2", schema::Integer(0)}})}},
            {404, {"The recording is another site's."}},
            {422, {"This cannot be the id of a recording."}},
            {503, {"A level does not answer."}}});
  invalidate.audit_action = "cache.invalidate";
  api.Add(std::move(invalidate),
          [&api, &services](Call& call) { return InvalidateFile(api, services, call); });
}

}  // namespace montage::api
