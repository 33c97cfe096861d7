#include "assay/sharding/merged_log.h"

#include <algorithm>
#include <utility>

namespace assay::sharding {
namespace {

constexpr size_t kBatchBytes = size_t{1} << 20U;

}  // namespace

base::Result<MergedLog> MergedLog::Create(const std::filesystem::path& file) {
  TRY(history::FileLog log, history::FileLog::Create(file));
  return MergedLog(std::move(log));
}

base::Result<void> MergedLog::Append(history::Event event) {
  elapsed_ = std::max(elapsed_, event.elapsed);
  event.elapsed = elapsed_;
  event.seq = ++count_;
  event.prev = head_;
  event.hash = history::HashOf(event);
  head_ = event.hash;
  queued_ += history::ToLine(event) + "\n";
  if (queued_.size() < kBatchBytes) return {};
  return file_.Append(std::exchange(queued_, {}));
}

base::Result<void> MergedLog::Finish() {
  TRY(file_.Append(std::exchange(queued_, {})));
  return file_.Sync();
}

}  // namespace assay::sharding
