#include "assay/action/s3/s3_values.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "assay/cel/text.h"

namespace assay::action {

using base::ErrorCode;
using base::Result;
using cel::Value;
namespace s3 = objects::s3;

std::unexpected<base::Error> WrongParameter(std::string_view name, std::string_view expected) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" is not {}", name, expected));
}

std::string TextParameter(const Value& params, std::string_view name) {
  const Value* value = params.Find(name);
  return value == nullptr || value->is_null() ? "" : cel::ToText(*value);
}

Result<std::string> NeededParameter(const Value& params, std::string_view name) {
  std::string text = TextParameter(params, name);
  if (text.empty()) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" is missing", name));
  }
  return text;
}

Result<uint64_t> CountParameter(const Value& params, std::string_view name, uint64_t otherwise) {
  const Value* value = params.Find(name);
  if (value == nullptr || value->is_null()) return otherwise;
  if (!value->is_int() || value->int_value() < 1) return WrongParameter(name, "a number from 1 on");
  return static_cast<uint64_t>(value->int_value());
}

Result<s3::ObjectName> SubjectName(const S3Session& session) {
  s3::ObjectName name;
  TRY(name.bucket, NeededParameter(session.params, "bucket"));
  name.key = cel::ToText(session.subject);
  if (name.key.empty()) return base::Fail(ErrorCode::kInvalid, "the key of the object is empty");
  name.version = TextParameter(session.params, "version");
  return name;
}

Result<std::optional<s3::ByteRange>> RangeParameter(const Value& params) {
  const std::string text = TextParameter(params, "range");
  if (text.empty()) return std::nullopt;
  const auto wrong = [] { return WrongParameter("range", "a range such as 0-99, 100- or -5"); };
  const size_t dash = text.find('-');
  if (dash == std::string::npos || text.size() == 1) return wrong();
  s3::ByteRange range;
  const auto read = [](std::string_view digits, std::optional<uint64_t>& into) {
    if (digits.empty()) return true;
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    into = number;
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  const std::string_view view = text;
  if (!read(view.substr(0, dash), range.first) || !read(view.substr(dash + 1), range.last)) {
    return wrong();
  }
  if (range.first && range.last && *range.first > *range.last) return wrong();
  return range;
}

Result<s3::PutOptions> PutParameters(const Value& params) {
  s3::PutOptions options;
  if (const std::string type = TextParameter(params, "content_type"); !type.empty()) {
    options.content_type = type;
  }
  if (const Value* metadata = params.Find("metadata"); metadata != nullptr) {
    if (!metadata->is_map()) return WrongParameter("metadata", "a map of names to values");
    for (const auto& [name, value] : metadata->map().entries()) {
      options.metadata.emplace_back(cel::ToText(name), cel::ToText(value));
    }
  }
  if (const Value* headers = params.Find("headers"); headers != nullptr) {
    if (!headers->is_map()) return WrongParameter("headers", "a map of names to values");
    for (const auto& [name, value] : headers->map().entries()) {
      options.headers.Add(cel::ToText(name), cel::ToText(value));
    }
  }
  const std::string checksum = TextParameter(params, "checksum");
  if (checksum == "md5") options.checksum = s3::Checksum::kMd5;
  if (checksum == "sha256") options.checksum = s3::Checksum::kSha256;
  const Value* if_absent = params.Find("if_absent");
  options.only_if_absent = if_absent != nullptr && if_absent->is_true();
  return options;
}

cel::MapBuilder AnswerFields(const s3::Answer& answer) {
  cel::MapBuilder map;
  map.Set("status", Value::Int(answer.status));
  map.Set("error_code", Value::String(answer.refusal ? answer.refusal->code : ""));
  map.Set("error_message", Value::String(answer.refusal ? answer.refusal->message : ""));
  map.Set("request_id", Value::String(answer.request_id));
  return map;
}

Value CountValue(uint64_t count) { return Value::Int(static_cast<int64_t>(count)); }

Value TimeValue(base::WallTime time) {
  return time == base::WallTime{} ? Value::Null() : Value::Timestamp(time);
}

void AddFacts(const s3::ObjectFacts& facts, cel::MapBuilder& map) {
  map.Set("size", CountValue(facts.size));
  map.Set("etag", Value::String(facts.etag));
  map.Set("version", Value::String(facts.version));
  map.Set("content_type", Value::String(facts.content_type));
  map.Set("modified", TimeValue(facts.modified));
  cel::MapBuilder metadata;
  for (const auto& [name, value] : facts.metadata) metadata.Set(name, Value::String(value));
  map.Set("metadata", std::move(metadata).Build());
}

}  // namespace assay::action
