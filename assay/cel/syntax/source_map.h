#pragma once
// From offsets in an expression to places in the file that holds it.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/span.h"

namespace assay::cel {

class SourceMap {
 public:
  /// Without a known `where` the expression is its own file, named `<expression>`.
  SourceMap(std::string_view expression, const base::SourceSpan& where);

  /// On one line: a range that spans lines is cut at the end of its first.
  base::SourceSpan Span(uint32_t begin, uint32_t end) const;
  base::Error Error(base::ErrorCode code, std::string message, uint32_t begin, uint32_t end) const;
  const std::string& expression() const { return expression_; }
  std::string Text(uint32_t begin, uint32_t end) const {
    return expression_.substr(begin, end - begin);
  }

 private:
  std::string expression_;
  base::SourceSpan where_;
};

}  // namespace assay::cel
