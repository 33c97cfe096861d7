#include "assay/cel/syntax/source_map.h"

#include <algorithm>
#include <memory>

namespace assay::cel {

SourceMap::SourceMap(std::string_view expression, const base::SourceSpan& where)
    : expression_(expression), where_(where) {
  if (where_.known()) return;
  where_.source = std::make_shared<const base::SourceText>("<expression>", expression_);
  where_.line = 1;
  where_.column = 1;
}

base::SourceSpan SourceMap::Span(uint32_t begin, uint32_t end) const {
  const std::string_view text = expression_;
  const auto line = static_cast<uint32_t>(std::ranges::count(text.substr(0, begin), '\n'));
  const size_t line_start = line == 0 ? 0 : text.rfind('\n', begin - 1) + 1;
  const size_t line_end = std::min(text.find('\n', begin), text.size());
  const auto length = static_cast<uint32_t>(std::min<size_t>(end, line_end) - begin);

  // A block scalar is indented in its file, and a quoted one may have escapes: look the line up.
  uint32_t first_column = line == 0 ? where_.column : 1;
  const std::string_view here = text.substr(line_start, line_end - line_start);
  const std::string_view there = where_.source->Line(where_.line + line);
  const size_t from = line == 0 ? where_.column - 1 : 0;
  const size_t found = from <= there.size() ? there.find(here, from) : std::string_view::npos;
  if (found != std::string_view::npos) first_column = static_cast<uint32_t>(found) + 1;

  return {.source = where_.source,
          .line = where_.line + line,
          .column = first_column + static_cast<uint32_t>(begin - line_start),
          .length = std::max(1u, length)};
}

base::Error SourceMap::Error(base::ErrorCode code, std::string message, uint32_t begin,
                             uint32_t end) const {
  return base::Error{code, std::move(message)}.At(Span(begin, end));
}

}  // namespace assay::cel
