#pragma once
// A slot stands for an expression inside a text that was imported: `/notes/<slot vars.note_id>`.
//
// It is written U+E000 expression U+E001. The two characters are for private use (Unicode 15,
// section 23.5): CleanText removes them from what is read, so that no input can smuggle an
// expression in.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "assay/importing/yaml.h"

namespace assay::importing {

inline constexpr std::string_view kSlotOpen = "\xEE\x80\x80";
inline constexpr std::string_view kSlotClose = "\xEE\x80\x81";

std::string Slot(std::string_view expression);
bool HasSlot(std::string_view text);
/// The expression of a text that is one slot and nothing else.
std::optional<std::string> WholeSlot(std::string_view text);
/// Without the two characters of slots.
std::string CleanText(std::string text);

/// As the scenario language writes it: `${{ expression }}`; a literal `${{` becomes `$${{`.
std::string ToTemplate(std::string_view text);
/// For people: `/notes/{note_id}`.
std::string ToTitle(std::string_view text);
/// As a CEL expression: a string literal, or pieces joined by `+`. A text that is one slot is its
/// expression.
std::string ToExpression(std::string_view text);
/// Calls `change` on what stands between the slots.
std::string MapLiterals(std::string_view text,
                        const std::function<std::string(std::string_view)>& change);

/// All texts of the tree as templates.
void ToTemplates(Yaml& tree);

/// `"a\"b"`: a CEL string literal.
std::string CelString(std::string_view text);
/// `body.items[0].id`; keys that are no identifiers, or reserved words of CEL, in brackets.
std::string CelMember(std::string_view object, std::string_view key);
/// A name for a variable: letters, digits and `_`, no reserved word: `userId` -> `user_id`.
std::string ToIdentifier(std::string_view text);

}  // namespace assay::importing
