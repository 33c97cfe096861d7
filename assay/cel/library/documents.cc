// Our own functions on documents: sha256, parse_json, parse_csv, xpath, matches_schema.

#include <fmt/format.h>
#include <pugixml.hpp>

#include "assay/cel/json.h"
#include "assay/cel/library/json_schema.h"
#include "assay/cel/library/library.h"
#include "assay/cel/text.h"
#include "lib/crypto/hash.h"
#include "lib/formats/csv/csv.h"

namespace assay::cel {
namespace {

Value Sha256(Arguments arguments, CallContext& context) {
  context.Charge(arguments[0].string().size() / 16);
  return Value::String(crypto::Sha256Hex(arguments[0].string()));
}

Value ParseJsonText(Arguments arguments, CallContext& context) {
  if (!context.Charge(arguments[0].string().size() / 4)) return {};
  auto value = ParseJson(arguments[0].string());
  return value ? *std::move(value) : Value::Error(std::move(value).error());
}

/// One map a row, keys from the first line, values as text.
Value ParseCsvText(Arguments arguments, CallContext& context) {
  if (!context.Charge(arguments[0].string().size() / 4)) return {};
  auto table = formats::csv::Parse(arguments[0].string());
  if (!table) return Value::Error(std::move(table).error());
  std::vector<Value> rows;
  rows.reserve(table->rows.size());
  for (const auto& record : table->rows) {
    MapBuilder row;
    for (size_t i = 0; i < table->columns.size(); ++i) {
      row.Set(table->columns[i], Value::String(record[i]));
    }
    rows.push_back(std::move(row).Build());
  }
  return Value::List(std::move(rows));
}

std::string TextOf(const pugi::xpath_node& node) {
  if (node.attribute()) return node.attribute().value();
  if (node.node().type() == pugi::node_pcdata || node.node().type() == pugi::node_cdata)
    return node.node().value();
  // The string value of an element is all the text in it (XPath 1.0, section 5.2).
  return pugi::xpath_query("string(.)").evaluate_string(node);
}

/// A list of strings for node sets; double, string or bool for other results.
Value Query(const pugi::xml_document& document, const std::string& path, CallContext& context) {
  const pugi::xpath_query query(path.c_str());
  switch (query.return_type()) {
    case pugi::xpath_type_boolean:
      return Value::Bool(query.evaluate_boolean(document));
    case pugi::xpath_type_number:
      return Value::Double(query.evaluate_number(document));
    case pugi::xpath_type_string:
      return Value::String(query.evaluate_string(document));
    default:
      break;
  }
  std::vector<Value> found;
  pugi::xpath_node_set nodes = query.evaluate_node_set(document);
  nodes.sort();
  for (const pugi::xpath_node& node : nodes) {
    const std::string text = TextOf(node);
    if (!context.Charge(1 + text.size() / 16)) return {};
    found.push_back(Value::String(text));
  }
  return Value::List(std::move(found));
}

Value XPath(Arguments arguments, CallContext& context) {
  const std::string_view xml = arguments[0].string();
  if (!context.Charge(xml.size() / 4)) return {};
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed)
    return InvalidArgument(
        fmt::format("malformed XML at byte {}: {}", parsed.offset, parsed.description()));
  try {
    return Query(document, std::string(arguments[1].string()), context);
  } catch (const pugi::xpath_exception& problem) {
    return InvalidArgument(
        fmt::format("{} is not an XPath: {}", DebugString(arguments[1]), problem.what()));
  }
}

Value Verdict(const Value& value, const Value& schema, CallContext& context) {
  auto mismatch = MatchSchema(value, schema, context);
  if (!mismatch) return Value::Error(std::move(mismatch).error());
  return Value::Bool(!mismatch->has_value());
}

Value Problem(const Value& value, const Value& schema, CallContext& context) {
  auto mismatch = MatchSchema(value, schema, context);
  if (!mismatch) return Value::Error(std::move(mismatch).error());
  if (!mismatch->has_value()) return Value::String("");
  return Value::String(fmt::format("{}: {}", (*mismatch)->path.empty() ? "/" : (*mismatch)->path,
                                   (*mismatch)->reason));
}

using Judge = Value (*)(const Value&, const Value&, CallContext&);

FunctionBody WithSchema(Judge judge) {
  return [judge](Arguments arguments, CallContext& context) {
    if (!arguments[1].is_string()) return judge(arguments[0], arguments[1], context);
    if (context.schema_loader() == nullptr || !*context.schema_loader())
      return InvalidArgument(
          fmt::format("no schema {} here: this environment loads none", DebugString(arguments[1])));
    auto schema = (*context.schema_loader())(arguments[1].string());
    if (!schema) return Value::Error(std::move(schema).error());
    return judge(arguments[0], *schema, context);
  };
}

}  // namespace

void RegisterDocuments(FunctionTable& table) {
  Registrar registrar(table);
  const Type text = Type::String();
  const Type a = Type::Param("A");
  registrar.Global("sha256", {text}, text, &Sha256)
      .Global("sha256", {Type::Bytes()}, text, &Sha256)
      .Global("parse_json", {text}, Type::Dyn(), &ParseJsonText)
      .Global("parse_csv", {text}, Type::List(Type::Map(text, text)), &ParseCsvText)
      .Global("xpath", {text, text}, Type::Dyn(), &XPath);
  for (const Type& schema : {text, Type::Map(text, Type::Param("B")), Type::Bool()}) {
    registrar.Global("matches_schema", {a, schema}, Type::Bool(), WithSchema(&Verdict))
        .Global("schema_mismatch", {a, schema}, text, WithSchema(&Problem));
  }
  // A schema in a file may change between evaluations of one program.
  for (const char* name : {"matches_schema", "schema_mismatch"})
    for (Overload& overload : table.functions[name]) overload.foldable = false;
}

}  // namespace assay::cel
