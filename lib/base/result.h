#pragma once
// Result<T>: a value or an Error, and the two spellings of passing an error on.

#include <expected>
#include <string>
#include <utility>

#include "lib/base/error.h"

namespace base {

template <typename T>
using Result = std::expected<T, Error>;

/// `return Fail(ErrorCode::kInvalid, "...");` in any function that returns a Result.
inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace base

// TRY(expr);                  returns the error of a Result<...>, drops its value
// TRY(auto value, expr);      the same, and declares `value` from it
// CO_TRY(...)                   the same with co_return, for coroutines
// An expression with a comma outside parentheses needs a pair around it.
#define TRY(...) \
  BASE_TRY_PICK_(__VA_ARGS__, BASE_TRY_DECLARE_, BASE_TRY_PLAIN_, )(return, __VA_ARGS__)
#define CO_TRY(...) \
  BASE_TRY_PICK_(__VA_ARGS__, BASE_TRY_DECLARE_, BASE_TRY_PLAIN_, )(co_return, __VA_ARGS__)

#define BASE_TRY_PICK_(first, second, chosen, ...) chosen
#define BASE_TRY_NAME_2_(line) base_try_result_##line
#define BASE_TRY_NAME_(line) BASE_TRY_NAME_2_(line)
#define BASE_TRY_PLAIN_(leave, expression)                                                         \
  do {                                                                                             \
    auto base_try_plain = (expression);                                                            \
    if (!base_try_plain.has_value()) leave ::std::unexpected(::std::move(base_try_plain).error()); \
  } while (false)
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define BASE_TRY_DECLARE_(leave, declaration, expression)                   \
  auto BASE_TRY_NAME_(__LINE__) = (expression);                             \
  if (!BASE_TRY_NAME_(__LINE__).has_value())                                \
    leave ::std::unexpected(::std::move(BASE_TRY_NAME_(__LINE__)).error()); \
  declaration = ::std::move(BASE_TRY_NAME_(__LINE__)).value()
// NOLINTEND(bugprone-macro-parentheses)
