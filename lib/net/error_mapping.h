#pragma once
// From Boost's error codes to ours; for the .cc files of modules that use Asio.

#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "lib/base/error.h"

namespace net {

/// `what` says what was tried: "connect to 127.0.0.1:80". The message becomes
/// `cannot connect to 127.0.0.1:80: connection refused`.
base::Error ToError(const boost::system::error_code& cause, std::string_view what);

/// The same for an errno value.
base::Error ErrnoError(int number, std::string_view what);

base::Error TimeoutError(std::string_view what);
base::Error CancelledError(std::string_view what);

}  // namespace net
