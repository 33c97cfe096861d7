#pragma once
// How an Error is shown to a person: like a modern compiler's diagnostic.
//
//   error: unknown key "expct"
//     --> suites/demo/upload.yaml:12:7
//      |
//   12 |       expct: status == 200
//      |       ^^^^^
//      = hint: did you mean "expect"?

#include <string>

#include "lib/base/error.h"

namespace base {

struct DiagnosticStyle {
  bool color = false;  ///< ANSI escapes; the caller decides from TTY and NO_COLOR
};

/// Ends with a newline.
std::string RenderDiagnostic(const Error& error, DiagnosticStyle style = {});

}  // namespace base
