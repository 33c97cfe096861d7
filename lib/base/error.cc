#include "lib/base/error.h"

#include <utility>

#include <fmt/format.h>

namespace base {

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kUnauthorized:
      return "unauthorized";
    case ErrorCode::kForbidden:
      return "forbidden";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kInternal:
      return "internal";
  }
  std::unreachable();
}

Error&& Error::At(SourceSpan where) && {
  span = std::move(where);
  return std::move(*this);
}

Error&& Error::Hint(std::string what_to_do) && {
  hint = std::move(what_to_do);
  return std::move(*this);
}

Error& Error::While(std::string doing) & {
  context.push_back(std::move(doing));
  return *this;
}

Error&& Error::While(std::string doing) && { return std::move(While(std::move(doing))); }

std::string Error::ToString() const {
  std::string text = span.known() ? span.ToString() + ": " + message : message;
  for (const std::string& doing : context) text += fmt::format(" (while {})", doing);
  return text;
}

}  // namespace base
