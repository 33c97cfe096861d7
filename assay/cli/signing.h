#pragma once
// Keys that sign the head of a run's history (Ed25519).

#include <filesystem>

#include "assay/cli/commands.h"
#include "lib/crypto/secret.h"

namespace assay::cli {

/// A file of `assay keygen`: the secret and the public key in hexadecimal, a line each. A file that
/// others may read is refused.
base::Result<crypto::SigningKey> ReadSigningKey(const std::filesystem::path& file);

/// Bytes of hexadecimal digits; nothing for anything else.
std::optional<std::string> FromHex(std::string_view text);

/// `assay keygen FILE`: writes FILE (0600) and FILE.pub.
ExitCode KeygenCommand(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
