#pragma once
// Schemas of OpenAPI: as JSON Schemas that `matches_schema` reads, and as example values.

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace assay::importing {

/// Resolves references within one document.
class SchemaReader {
 public:
  using Report = std::function<void(std::string_view problem)>;

  /// `document` outlives the reader. `report` gets what cannot be translated, once for each text.
  SchemaReader(const boost::json::value& document, Report report)
      : document_(document), report_(std::move(report)) {}

  /// What `#/components/...` leads to, also over several steps; `value` itself when it is no
  /// reference. Null when it leads nowhere, or into another file; that is reported.
  const boost::json::value* Resolve(const boost::json::value* value);

  /// A JSON Schema for an answer: what only OpenAPI knows is translated or left out, components
  /// that it names are in `$defs`. Of 3.0: nullable, exclusiveMinimum as a boolean, example.
  /// Members that are only written are not required.
  boost::json::object ForAnswer(const boost::json::value& schema);

  /// A value that fits: example, default, first of an enumeration, or made by type and format.
  /// Texts may hold slots such as `fake.uuid()`. Members that are only read, and those that are not
  /// required and have no example, are left out.
  boost::json::value Example(const boost::json::value& schema, std::string_view name = {});

 private:
  boost::json::value Convert(const boost::json::value& schema, std::set<std::string>& needed,
                             size_t depth);
  boost::json::value ConvertMember(std::string_view key, const boost::json::value& value,
                                   std::set<std::string>& needed, size_t depth);
  boost::json::value ExampleAt(const boost::json::value& schema, std::string_view name,
                               size_t depth);
  boost::json::object ExampleObject(const boost::json::value& schema, size_t depth);
  void ReportOnce(std::string problem);

  const boost::json::value& document_;
  Report report_;
  std::set<std::string> reported_;
};

}  // namespace assay::importing
