#include "montage/storage/sealed_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/crypto/secret.h"

namespace montage::storage {
namespace {

constexpr size_t kSealBytes = 12 + 16;

std::string FrameContext(const std::string& context, uint64_t number, bool last) {
  return fmt::format("{}\n{}\n{}", context, number, last ? "last" : "more");
}

base::Result<std::string> ReadFrame(objects::ByteSource& source, size_t bytes,
                                    base::Deadline deadline) {
  std::string frame(bytes, '\0');
  TRY(const size_t count, objects::ReadFully(source, frame, deadline));
  frame.resize(count);
  return frame;
}

size_t Take(const std::string& ready, size_t& at, std::span<char> into) {
  const size_t count = std::min(into.size(), ready.size() - at);
  std::copy_n(ready.data() + at, count, into.data());
  at += count;
  return count;
}

}  // namespace

SealingSource::SealingSource(const KeyRing& ring, objects::ByteSource& source, std::string context)
    : SealingSource(ring.NewDataKey(), source, std::move(context)) {}

SealingSource::SealingSource(KeyRing::DataKey data, objects::ByteSource& source,
                             std::string context)
    : source_(source),
      context_(std::move(context)),
      key_(std::move(data.key)),
      ready_(std::move(data.header)) {}

base::Result<void> SealingSource::Refill(base::Deadline deadline) {
  if (!started_) {
    TRY(plain_, ReadFrame(source_, kFrameBytes, deadline));
    started_ = true;
  }
  std::string next;
  if (plain_.size() == kFrameBytes) {
    TRY(next, ReadFrame(source_, kFrameBytes, deadline));
  }
  ended_ = next.empty();
  ready_ = crypto::Seal(key_, plain_, FrameContext(context_, number_++, ended_));
  at_ = 0;
  plain_ = std::move(next);
  return {};
}

base::Result<size_t> SealingSource::Read(std::span<char> into, base::Deadline deadline) {
  if (at_ == ready_.size() && !ended_) TRY(Refill(deadline));
  return Take(ready_, at_, into);
}

base::Result<void> OpeningSource::Refill(base::Deadline deadline) {
  if (key_.empty()) {
    TRY(const std::string header, ReadFrame(*source_, KeyRing::kHeaderBytes, deadline));
    TRY(key_, ring_.OpenDataKey(header));
    TRY(sealed_, ReadFrame(*source_, kFrameBytes + kSealBytes, deadline));
  }
  std::string next;
  if (sealed_.size() == kFrameBytes + kSealBytes) {
    TRY(next, ReadFrame(*source_, kFrameBytes + kSealBytes, deadline));
  }
  const bool last = next.empty();
  TRY(ready_, crypto::Open(key_, sealed_, FrameContext(context_, number_++, last)));
  at_ = 0;
  ended_ = last;
  sealed_ = std::move(next);
  return {};
}

base::Result<size_t> OpeningSource::Read(std::span<char> into, base::Deadline deadline) {
  if (at_ == ready_.size() && !ended_) TRY(Refill(deadline));
  return Take(ready_, at_, into);
}

}  // namespace montage::storage
