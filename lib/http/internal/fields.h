#pragma once
// Header lines to fields, for the heads of responses and of multipart parts.

#include <string_view>

#include "lib/http/headers.h"

namespace http::internal {

/// Joins folded lines; leaves out the status line and lines without a colon.
Headers ParseFields(std::string_view head);

}  // namespace http::internal
