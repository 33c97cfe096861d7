#pragma once
// Whether a request can have had an effect: what an error of the client says about it.

#include <algorithm>
#include <string_view>

#include "lib/base/error.h"

namespace http {

/// The context of errors of which it is certain that no byte of the request left: no address, no
/// connection, no trust in the certificate.
inline constexpr std::string_view kWhileConnecting = "connecting";

/// The same as a question. False also when nobody knows.
inline bool NeverSent(const base::Error& error) {
  return std::ranges::any_of(
      error.context, [](std::string_view context) { return context.ends_with(kWhileConnecting); });
}

}  // namespace http
