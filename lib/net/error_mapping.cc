#include "lib/net/error_mapping.h"

#include <cctype>

#include <boost/asio/error.hpp>

#include "lib/net/pch/asio.h"

namespace net {
namespace {

base::ErrorCode CodeOfErrno(int number) {
  switch (number) {
    case ECANCELED:
      return base::ErrorCode::kCancelled;
    case ETIMEDOUT:
      return base::ErrorCode::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EPIPE:
      return base::ErrorCode::kUnavailable;
    case ENOENT:
    case ESRCH:
      return base::ErrorCode::kNotFound;
    case EADDRINUSE:
    case EEXIST:
      return base::ErrorCode::kConflict;
    case EACCES:
    case EPERM:
      return base::ErrorCode::kForbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
      return base::ErrorCode::kExhausted;
    case EINVAL:
    case EBADF:
      return base::ErrorCode::kInvalid;
    default:
      return base::ErrorCode::kIo;
  }
}

base::ErrorCode CodeOf(const boost::system::error_code& cause) {
  if (cause == boost::asio::error::operation_aborted) return base::ErrorCode::kCancelled;
  if (cause.category() == boost::asio::error::get_netdb_category() ||
      cause.category() == boost::asio::error::get_addrinfo_category() ||
      cause == boost::asio::error::eof) {
    return base::ErrorCode::kUnavailable;
  }
  if (cause.category() == boost::system::system_category() ||
      cause.category() == boost::system::generic_category()) {
    return CodeOfErrno(cause.value());
  }
  return base::ErrorCode::kIo;
}

std::string LowerFirst(std::string text) {
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

}  // namespace

base::Error ToError(const boost::system::error_code& cause, std::string_view what) {
  return {.code = CodeOf(cause),
          .message = "cannot " + std::string(what) + ": " + LowerFirst(cause.message())};
}

base::Error ErrnoError(int number, std::string_view what) {
  return ToError(boost::system::error_code(number, boost::system::system_category()), what);
}

base::Error TimeoutError(std::string_view what) {
  return {.code = base::ErrorCode::kTimeout,
          .message = "cannot " + std::string(what) + ": the deadline passed"};
}

base::Error CancelledError(std::string_view what) {
  return {.code = base::ErrorCode::kCancelled,
          .message = "cannot " + std::string(what) + ": cancelled"};
}

}  // namespace net
