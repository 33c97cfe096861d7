#include "montage/backup/manifest.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/hash.h"

namespace montage::backup {
namespace {

using base::ErrorCode;
using base::Result;
namespace json = boost::json;

constexpr int64_t kFormat = 1;
constexpr std::string_view kManifestEnd = "/manifest.json";
constexpr size_t kLargestManifest = size_t{16} << 20;
constexpr size_t kLargestList = size_t{1} << 30;

base::Error Damaged(std::string what) { return {ErrorCode::kCorrupt, std::move(what)}; }

/// Reads members; the first one that is missing or of another kind sticks.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::string Text(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
    return Miss<std::string>(name);
  }
  int64_t Int(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found != nullptr && found->is_int64()) return found->get_int64();
    return Miss<int64_t>(name);
  }
  uint64_t Count(std::string_view name) {
    const int64_t value = Int(name);
    return value >= 0 ? static_cast<uint64_t>(value) : Miss<uint64_t>(name);
  }
  Result<void> Finish() const {
    if (!wrong_.empty())
      return base::Fail(Damaged("the member " + wrong_ + " is missing or wrong"));
    return {};
  }

 private:
  template <typename T>
  T Miss(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
    return {};
  }

  const json::object& object_;
  std::string wrong_;
};

Result<json::object> ParseJsonObject(std::string_view text) {
  boost::system::error_code error;
  json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return base::Fail(Damaged("it is no JSON object"));
  return std::move(parsed).as_object();
}

}  // namespace

std::string FormatManifest(const Manifest& manifest) {
  json::array tables;
  for (const TableEntry& table : manifest.tables) {
    tables.push_back(json::object{{"name", table.name},
                                  {"rows", table.rows},
                                  {"size", table.size},
                                  {"sha256", table.sha256}});
  }
  const json::object object{{"format", kFormat},
                            {"name", manifest.name},
                            {"created_ns", manifest.created.time_since_epoch().count()},
                            {"created_at", base::FormatRfc3339(manifest.created)},
                            {"dialect", manifest.dialect},
                            {"schema", manifest.schema},
                            {"key_id", manifest.key_id},
                            {"tables", std::move(tables)},
                            {"objects", manifest.objects},
                            {"object_bytes", manifest.object_bytes},
                            {"objects_sha256", manifest.objects_sha256}};
  return json::serialize(object) + "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  TRY(const json::object object, ParseJsonObject(text));
  Members members(object);
  const int64_t format = members.Int("format");
  TRY(members.Finish());
  if (format != kFormat) {
    return base::Fail(ErrorCode::kUnsupported,
                      fmt::format("it has format {}, this program knows {}", format, kFormat));
  }
  Manifest manifest;
  manifest.name = members.Text("name");
  manifest.created = base::WallTime(std::chrono::nanoseconds(members.Int("created_ns")));
  manifest.dialect = members.Text("dialect");
  manifest.schema = members.Int("schema");
  manifest.key_id = members.Text("key_id");
  manifest.objects = members.Count("objects");
  manifest.object_bytes = members.Count("object_bytes");
  manifest.objects_sha256 = members.Text("objects_sha256");
  TRY(members.Finish());
  const json::value* tables = object.if_contains("tables");
  if (tables == nullptr || !tables->is_array())
    return base::Fail(Damaged("the member tables is missing or wrong"));
  for (const json::value& one : tables->get_array()) {
    if (!one.is_object()) return base::Fail(Damaged("a table is no object"));
    Members table(one.get_object());
    manifest.tables.push_back({.name = table.Text("name"),
                               .rows = table.Count("rows"),
                               .size = table.Count("size"),
                               .sha256 = table.Text("sha256")});
    TRY(table.Finish());
  }
  return manifest;
}

std::string FormatObject(const ObjectEntry& entry) {
  return json::serialize(json::object{{"bucket", entry.bucket},
                                      {"key", entry.key},
                                      {"content_type", entry.content_type},
                                      {"size", entry.size},
                                      {"sha256", entry.sha256},
                                      {"etag", entry.etag}}) +
         "\n";
}

Result<ObjectEntry> ParseObject(std::string_view line) {
  TRY(const json::object object, ParseJsonObject(line));
  Members members(object);
  ObjectEntry entry{.bucket = members.Text("bucket"),
                    .key = members.Text("key"),
                    .content_type = members.Text("content_type"),
                    .size = members.Count("size"),
                    .sha256 = members.Text("sha256"),
                    .etag = members.Text("etag")};
  TRY(members.Finish());
  return entry;
}

std::string ManifestKey(std::string_view snapshot) {
  return fmt::format("{}{}", snapshot, kManifestEnd);
}
std::string ObjectsKey(std::string_view snapshot) {
  return fmt::format("{}/objects.jsonl", snapshot);
}
std::string TableKey(std::string_view snapshot, std::string_view table) {
  return fmt::format("{}/tables/{}", snapshot, table);
}
std::string TableContext(std::string_view snapshot, std::string_view table) {
  return fmt::format("backup/{}/{}", snapshot, table);
}

Result<std::vector<std::string>> ListSnapshots(objects::ObjectStore& backup,
                                               base::Deadline deadline) {
  std::vector<std::string> names;
  objects::ListQuery query;
  while (true) {
    const auto page = backup.List(kSnapshotBucket, query, deadline);
    if (!page && page.error().code == ErrorCode::kNotFound) return names;
    if (!page) return base::Fail(page.error());
    for (const objects::ObjectStat& object : page->objects) {
      query.after = object.key;
      if (object.key.ends_with(kManifestEnd))
        names.push_back(object.key.substr(0, object.key.size() - kManifestEnd.size()));
    }
    if (!page->more) break;
  }
  std::ranges::sort(names, std::greater());
  return names;
}

Result<Manifest> ReadManifest(objects::ObjectStore& backup, std::string_view snapshot,
                              base::Deadline deadline) {
  TRY(const auto names, ListSnapshots(backup, deadline));
  if (names.empty()) return base::Fail(ErrorCode::kNotFound, "there is no finished backup");
  const std::string name = snapshot.empty() ? names.front() : std::string(snapshot);
  if (std::ranges::find(names, name) == names.end()) {
    return base::Fail(
        base::Error{ErrorCode::kNotFound, fmt::format("there is no backup \"{}\"", name)}.Hint(
            fmt::format("the newest is {}; --list shows all", names.front())));
  }
  const std::string doing = fmt::format("reading the manifest of backup {}", name);
  auto text =
      objects::GetText(backup, kSnapshotBucket, ManifestKey(name), kLargestManifest, deadline);
  if (!text) return base::Fail(std::move(text).error().While(doing));
  auto manifest = ParseManifest(*text);
  if (!manifest) return base::Fail(std::move(manifest).error().While(doing));
  if (manifest->name != name)
    return base::Fail(Damaged("it belongs to another backup").While(doing));
  return manifest;
}

Result<std::vector<ObjectEntry>> ReadObjects(objects::ObjectStore& backup, const Manifest& manifest,
                                             base::Deadline deadline) {
  TRY(const std::string text,
      objects::GetText(backup, kSnapshotBucket, ObjectsKey(manifest.name), kLargestList, deadline));
  if (crypto::Sha256Hex(text) != manifest.objects_sha256) {
    return base::Fail(
        Damaged(fmt::format("the list of objects of backup {} was changed", manifest.name)));
  }
  std::vector<ObjectEntry> entries;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    TRY(ObjectEntry entry, ParseObject(std::string_view(text).substr(at, end - at)));
    entries.push_back(std::move(entry));
    at = end + 1;
  }
  return entries;
}

}  // namespace montage::backup
