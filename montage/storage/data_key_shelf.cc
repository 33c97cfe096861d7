#include "montage/storage/data_key_shelf.h"

#include "lib/crypto/hash.h"
#include "montage/storage/sealed.h"

namespace montage::storage {
namespace {

constexpr size_t kMostKnown = 10'000;  // about 2 MB

}  // namespace

std::string DataKeyShelf::NameOf(std::string_view header) { return crypto::Sha256Hex(header); }

base::Result<void> DataKeyShelf::Open(base::Deadline deadline) {
  return store_.EnsureBucket(kDataKeyBucket, deadline);
}

base::Result<std::optional<std::string>> DataKeyShelf::Find(std::string_view header,
                                                            base::Deadline deadline) const {
  const std::string name = NameOf(header);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = known_.find(name); known != known_.end()) return known->second;
  }
  auto found = objects::GetText(store_, kDataKeyBucket, name, KeyRing::kHeaderBytes, deadline);
  if (!found && found.error().code == base::ErrorCode::kNotFound) return std::nullopt;
  if (!found) return base::Fail(std::move(found).error().While("looking for a data key"));
  const std::scoped_lock lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  known_[name] = *found;
  return *std::move(found);
}

base::Result<void> DataKeyShelf::Put(std::string_view header, std::string newer,
                                     base::Deadline deadline) {
  const std::string name = NameOf(header);
  TRY(objects::PutText(store_, kDataKeyBucket, name, newer, {}, deadline));
  const std::scoped_lock lock(mutex_);
  known_.insert_or_assign(name, std::move(newer));
  return {};
}

base::Result<std::vector<std::string>> DataKeyShelf::Names(base::Deadline deadline) const {
  std::vector<std::string> names;
  objects::ListQuery query;
  while (true) {
    TRY(const auto page, store_.List(kDataKeyBucket, query, deadline));
    for (const objects::ObjectStat& object : page.objects)
      names.push_back(query.after = object.key);
    if (!page.more) return names;
  }
}

base::Result<void> DataKeyShelf::Remove(const std::string& name, base::Deadline deadline) {
  {
    const std::scoped_lock lock(mutex_);
    known_.erase(name);
  }
  return store_.Delete(kDataKeyBucket, name, deadline);
}

}  // namespace montage::storage
