#include "assay/action/file_content.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/plan/data_files.h"
#include "lib/formats/avro/container.h"
#include "lib/formats/edf/reader.h"
#include "lib/formats/xml/xml.h"

namespace assay::action {
namespace {

using base::Result;
using cel::Value;
namespace edf = formats::edf;

/// Sums over digital values, shifted by the first one so that squares stay exact enough.
struct Tally {
  uint64_t count = 0;
  int64_t first = 0;
  double sum = 0;
  double squares = 0;
  int32_t least = std::numeric_limits<int32_t>::max();
  int32_t most = std::numeric_limits<int32_t>::min();

  void Add(std::span<const int32_t> values) {
    if (count == 0 && !values.empty()) first = values.front();
    for (const int32_t value : values) {
      const auto shifted = static_cast<double>(value - first);
      sum += shifted;
      squares += shifted * shifted;
      least = std::min(least, value);
      most = std::max(most, value);
    }
    count += values.size();
  }
};

Result<std::vector<Tally>> TallySignals(const edf::Reader& reader) {
  const edf::Header& header = reader.header();
  std::vector<Tally> tallies(header.signals.size());
  std::vector<int32_t> digital;
  const auto visit = [&](uint64_t, std::span<const uint8_t> record) -> Result<void> {
    for (const size_t signal : reader.sample_signals()) {
      digital.resize(header.signals[signal].samples_per_record);
      edf::DecodeDigital(record.subspan(reader.signal_offset(signal), reader.signal_bytes(signal)),
                         header.variant, digital);
      tallies[signal].Add(digital);
    }
    return {};
  };
  TRY(reader.VisitRecords(0, reader.record_count(), visit));
  return tallies;
}

Value DescribeSignal(const edf::Reader& reader, size_t index, const Tally& tally) {
  const edf::Signal& signal = reader.header().signals[index];
  cel::MapBuilder map;
  map.Set("label", Value::String(signal.label));
  map.Set("unit", Value::String(signal.physical_dimension));
  map.Set("rate_hz", Value::Double(reader.rate_hz(index)));
  map.Set("samples", Value::Int(static_cast<int64_t>(reader.sample_count(index))));
  map.Set("transducer", Value::String(signal.transducer));
  map.Set("prefiltering", Value::String(signal.prefiltering));
  map.Set("physical_min", Value::Double(signal.physical_min));
  map.Set("physical_max", Value::Double(signal.physical_max));
  map.Set("digital_min", Value::Int(signal.digital_min));
  map.Set("digital_max", Value::Int(signal.digital_max));
  if (tally.count == 0) return std::move(map).Build();
  const auto count = static_cast<double>(tally.count);
  const double mean = tally.sum / count;
  const double variance = std::max(0.0, tally.squares / count - mean * mean);
  // The conversion to physical units is linear.
  const double scale = signal.gain();
  const double physical_mean =
      signal.ToPhysical(0) + scale * (mean + static_cast<double>(tally.first));
  const double ends[] = {signal.ToPhysical(tally.least), signal.ToPhysical(tally.most)};
  map.Set("min", Value::Double(std::min(ends[0], ends[1])));
  map.Set("max", Value::Double(std::max(ends[0], ends[1])));
  map.Set("mean", Value::Double(physical_mean));
  map.Set("stddev", Value::Double(std::abs(scale) * std::sqrt(variance)));
  map.Set("rms",
          Value::Double(std::sqrt(scale * scale * variance + physical_mean * physical_mean)));
  map.Set("flat", Value::Bool(tally.least == tally.most));
  return std::move(map).Build();
}

Value DescribeAnnotations(const edf::AnnotationList& list) {
  std::vector<Value> values;
  values.reserve(list.annotations.size());
  for (const edf::Annotation& one : list.annotations) {
    values.push_back(Value::Object(
        {{"onset_s", Value::Double(one.onset_s)},
         {"duration_s", one.duration_s ? Value::Double(*one.duration_s) : Value::Null()},
         {"text", Value::String(one.text)}}));
  }
  return Value::List(std::move(values));
}

Value DescribePatient(const edf::Header& header) {
  const auto& patient = header.patient;
  return Value::Object({{"text", Value::String(header.patient_text)},
                        {"code", Value::String(patient.code)},
                        {"sex", Value::String(patient.sex)},
                        {"name", Value::String(patient.name)}});
}

Value WarningTexts(const std::vector<edf::Warning>& header, const std::vector<edf::Warning>& more) {
  std::vector<Value> texts;
  for (const auto* list : {&header, &more}) {
    for (const edf::Warning& warning : *list) texts.push_back(Value::String(warning.message));
  }
  return Value::List(std::move(texts));
}

/// From most special to most general; a column is of the most special type that all cells have.
enum class CellType { kInt, kDouble, kBool, kText };

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool Fits(std::string_view cell, CellType type) {
  switch (type) {
    case CellType::kInt:
      // A leading zero is part of an identifier: 007 stays text.
      return ParseNumber<int64_t>(cell) && (cell.size() == 1 || !cell.starts_with('0'));
    case CellType::kDouble:
      return ParseNumber<double>(cell) &&
             !(cell.size() > 1 && cell[0] == '0' && cell[1] >= '0' && cell[1] <= '9');
    case CellType::kBool:
      return cell == "true" || cell == "false";
    case CellType::kText:
      return true;
  }
  return true;
}

CellType TypeOfColumn(std::span<const Value> rows, std::string_view column) {
  for (const CellType type : {CellType::kInt, CellType::kDouble, CellType::kBool}) {
    bool any = false;
    bool all = true;
    for (const Value& row : rows) {
      const std::string_view cell = row.Find(column)->string();
      any |= !cell.empty();
      all = all && (cell.empty() || Fits(cell, type));
    }
    if (any && all) return type;
  }
  return CellType::kText;
}

Value Typed(std::string_view cell, CellType type) {
  if (type == CellType::kText) return Value::String(cell);
  if (cell.empty()) return Value::Null();
  switch (type) {
    case CellType::kInt:
      return Value::Int(*ParseNumber<int64_t>(cell));
    case CellType::kDouble:
      return Value::Double(*ParseNumber<double>(cell));
    case CellType::kBool:
      return Value::Bool(cell == "true");
    case CellType::kText:
      break;
  }
  return Value::String(cell);
}

Value ElementValue(const formats::xml::Element& element) {
  cel::MapBuilder attributes;
  for (const auto& [name, value] : element.attributes) attributes.Set(name, Value::String(value));
  std::vector<Value> children;
  children.reserve(element.children.size());
  for (const formats::xml::Element& child : element.children) {
    children.push_back(ElementValue(child));
  }
  return Value::Object({{"name", Value::String(element.name)},
                        {"attributes", std::move(attributes).Build()},
                        {"text", Value::String(element.text)},
                        {"children", Value::List(std::move(children))}});
}

Value DatumValue(const formats::avro::Value& value) {
  const auto& datum = value.datum;
  if (const auto* boolean = std::get_if<bool>(&datum)) return Value::Bool(*boolean);
  if (const auto* integer = std::get_if<int64_t>(&datum)) return Value::Int(*integer);
  if (const auto* real = std::get_if<double>(&datum)) return Value::Double(*real);
  if (const auto* text = std::get_if<std::string>(&datum)) return Value::String(*text);
  if (const auto* bytes = std::get_if<formats::avro::Bytes>(&datum)) {
    return Value::Bytes(bytes->bytes);
  }
  if (const auto* list = std::get_if<formats::avro::List>(&datum)) {
    std::vector<Value> items;
    items.reserve(list->size());
    for (const formats::avro::Value& item : *list) items.push_back(DatumValue(item));
    return Value::List(std::move(items));
  }
  if (const auto* fields = std::get_if<formats::avro::Fields>(&datum)) {
    cel::MapBuilder map;
    for (const auto& [name, field] : *fields) map.Set(name, DatumValue(field));
    return std::move(map).Build();
  }
  return Value::Null();
}

}  // namespace

Result<Value> DescribeEdf(const std::filesystem::path& path, base::Deadline deadline) {
  TRY(auto source, edf::FileSource::Open(path, deadline));
  TRY(const edf::Reader reader, edf::Reader::Open(std::move(source)));
  const edf::Header& header = reader.header();
  TRY(const auto tallies, TallySignals(reader));
  TRY(const edf::AnnotationList annotations, reader.Annotations());
  TRY(const auto segments, reader.Segments());
  std::vector<Value> signals;
  for (const size_t index : reader.sample_signals()) {
    signals.push_back(DescribeSignal(reader, index, tallies[index]));
  }
  std::vector<Value> gaps;
  for (const edf::Gap& gap : edf::GapsBetween(segments)) {
    gaps.push_back(Value::Object(
        {{"start_s", Value::Double(gap.start_s)}, {"length_s", Value::Double(gap.length_s)}}));
  }
  const std::chrono::sys_seconds start(header.start.time_since_epoch());
  cel::MapBuilder map;
  map.Set("variant", Value::String(edf::ToString(header.variant)));
  map.Set("patient", DescribePatient(header));
  map.Set("start", Value::String(fmt::format("{:%Y-%m-%dT%H:%M:%S}", start)));
  map.Set("record_count", Value::Int(header.record_count));
  map.Set("record_duration_s", Value::Double(header.record_duration_s));
  map.Set("duration_s", Value::Double(reader.duration_s()));
  map.Set("signals", Value::List(std::move(signals)));
  map.Set("annotations", DescribeAnnotations(annotations));
  map.Set("gaps", Value::List(std::move(gaps)));
  map.Set("warnings", WarningTexts(reader.warnings(), annotations.warnings));
  return std::move(map).Build();
}

Result<Value> DescribeXml(std::string_view text, std::string_view name) {
  auto root = formats::xml::Parse(text);
  if (!root) return base::Fail(std::move(root).error().While(fmt::format("reading {}", name)));
  return ElementValue(*root);
}

Result<Value> DescribeAvro(std::string_view bytes, std::string_view name, base::Deadline deadline) {
  auto container = formats::avro::Read(bytes, deadline);
  if (!container) {
    return base::Fail(std::move(container).error().While(fmt::format("reading {}", name)));
  }
  TRY(Value schema, cel::ParseJson(container->schema));
  std::vector<Value> records;
  records.reserve(container->records.size());
  for (const formats::avro::Value& record : container->records) {
    records.push_back(DatumValue(record));
  }
  return Value::Object({{"schema", std::move(schema)},
                        {"codec", Value::String(container->codec)},
                        {"records", Value::List(std::move(records))}});
}

Result<Value> DescribeCsv(std::string_view text, std::string_view name) {
  Value parsed = plan::ParseCsv(text, name);
  if (parsed.is_error()) return base::Fail(parsed.error());
  const auto rows = parsed.list();
  if (rows.empty()) return parsed;
  std::vector<std::pair<std::string, CellType>> columns;
  for (const auto& entry : rows.front().map().entries()) {
    const std::string column(entry.key.string());
    columns.emplace_back(column, TypeOfColumn(rows, column));
  }
  std::vector<Value> typed;
  typed.reserve(rows.size());
  for (const Value& row : rows) {
    cel::MapBuilder map;
    for (const auto& [column, type] : columns) {
      map.Set(column, Typed(row.Find(column)->string(), type));
    }
    typed.push_back(std::move(map).Build());
  }
  return Value::List(std::move(typed));
}

}  // namespace assay::action
