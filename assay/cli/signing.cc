#include "assay/cli/signing.h"

#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "assay/cli/cli.h"
#include "assay/cli/project.h"
#include "lib/crypto/hash.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

std::string HexOf(std::string_view bytes) {
  return crypto::ToHex(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

base::Result<void> Write(const fs::path& file, const std::string& text, fs::perms permissions) {
  std::error_code error;
  if (fs::exists(file, error)) {
    return base::Fail(
        base::Error{ErrorCode::kConflict, fmt::format("{} exists already", file.string())}.Hint(
            "a key that signed evidence must not be overwritten; choose another name"));
  }
  {
    std::ofstream out(file, std::ios::binary);
    fs::permissions(file, permissions, error);
    out << text;
    if (!out || error)
      return base::Fail(ErrorCode::kIo, fmt::format("cannot write {}", file.string()));
  }
  return {};
}

}  // namespace

std::optional<std::string> FromHex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

base::Result<crypto::SigningKey> ReadSigningKey(const fs::path& file) {
  std::error_code error;
  const fs::perms permissions = fs::status(file, error).permissions();
  if (error || !fs::is_regular_file(file, error)) {
    return base::Fail(
        base::Error{ErrorCode::kNotFound, fmt::format("there is no key file {}", file.string())}
            .Hint("`assay keygen FILE` makes one"));
  }
  if ((permissions & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
    return base::Fail(base::Error{ErrorCode::kForbidden,
                                  fmt::format("others may read the key file {}", file.string())}
                          .Hint(fmt::format("chmod 600 {}", file.string())));
  }
  std::ifstream in(file);
  std::string secret;
  std::string public_key;
  in >> secret >> public_key;
  const auto secret_bytes = FromHex(secret);
  const auto public_bytes = FromHex(public_key);
  if (!secret_bytes || secret_bytes->size() != 64 || !public_bytes || public_bytes->size() != 32) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{} is no key file of `assay keygen`", file.string()));
  }
  return crypto::SigningKey{*secret_bytes, *public_bytes};
}

ExitCode KeygenCommand(const Invocation& invocation, const Host& host) {
  const fs::path file = host.directory / invocation.key;
  const crypto::SigningKey key = crypto::GenerateSigningKey();
  const auto secret = Write(file, HexOf(key.secret) + "\n" + HexOf(key.public_key) + "\n",
                            fs::perms::owner_read | fs::perms::owner_write);
  const auto open = secret ? Write(file.string() + ".pub", HexOf(key.public_key) + "\n",
                                   fs::perms::owner_read | fs::perms::owner_write |
                                       fs::perms::group_read | fs::perms::others_read)
                           : secret;
  if (!open) {
    PrintError(open.error(), host, invocation.no_color);
    return ExitCode::kError;
  }
  host.out(fmt::format("secret key  {}\npublic key  {}.pub\n", file.string(), file.string()));
  return ExitCode::kPassed;
}

}  // namespace assay::cli
