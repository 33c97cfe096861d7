#include "montage/cache/marks.h"

#include <fmt/format.h>

#include "lib/crypto/secret.h"
#include "montage/cache/entry.h"

namespace montage::cache {
namespace {

constexpr std::string_view kPrefix = "invalidated:";

std::string KeyOf(std::string_view file_id) { return fmt::format("{}{}", kPrefix, file_id); }

}  // namespace

base::Result<std::string> Marks::Read(std::string_view file_id, base::Deadline deadline) const {
  auto mark = objects::GetText(store_, bucket_, KeyOf(file_id), kMarkBytes, deadline);
  if (!mark && mark.error().code == base::ErrorCode::kNotFound) return std::string(kMarkBytes, 0);
  if (mark && mark->size() != kMarkBytes) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("the mark of recording \"{}\" has {} bytes instead of {}",
                                  file_id, mark->size(), kMarkBytes));
  }
  return mark;
}

base::Result<void> Marks::Renew(std::string_view file_id, base::Deadline deadline) {
  TRY(objects::PutText(store_, bucket_, KeyOf(file_id), crypto::RandomBytes(kMarkBytes), {},
                       deadline));
  return {};
}

base::Result<void> Marks::Remove(std::string_view file_id, base::Deadline deadline) {
  return store_.Delete(bucket_, KeyOf(file_id), deadline);
}

base::Result<std::vector<std::string>> Marks::OlderThan(base::WallTime time,
                                                        base::Deadline deadline) const {
  std::vector<std::string> ids;
  objects::ListQuery query{.prefix = std::string(kPrefix)};
  while (true) {
    TRY(const auto page, store_.List(bucket_, query, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      query.after = object.key;
      if (object.modified < time) ids.push_back(object.key.substr(kPrefix.size()));
    }
    if (!page.more) return ids;
  }
}

}  // namespace montage::cache
