#include "assay/plan/data_files.h"

#include <fmt/format.h>

#include "assay/cel/json.h"
#include "lib/formats/csv/csv.h"

namespace assay::plan {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

cel::Value Invalid(std::string message) {
  return cel::Value::Error(base::ErrorCode::kInvalid, std::move(message));
}

cel::Value ParseJsonFile(std::string_view text, std::string_view path) {
  auto value = cel::ParseJson(text);
  if (value) return *std::move(value);
  return Invalid(fmt::format("the file \"{}\" is no JSON: {}", path, value.error().message));
}

}  // namespace

cel::Value ParseCsv(std::string_view text, std::string_view path) {
  auto table = formats::csv::Parse(text);
  if (!table) {
    return Invalid(fmt::format("the file \"{}\" is no CSV: {}", path, table.error().message));
  }
  std::vector<cel::Value> rows;
  rows.reserve(table->rows.size());
  for (const auto& record : table->rows) {
    cel::MapBuilder row;
    for (size_t i = 0; i < table->columns.size(); ++i)
      row.Set(table->columns[i], cel::Value::String(record[i]));
    rows.push_back(std::move(row).Build());
  }
  return cel::Value::List(std::move(rows));
}

cel::Value DataFiles::Csv(std::string_view scenario_file, std::string_view path) {
  return Load(scenario_file, path, &ParseCsv);
}

cel::Value DataFiles::Json(std::string_view scenario_file, std::string_view path) {
  return Load(scenario_file, path, &ParseJsonFile);
}

cel::Value DataFiles::Load(std::string_view scenario_file, std::string_view path, Parser parse) {
  auto resolved = scenario::RelativeTo(scenario_file, path);
  if (!resolved) return cel::Value::Error(std::move(resolved).error());
  const std::lock_guard lock(mutex_);
  const std::string key = fmt::format("{}:{}", parse == &ParseCsv ? "csv" : "json", *resolved);
  if (const auto known = values_.find(key); known != values_.end()) return known->second;
  auto text = files_.Read(*resolved, kMostBytes);
  if (!text) return cel::Value::Error(std::move(text).error());
  cel::Value value = parse(*text, *resolved);
  texts_[*resolved] = *std::move(text);
  values_[key] = value;
  return value;
}

std::vector<std::pair<std::string, std::string>> DataFiles::Read() const {
  const std::lock_guard lock(mutex_);
  return {texts_.begin(), texts_.end()};
}

void DeclareDataFiles(cel::Environment& environment, std::shared_ptr<DataFiles> data,
                      std::string scenario_file) {
  const auto declare = [&](std::string name, cel::Type result,
                           cel::Value (DataFiles::*read)(std::string_view, std::string_view)) {
    environment.Function(std::move(name),
                         {.parameters = {cel::Type::String()},
                          .result = std::move(result),
                          .body = [data, scenario_file, read](std::span<const cel::Value> arguments,
                                                              cel::CallContext&) {
                            if (!arguments[0].is_string())
                              return Invalid("expected the path of a file");
                            return (data.get()->*read)(scenario_file, arguments[0].string());
                          }});
  };
  declare("csv", cel::Type::List(cel::Type::Map(cel::Type::String(), cel::Type::String())),
          &DataFiles::Csv);
  declare("json_file", cel::Type::Dyn(), &DataFiles::Json);
  environment.LoadSchemasWith(
      [data, scenario_file](std::string_view path) -> base::Result<cel::Value> {
        cel::Value schema = data->Json(scenario_file, path);
        if (schema.is_error()) return std::unexpected(schema.error());
        return schema;
      });
}

}  // namespace assay::plan
