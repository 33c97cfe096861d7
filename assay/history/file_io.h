#pragma once
// The few file operations of a run directory, with errors that name the file and the reason.

#include <filesystem>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace assay::history {

/// kNotFound when there is no such file.
base::Result<std::string> ReadWholeFile(const std::filesystem::path& path);

/// Readers see the old content or the new one, never a part. Makes the parent directories.
base::Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes);

/// `cannot write x: no space left on device`; a full disk is kExhausted.
base::Error FileError(std::string_view doing, const std::filesystem::path& path, int error_number);

}  // namespace assay::history
