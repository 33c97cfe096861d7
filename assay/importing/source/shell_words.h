#pragma once
// Command lines as a POSIX shell splits them (POSIX.1-2017, Shell Command Language, 2.2 and 2.3),
// without running anything.
//
// Quotes, escapes, line continuations, comments, the operators ; & && || | and new lines; `$'...'`
// of bash and zsh, as browsers write it. `$NAME` and `${NAME}` become slots: of credentials when
// the name says secret, else of variables. Substitutions of commands are errors: what they would
// give is not known.

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/span.h"

namespace assay::importing {

struct ShellWord {
  std::string text;  ///< with slots for `$NAME`
  base::SourceSpan span;
};

struct ShellCommand {
  std::vector<ShellWord> words;
  std::vector<std::string> variables;  ///< names that its words use
};

/// kInvalid with a place: a quote that is not closed, a substitution of a command.
base::Result<std::vector<ShellCommand>> SplitCommands(
    const std::shared_ptr<const base::SourceText>& source);

}  // namespace assay::importing
