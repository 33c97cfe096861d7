#pragma once
// The sealed envelope of sealed.h for content of any length, sealed and opened piece by piece:
//
//   header | frame 0 | frame 1 | ... | last frame      frame = nonce 12 | up to 64 KiB | tag 16
//
// Each frame authenticates the context, its number and whether it is the last, so frames cannot be
// changed, swapped, repeated or cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway
// and Vizar 2015, with random nonces).

#include <memory>
#include <string>

#include "lib/objects/byte_source.h"
#include "montage/storage/sealed.h"

namespace montage::storage {

inline constexpr size_t kFrameBytes = size_t{64} * 1024;

/// Reads plain content from `source` and gives its envelope. The references must outlive it.
class SealingSource final : public objects::ByteSource {
 public:
  SealingSource(const KeyRing& ring, objects::ByteSource& source, std::string context);
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;

 private:
  SealingSource(KeyRing::DataKey data, objects::ByteSource& source, std::string context);
  base::Result<void> Refill(base::Deadline deadline);

  objects::ByteSource& source_;
  const std::string context_;
  const std::string key_;
  std::string ready_;
  size_t at_ = 0;
  std::string plain_;  // the next frame's content, read ahead
  uint64_t number_ = 0;
  bool started_ = false;
  bool ended_ = false;
};

/// Reads an envelope and gives its plain content; every byte is verified before it is given. Only
/// reaching the end proves that nothing is missing. The ring must outlive it.
class OpeningSource final : public objects::ByteSource {
 public:
  OpeningSource(const KeyRing& ring, std::unique_ptr<objects::ByteSource> source,
                std::string context)
      : ring_(ring), source_(std::move(source)), context_(std::move(context)) {}
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;

 private:
  base::Result<void> Refill(base::Deadline deadline);

  const KeyRing& ring_;
  std::unique_ptr<objects::ByteSource> source_;
  const std::string context_;
  std::string key_;
  std::string ready_;
  size_t at_ = 0;
  std::string sealed_;  // the next frame, read ahead
  uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace montage::storage
