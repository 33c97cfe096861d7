#pragma once
// Where something stands in a text file: what every diagnostic points at.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace base {

/// A text that was read, kept so that diagnostics can quote its lines. Immutable and shared.
class SourceText {
 public:
  SourceText(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  /// The 1-based line without its line end; empty when there is no such line.
  std::string_view Line(uint32_t line) const;

 private:
  std::string name_;
  std::string text_;
};

/// A range on one line. `line` and `column` are 1-based, `column` counts bytes; `length` >= 1 for a
/// known place. A default-constructed span means "nowhere".
struct SourceSpan {
  std::shared_ptr<const SourceText> source;
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 0;

  bool known() const { return source != nullptr && line > 0; }
  /// `file:line:column`, or "" when unknown.
  std::string ToString() const;
};

}  // namespace base
