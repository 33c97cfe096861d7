#pragma once
// The operator at the terminal, who decides manual steps.

#include "assay/action/action.h"
#include "assay/cli/host.h"

namespace assay::cli {

/// Prints the question and reads one line from the host's input: `y` or `n`, then an optional
/// comment. An end of the input means that nobody is there any more.
action::AskOperator OperatorAt(const Host& host);

/// `yes, looks fine` -> approved with a comment; kInvalid for a line that is no decision.
base::Result<action::OperatorAnswer> ParseAnswer(std::string_view line, std::string who);

}  // namespace assay::cli
