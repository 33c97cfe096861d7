#pragma once
// Text to tokens.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/syntax/source_map.h"
#include "assay/cel/value.h"
#include "lib/base/result.h"

namespace assay::cel {

enum class TokenKind : uint8_t {
  kEnd,
  kIdent,        ///< also reserved words
  kQuotedIdent,  ///< `like this` in backticks
  kLiteral,      ///< number, string or bytes; true, false and null are words
  kSmallestInt,  ///< 9223372036854775808, valid only after a minus
  kSymbol,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t begin = 0;
  uint32_t end = 0;
  std::string_view text;  ///< identifier or symbol; into the source, without backticks
  Value value;            ///< of a literal
};

/// All tokens; the last one is kEnd.
base::Result<std::vector<Token>> Tokenize(const SourceMap& source);

/// Reserved by the language definition for later: not identifiers, but fields may be called so.
bool IsReservedWord(std::string_view word);

}  // namespace assay::cel
