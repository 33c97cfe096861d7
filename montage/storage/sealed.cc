#include "montage/storage/sealed.h"

#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "montage/storage/data_key_shelf.h"

namespace montage::storage {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Fail;

constexpr std::string_view kMagic = "MSE1";
constexpr std::string_view kFirstLine = "montage-keys 1";
constexpr size_t kIdBytes = 8;
constexpr size_t kKeyBytes = 32;
constexpr size_t kSealedKeyBytes = 12 + kKeyBytes + 16;
// Whoever opens a payload waits for its data key, and has no deadline to give.
constexpr base::Duration kShelfTime = std::chrono::seconds(10);
static_assert(KeyRing::kHeaderBytes == kMagic.size() + kIdBytes + kSealedKeyBytes);

std::string NewLine() {
  const std::string id = crypto::Sha256Hex(crypto::RandomBytes(kKeyBytes)).substr(0, kIdBytes);
  return id + " " + crypto::Base64(crypto::RandomBytes(kKeyBytes)) + "\n";
}

/// Durable, readable by the owner only; with `create` an existing file is kConflict.
base::Result<void> WriteFile(const fs::path& file, const std::string& text, bool create) {
  const std::string temporary = fmt::format("{}.{}", file.string(), getpid());
  unlink(temporary.c_str());
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make the key file \"{}\"", file.string()));
  }
  const bool written =
      write(descriptor, text.data(), text.size()) == std::ssize(text) && fsync(descriptor) == 0;
  close(descriptor);
  const bool placed = written && (create ? link(temporary.c_str(), file.c_str()) == 0
                                         : rename(temporary.c_str(), file.c_str()) == 0);
  const bool exists = written && !placed && errno == EEXIST;
  unlink(temporary.c_str());
  if (!placed) {
    return Fail(exists ? ErrorCode::kConflict : ErrorCode::kIo,
                fmt::format("cannot write the key file \"{}\"", file.string()));
  }
  const int folder = open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && fsync(folder) == 0;
  if (folder >= 0) close(folder);
  if (!synced) return Fail(ErrorCode::kIo, "cannot sync the folder of the key file");
  return {};
}

base::Result<std::string> ReadKeyFile(const fs::path& file) {
  struct stat facts = {};
  if (stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return Fail(ErrorCode::kIo, fmt::format("cannot read the key file \"{}\"", file.string()));
  }
  if ((facts.st_mode & 0077) != 0) {
    return Fail(base::Error{ErrorCode::kForbidden,
                            fmt::format("the key file \"{}\" is open to others", file.string())}
                    .Hint("chmod 600 it"));
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

base::Result<KeyRing> KeyRing::LoadOrCreate(const fs::path& file) {
  if (std::error_code ignored; !fs::exists(file, ignored)) {
    auto made = WriteFile(file, fmt::format("{}\n{}", kFirstLine, NewLine()), true);
    if (!made && made.error().code != ErrorCode::kConflict) return Fail(std::move(made.error()));
  }
  TRY(const std::string text, ReadKeyFile(file));
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  KeyRing ring;
  bool good = line == kFirstLine;
  while (good && std::getline(lines, line)) {
    const auto key =
        crypto::ParseBase64(std::string_view(line).substr(std::min(line.size(), kIdBytes + 1)));
    good = line.size() > kIdBytes && line[kIdBytes] == ' ' && key && key->size() == kKeyBytes;
    if (!good) break;
    ring.newest_ = line.substr(0, kIdBytes);
    good = ring.keys_.emplace(ring.newest_, *key).second;
  }
  if (!good || ring.keys_.empty()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("\"{}\" is no key file", file.string()));
  }
  return ring;
}

base::Result<KeyRing> KeyRing::Rotate(const fs::path& file) {
  TRY(LoadOrCreate(file));
  TRY(const std::string text, ReadKeyFile(file));
  TRY(WriteFile(file, text + NewLine(), false));
  return LoadOrCreate(file);
}

base::Result<KeyRing> KeyRing::RetireOld(const fs::path& file) {
  TRY(const KeyRing ring, LoadOrCreate(file));
  const std::string line =
      fmt::format("{} {}\n", ring.newest_, crypto::Base64(ring.keys_.at(ring.newest_)));
  TRY(WriteFile(file, fmt::format("{}\n{}", kFirstLine, line), false));
  return LoadOrCreate(file);
}

KeyRing::DataKey KeyRing::NewDataKey() const {
  DataKey made{.header = {}, .key = crypto::RandomBytes(kKeyBytes)};
  made.header = HeaderFor(made.key);
  return made;
}

std::string KeyRing::HeaderFor(std::string_view data_key) const {
  std::string header = std::string(kMagic) + newest_;
  header += crypto::Seal(keys_.at(newest_), data_key, header);
  return header;
}

base::Result<std::string> KeyRing::KeyIdOf(std::string_view header) {
  if (header.size() != kHeaderBytes || !header.starts_with(kMagic)) {
    return Fail(ErrorCode::kCorrupt, "the payload is no sealed envelope");
  }
  return std::string(header.substr(kMagic.size(), kIdBytes));
}

base::Result<std::string> KeyRing::Rewrap(std::string_view header) const {
  TRY(const std::string data_key, OpenDataKey(header));
  return HeaderFor(data_key);
}

base::Result<std::string> KeyRing::OpenDataKey(std::string_view header) const {
  TRY(const std::string key_id, KeyIdOf(header));
  std::string newer;
  auto key = keys_.find(key_id);
  if (key == keys_.end() && shelf_ != nullptr) {
    TRY(auto found, shelf_->Find(header, base::Deadline::After(kShelfTime)));
    if (found) newer = *std::move(found);
    if (const auto newer_id = KeyIdOf(newer)) key = keys_.find(*newer_id);
    header = newer;
  }
  if (key == keys_.end()) {
    return Fail(ErrorCode::kNotFound, "the payload was sealed with a key that is not in the file");
  }
  const std::string_view name = header.substr(0, kMagic.size() + kIdBytes);
  return crypto::Open(key->second, header.substr(name.size(), kSealedKeyBytes), name);
}

std::string KeyRing::Seal(std::string_view plaintext, std::string_view context) const {
  const DataKey data = NewDataKey();
  return data.header + crypto::Seal(data.key, plaintext, context);
}

base::Result<std::string> KeyRing::Open(std::string_view sealed, std::string_view context) const {
  TRY(const std::string key, OpenDataKey(sealed.substr(0, kHeaderBytes)));
  return crypto::Open(key, sealed.substr(kHeaderBytes), context);
}

std::map<std::string, std::string> KeyRing::Derive(std::string_view purpose) const {
  std::map<std::string, std::string> derived;
  for (const auto& [id, key] : keys_) {
    const crypto::Digest256 digest = crypto::HmacSha256(key, purpose);
    derived[id] = std::string(digest.begin(), digest.end());
  }
  return derived;
}

}  // namespace montage::storage
