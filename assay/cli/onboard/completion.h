#pragma once
// Shell completion and the manual page, from the table of commands (options.h).

#include <string>
#include <vector>

#include "assay/cli/options.h"
#include "lib/base/result.h"

namespace assay::cli {

/// A script for bash, zsh or fish. kInvalid for another shell.
base::Result<std::string> CompletionScript(const std::string& shell,
                                           const std::vector<CommandDescription>& commands);

/// roff (man(7)), section 1.
std::string ManualPage(const std::vector<CommandDescription>& commands, std::string_view version);

/// Markdown: every command with its options.
std::string CommandReference(const std::vector<CommandDescription>& commands);

}  // namespace assay::cli
