#include "montage/inference/model_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/hash.h"
#include "lib/http/client.h"
#include "lib/net/runtime.h"
#include "lib/process/descriptor.h"

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr size_t kPiece = size_t{1} << 20;
constexpr size_t kDigestDigits = 64;

// Messages name no path: they reach the API.

base::Error IoError(std::string_view doing) {
  return {ErrorCode::kIo, fmt::format("{}: {}", doing, std::strerror(errno))};
}

bool IsUrl(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<process::Descriptor> OpenToRead(const fs::path& path, std::string_view what) {
  process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) return file;
  if (errno == ENOENT || errno == ENOTDIR)
    return base::Fail(ErrorCode::kNotFound, fmt::format("{} does not exist", what));
  return base::Fail(IoError(fmt::format("{} cannot be opened", what)));
}

/// Hands every piece of the file to `take`, at most `most` bytes.
template <typename Take>
Result<void> ReadPieces(int file, uint64_t most, std::string_view what, Take take) {
  std::vector<char> piece(kPiece);
  uint64_t total = 0;
  while (true) {
    const ssize_t got = ::read(file, piece.data(), piece.size());
    if (got == 0) return {};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::Fail(IoError(fmt::format("{} cannot be read", what)));
    total += static_cast<uint64_t>(got);
    if (total > most)
      return base::Fail(ErrorCode::kTooLarge, fmt::format("{} is over {} bytes", what, most));
    TRY(take(std::string_view(piece.data(), static_cast<size_t>(got))));
  }
}

Result<std::string> Sha256OfFile(const fs::path& path, uint64_t most, std::string_view what) {
  TRY(const process::Descriptor file, OpenToRead(path, what));
  crypto::Sha256 hash;
  TRY(ReadPieces(file.get(), most, what, [&](std::string_view piece) {
    hash.Update(piece);
    return Result<void>();
  }));
  return hash.FinishHex();
}

/// A name beside the model that is removed again unless it was given away.
class Draft {
 public:
  explicit Draft(const fs::path& model)
      : path_(model.string() + fmt::format(".fetched-{}", ::getpid())) {
    Remove();
  }
  ~Draft() { Remove(); }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void Remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  fs::path path_;
};

void AddStat(const fs::path& path, size_t at, FileStamp& stamp) {
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) return;
  const auto ns = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  const int64_t fields[] = {1,
                            static_cast<int64_t>(facts.st_dev),
                            static_cast<int64_t>(facts.st_ino),
                            static_cast<int64_t>(facts.st_size),
                            static_cast<int64_t>(facts.st_mode),
                            ns(facts.st_mtim),
                            ns(facts.st_ctim)};
  std::ranges::copy(fields, stamp.fields.begin() + static_cast<std::ptrdiff_t>(at));
  stamp.changed_ns = std::max({stamp.changed_ns, fields[5], fields[6]});
  if (at == 0) stamp.exists = true;
}

fs::path DigestFile(const fs::path& model) { return model.string() + ".sha256"; }

}  // namespace

FileStamp ModelFile::Stamp() const {
  FileStamp stamp;
  AddStat(options_.model, 0, stamp);
  if (options_.sha256.empty()) AddStat(DigestFile(options_.model), 7, stamp);
  return stamp;
}

Result<std::string> ModelFile::ExpectedSha256() const {
  std::string digest = options_.sha256;
  if (digest.empty()) {
    std::ifstream file(DigestFile(options_.model));
    if (!(file >> digest)) {
      return base::Fail(
          base::Error{ErrorCode::kNotFound, "the model has no SHA-256 to be held against"}.Hint(
              "set model_sha256, or write the file <model>.sha256"));
    }
  }
  for (char& c : digest)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + ('a' - 'A'));
  if (digest.size() != kDigestDigits ||
      digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return base::Fail(ErrorCode::kInvalid,
                      "the model's SHA-256 is no text of 64 hexadecimal digits");
  }
  return digest;
}

Result<std::string> ModelFile::Verify() const {
  TRY(const std::string expected, ExpectedSha256());
  TRY(std::string found, Sha256OfFile(options_.model, options_.max_bytes, "the model file"));
  if (found != expected) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the model file has SHA-256 {}, expected {}", found, expected));
  }
  return found;
}

Result<void> ModelFile::Download(const fs::path& to, Deadline deadline) const {
  net::Runtime runtime;
  const auto get = [](net::Runtime& on, http::ClientRequest request,
                      Deadline by) -> net::Task<Result<http::ClientResponse>> {
    http::Client client(on.executor(), {.user_agent = "montage"});
    co_return co_await client.Send(std::move(request), by);
  };
  const auto response = runtime.Run(get(runtime,
                                        {.url = options_.source,
                                         .follow = true,
                                         .max_redirects = 3,
                                         .download_to = to.string(),
                                         .max_response = options_.max_bytes},
                                        deadline));
  if (!response) return base::Fail(response.error());
  if (response->status != 200) {
    return base::Fail(ErrorCode::kUnavailable,
                      fmt::format("the model's source answered {}", response->status));
  }
  return {};
}

Result<void> ModelFile::Copy(const fs::path& to) const {
  auto from = OpenToRead(options_.source, "the model's source");
  if (!from && from.error().code == ErrorCode::kNotFound)
    from.error().code = ErrorCode::kUnavailable;
  TRY(const process::Descriptor source, std::move(from));
  const process::Descriptor target(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!target) return base::Fail(IoError("the fetched model cannot be written"));
  return ReadPieces(source.get(), options_.max_bytes, "the model's source",
                    [&](std::string_view piece) -> Result<void> {
                      while (!piece.empty()) {
                        const ssize_t written = ::write(target.get(), piece.data(), piece.size());
                        if (written < 0 && errno != EINTR)
                          return base::Fail(IoError("the fetched model cannot be written"));
                        if (written > 0) piece.remove_prefix(static_cast<size_t>(written));
                      }
                      return {};
                    });
}

Result<void> ModelFile::Install(const fs::path& from) const {
  // The bytes are on the disk before the name is, so that a power cut leaves the old or the new.
  TRY(const process::Descriptor file, OpenToRead(from, "the fetched model"));
  if (::fsync(file.get()) != 0) return base::Fail(IoError("the fetched model cannot be kept"));
  if (::rename(from.c_str(), options_.model.c_str()) != 0)
    return base::Fail(IoError("the fetched model cannot be installed"));
  const fs::path folder = options_.model.has_parent_path() ? options_.model.parent_path() : ".";
  const process::Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return base::Fail(IoError("the folder of the model cannot be synchronised"));
  return {};
}

Result<void> ModelFile::Fetch(Deadline deadline) const {
  if (options_.source.empty())
    return base::Fail(ErrorCode::kUnsupported, "the model has no source to be fetched from");
  TRY(const std::string expected, ExpectedSha256());
  const Draft draft(options_.model);
  TRY(IsUrl(options_.source) ? Download(draft.path(), deadline) : Copy(draft.path()));
  TRY(const std::string found, Sha256OfFile(draft.path(), options_.max_bytes, "the fetched model"));
  if (found != expected) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("the model's source delivered a file with SHA-256 {}, expected {}", found,
                    expected));
  }
  return Install(draft.path());
}

}  // namespace montage::inference
