#include <algorithm>
#include <iterator>

#include "assay/action/s3/s3_values.h"
#include "assay/cel/text.h"

namespace assay::action {
namespace {

namespace s3 = objects::s3;
using base::Result;
using cel::Value;

constexpr size_t kMostAtOnce = 1000;  // objects of a request that deletes several

Value ObjectValue(const s3::ListedObject& object) {
  return Value::Object({{"key", Value::String(object.key)},
                        {"size", CountValue(object.size)},
                        {"etag", Value::String(object.etag)},
                        {"modified", TimeValue(object.modified)}});
}

Value VersionValue(const s3::ListedVersion& version) {
  return Value::Object({{"key", Value::String(version.key)},
                        {"version", Value::String(version.version)},
                        {"latest", Value::Bool(version.latest)},
                        {"delete_marker", Value::Bool(version.delete_marker)},
                        {"size", CountValue(version.size)},
                        {"etag", Value::String(version.etag)},
                        {"modified", TimeValue(version.modified)}});
}

Value Texts(const std::vector<std::string>& texts) {
  std::vector<Value> values;
  values.reserve(texts.size());
  for (const std::string& text : texts) values.push_back(Value::String(text));
  return Value::List(std::move(values));
}

Result<s3::ObjectName> NameToDelete(const std::string& bucket, const Value& entry) {
  if (!entry.is_map()) return s3::ObjectName{bucket, cel::ToText(entry)};
  const Value* key = entry.Find("key");
  const Value* version = entry.Find("version");
  if (key == nullptr) return WrongParameter("delete", "a key, or a list of keys or {key, version}");
  return s3::ObjectName{bucket, cel::ToText(*key), version == nullptr ? "" : cel::ToText(*version)};
}

net::Task<Result<Value>> DeleteOne(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  CO_TRY(const auto reply, co_await session.client.Delete(name, session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  if (reply.accepted()) {
    map.Set("version", Value::String(reply.value.version));
    map.Set("delete_marker", Value::Bool(reply.value.marker));
    map.Set("deleted", Texts({name.key}));
  }
  co_return std::move(map).Build();
}

/// Sends them in requests of at most 1000; the first refusal ends it.
s3::ReplyTask<s3::BatchDeletion> DeleteAll(s3::Client& client, std::string bucket,
                                           std::vector<s3::ObjectName> names,
                                           base::Deadline deadline) {
  s3::Reply<s3::BatchDeletion> all{{.status = 200}, {}};
  for (size_t at = 0; at < names.size(); at += kMostAtOnce) {
    const auto first = names.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::min(kMostAtOnce, names.size() - at);
    CO_TRY(auto reply, co_await client.DeleteMany(
                           bucket, {first, first + static_cast<std::ptrdiff_t>(count)}, deadline));
    static_cast<s3::Answer&>(all) = reply;
    if (!reply.accepted()) break;
    std::ranges::move(reply.value.deleted, std::back_inserter(all.value.deleted));
    std::ranges::move(reply.value.failed, std::back_inserter(all.value.failed));
  }
  co_return all;
}

net::Task<Result<Value>> DeleteSeveral(const S3Session& session) {
  CO_TRY(const std::string bucket, NeededParameter(session.params, "bucket"));
  std::vector<s3::ObjectName> names;
  for (const Value& entry : session.subject.list()) {
    CO_TRY(s3::ObjectName name, NameToDelete(bucket, entry));
    names.push_back(std::move(name));
  }
  if (names.empty()) co_return WrongParameter("delete", "a key, or a list with at least one");
  CO_TRY(const auto reply,
         co_await DeleteAll(session.client, bucket, std::move(names), session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  std::vector<std::string> deleted;
  for (const s3::ObjectName& name : reply.value.deleted) deleted.push_back(name.key);
  std::vector<Value> failed;
  for (const s3::FailedDeletion& one : reply.value.failed) {
    failed.push_back(Value::Object({{"key", Value::String(one.name.key)},
                                    {"version", Value::String(one.name.version)},
                                    {"error_code", Value::String(one.refusal.code)},
                                    {"error_message", Value::String(one.refusal.message)}}));
  }
  map.Set("deleted", Texts(deleted));
  map.Set("failed", Value::List(std::move(failed)));
  co_return std::move(map).Build();
}

/// Deletes every version of every object of the bucket.
s3::ReplyTask<s3::Nothing> Empty(s3::Client& client, std::string bucket, base::Deadline deadline) {
  while (true) {
    CO_TRY(const auto listing, co_await client.ListVersions(bucket, {}, deadline));
    s3::Reply<s3::Nothing> reply{static_cast<const s3::Answer&>(listing), {}};
    if (!listing.accepted() || listing.value.versions.empty()) co_return reply;
    std::vector<s3::ObjectName> names;
    for (const s3::ListedVersion& one : listing.value.versions) {
      names.push_back({bucket, one.key, one.version});
    }
    CO_TRY(const auto deleted, co_await client.DeleteMany(bucket, std::move(names), deadline));
    static_cast<s3::Answer&>(reply) = deleted;
    if (reply.accepted() && !deleted.value.failed.empty()) {
      reply.refusal = deleted.value.failed.front().refusal;
    }
    if (!reply.accepted()) co_return reply;
  }
}

}  // namespace

net::Task<Result<Value>> S3List(const S3Session& session) {
  CO_TRY(const std::string bucket, NeededParameter(session.params, "bucket"));
  CO_TRY(const uint64_t limit, CountParameter(session.params, "limit", kMostAtOnce));
  s3::ListQuery query{.prefix = cel::ToText(session.subject),
                      .delimiter = TextParameter(session.params, "delimiter"),
                      .after = TextParameter(session.params, "after")};
  std::vector<Value> objects;
  std::vector<std::string> keys;
  std::vector<std::string> prefixes;
  while (true) {
    query.limit = limit - keys.size();
    CO_TRY(const auto reply, co_await session.client.List(bucket, query, session.context.deadline));
    for (const s3::ListedObject& object : reply.value.objects) {
      keys.push_back(object.key);
      objects.push_back(ObjectValue(object));
    }
    for (const std::string& prefix : reply.value.prefixes) prefixes.push_back(prefix);
    query.next = reply.value.next;
    query.after.clear();
    if (reply.accepted() && reply.value.more && keys.size() < limit) continue;
    cel::MapBuilder map = AnswerFields(reply);
    if (reply.accepted()) {
      map.Set("keys", Texts(keys));
      map.Set("objects", Value::List(std::move(objects)));
      map.Set("prefixes", Texts(prefixes));
      map.Set("more", Value::Bool(reply.value.more));
    }
    co_return std::move(map).Build();
  }
}

net::Task<Result<Value>> S3Versions(const S3Session& session) {
  CO_TRY(const std::string bucket, NeededParameter(session.params, "bucket"));
  CO_TRY(const uint64_t limit, CountParameter(session.params, "limit", kMostAtOnce));
  s3::VersionQuery query{.prefix = cel::ToText(session.subject),
                         .delimiter = TextParameter(session.params, "delimiter")};
  std::vector<Value> versions;
  while (true) {
    query.limit = limit - versions.size();
    CO_TRY(const auto reply,
           co_await session.client.ListVersions(bucket, query, session.context.deadline));
    for (const s3::ListedVersion& version : reply.value.versions) {
      versions.push_back(VersionValue(version));
    }
    query.next_key = reply.value.next_key;
    query.next_version = reply.value.next_version;
    if (reply.accepted() && reply.value.more && versions.size() < limit) continue;
    cel::MapBuilder map = AnswerFields(reply);
    if (reply.accepted()) {
      map.Set("versions", Value::List(std::move(versions)));
      map.Set("prefixes", Texts(reply.value.prefixes));
      map.Set("more", Value::Bool(reply.value.more));
    }
    co_return std::move(map).Build();
  }
}

net::Task<Result<Value>> S3Delete(const S3Session& session) {
  if (session.subject.is_list()) co_return co_await DeleteSeveral(session);
  co_return co_await DeleteOne(session);
}

net::Task<Result<Value>> S3CreateBucket(const S3Session& session) {
  const std::string bucket = cel::ToText(session.subject);
  if (bucket.empty()) co_return WrongParameter("create_bucket", "the name of a bucket");
  CO_TRY(auto reply, co_await session.client.CreateBucket(bucket, session.context.deadline));
  const Value* versioning = session.params.Find("versioning");
  const bool exists = reply.refusal && reply.refusal->code == "BucketAlreadyOwnedByYou";
  if (versioning != nullptr && versioning->is_bool() && (reply.accepted() || exists)) {
    CO_TRY(reply, co_await session.client.SetVersioning(bucket, versioning->is_true(),
                                                        session.context.deadline));
  }
  co_return AnswerFields(reply).Build();
}

net::Task<Result<Value>> S3DeleteBucket(const S3Session& session) {
  const std::string bucket = cel::ToText(session.subject);
  if (bucket.empty()) co_return WrongParameter("delete_bucket", "the name of a bucket");
  if (const Value* empty = session.params.Find("empty"); empty != nullptr && empty->is_true()) {
    CO_TRY(const auto emptied, co_await Empty(session.client, bucket, session.context.deadline));
    if (!emptied.accepted()) co_return AnswerFields(emptied).Build();
  }
  CO_TRY(const auto reply, co_await session.client.DeleteBucket(bucket, session.context.deadline));
  co_return AnswerFields(reply).Build();
}

}  // namespace assay::action
