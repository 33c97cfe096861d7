#include "assay/history/blob_store.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "assay/history/file_io.h"
#include "assay/history/redactor.h"
#include "lib/base/units.h"
#include "lib/crypto/hash.h"

namespace assay::history {
namespace {

// What is kept of a value: secrets replaced, cut off at the limit.
std::string Prepare(std::string_view bytes, const Redactor* redactor, const BlobLimits& limits) {
  std::string kept = redactor != nullptr ? redactor->Bytes(bytes) : std::string(bytes);
  if (kept.size() <= limits.size) return kept;
  const std::string marker = fmt::format("\n[truncated: the first {} of {} bytes, sha256 {}]\n",
                                         limits.size, kept.size(), crypto::Sha256Hex(kept));
  kept.resize(limits.size);
  return kept + marker;
}

base::Error Missing(std::string_view name) {
  return base::Error{base::ErrorCode::kNotFound, fmt::format("blob {} is not there", name)};
}

}  // namespace

bool IsBlobName(std::string_view name) {
  return name.size() == 64 && std::ranges::all_of(name, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::filesystem::path DirectoryBlobs::PathOf(std::string_view name) const {
  return root_ / name.substr(0, 2) / name;
}

base::Result<std::string> DirectoryBlobs::Put(std::string_view bytes) {
  const std::string kept = Prepare(bytes, redactor_, limits_);
  std::string name = crypto::Sha256Hex(kept);
  const std::filesystem::path path = PathOf(name);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) TRY(WriteFileAtomically(path, kept));
  return name;
}

base::Result<std::string> DirectoryBlobs::Get(std::string_view name) const {
  if (!IsBlobName(name)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no blob name: expected 64 hexadecimal digits", name));
  }
  auto bytes = ReadWholeFile(PathOf(name));
  if (!bytes) {
    if (bytes.error().code == base::ErrorCode::kNotFound) return base::Fail(Missing(name));
    return bytes;
  }
  if (crypto::Sha256Hex(*bytes) != name) {
    return base::Fail(base::ErrorCode::kCorrupt,
                      fmt::format("blob {} does not match its name: its content has the digest {}",
                                  name, crypto::Sha256Hex(*bytes)));
  }
  return bytes;
}

base::Result<std::string> MemoryBlobs::Put(std::string_view bytes) {
  std::string kept = Prepare(bytes, redactor_, limits_);
  std::string name = crypto::Sha256Hex(kept);
  blobs_.try_emplace(name, std::move(kept));
  return name;
}

base::Result<std::string> MemoryBlobs::Get(std::string_view name) const {
  const auto found = blobs_.find(name);
  if (found == blobs_.end()) return base::Fail(Missing(name));
  return found->second;
}

}  // namespace assay::history
