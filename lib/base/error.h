#pragma once
// The one error type of expected failures: what input, a peer, the clock or the disk can cause.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/span.h"

namespace base {

/// What kind of failure; decides exit codes and HTTP statuses (in two mapping tables, nowhere
/// else).
enum class ErrorCode {
  kInvalid,       ///< the input is malformed or has the wrong type or range
  kNotFound,      ///< what was named does not exist
  kConflict,      ///< it exists already, or its state forbids this
  kUnauthorized,  ///< who is asking is unknown
  kForbidden,     ///< who is asking may not
  kTooLarge,      ///< over a limit of size or count
  kUnsupported,   ///< valid, but this build or service cannot do it
  kTimeout,       ///< a deadline passed
  kCancelled,     ///< somebody asked to stop
  kUnavailable,   ///< a peer or service does not answer, or not now
  kIo,            ///< reading or writing failed
  kCorrupt,       ///< stored or transmitted bytes are damaged
  kExhausted,     ///< memory, descriptors, budget or quota ran out
  kInternal,      ///< a bug of ours, reported as an error at a boundary
};

/// `invalid`, `not_found`, ...
std::string_view ToString(ErrorCode code);

/// Message: lower case, no full stop, names the offending value and the expected form.
/// Hint: what the reader can do next. Context: "while ..." from inside out.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  SourceSpan span = {};
  std::string hint = {};
  std::vector<std::string> context = {};

  Error&& At(SourceSpan where) &&;
  Error&& Hint(std::string what_to_do) &&;
  /// Adds "while <doing>"; call where the context is known.
  Error&& While(std::string doing) &&;
  Error& While(std::string doing) &;

  /// One line: `file:3:5: message (while reading x)`.
  std::string ToString() const;
};

}  // namespace base
