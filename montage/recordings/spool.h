#pragma once
// From bytes that come once, front to back, to bytes that can be read anywhere.
//
// Up to kSpoolInMemory bytes stay in memory. What is longer goes to storage::SealedPieces, so that
// no recording is ever on disk in plain form.

#include <filesystem>
#include <memory>

#include "lib/formats/edf/bytes.h"
#include "lib/objects/byte_source.h"

namespace montage::recordings {

inline constexpr size_t kSpoolInMemory = size_t{16} << 20;

/// Reads `content` to its end. `folder` exists. Errors are those of the content or of the folder's
/// disk.
base::Result<std::unique_ptr<formats::edf::ByteSource>> SpoolAll(
    objects::ByteSource& content, const std::filesystem::path& folder, base::Deadline deadline,
    size_t in_memory = kSpoolInMemory);

}  // namespace montage::recordings
