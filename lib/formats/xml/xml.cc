#include "lib/formats/xml/xml.h"

#include <algorithm>

#include <fmt/format.h>
#include <pugixml.hpp>

namespace formats::xml {
namespace {

using base::ErrorCode;

std::string PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::ranges::count(before, '\n');
  const size_t start = before.rfind('\n');
  const size_t column = start == std::string_view::npos ? before.size() : before.size() - start - 1;
  return fmt::format("line {}, column {}", lines + 1, column + 1);
}

class TreeBuilder {
 public:
  explicit TreeBuilder(const Limits& limits) : limits_(limits) {}

  base::Result<void> Fill(const pugi::xml_node& node, size_t depth, Element& into) {
    if (depth > limits_.depth) {
      return base::Fail(ErrorCode::kTooLarge,
                        fmt::format("elements are nested deeper than {}", limits_.depth));
    }
    if (++elements_ > limits_.elements) {
      return base::Fail(ErrorCode::kTooLarge,
                        fmt::format("more than {} elements", limits_.elements));
    }
    into.name = node.name();
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      into.attributes.emplace_back(attribute.name(), attribute.value());
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        into.text += child.value();
      } else if (child.type() == pugi::node_element) {
        TRY(Fill(child, depth + 1, into.children.emplace_back()));
      }
    }
    return {};
  }

 private:
  const Limits& limits_;
  size_t elements_ = 0;
};

}  // namespace

base::Result<Element> Parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("{} bytes, expected at most {}", text.size(), limits.bytes));
  }
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
  if (!parsed) {
    const auto offset = static_cast<size_t>(std::max<std::ptrdiff_t>(0, parsed.offset));
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{}: {}", PlaceOf(text, offset), parsed.description()));
  }
  const pugi::xml_node root = document.document_element();
  const auto is_element = [](const pugi::xml_node& node) {
    return node.type() == pugi::node_element;
  };
  if (std::ranges::count_if(document.children(), is_element) != 1) {
    return base::Fail(ErrorCode::kInvalid, "a document has one element that holds all others");
  }
  Element element;
  TRY(TreeBuilder(limits).Fill(root, 1, element));
  return element;
}

}  // namespace formats::xml
