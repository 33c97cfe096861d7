#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/action/s3/s3_values.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/units.h"
#include "lib/base/utf8.h"
#include "lib/crypto/hash.h"
#include "lib/http/media.h"
#include "lib/objects/s3/upload.h"

namespace assay::action {
namespace {

namespace fs = std::filesystem;
namespace s3 = objects::s3;
using base::ErrorCode;
using base::Result;
using cel::Value;

constexpr uint64_t kDefaultPart = uint64_t{8} << 20;

/// The content as parameters give it; a file is read later.
struct Given {
  std::string text;
  std::string file;
  bool json = false;
};

Result<std::string> FileParameter(const std::string& name, const ActionContext& context) {
  std::error_code ignored;
  for (const std::string& folder : {context.work_dir, context.source_dir}) {
    const fs::path path = fs::path(folder) / name;
    if (fs::is_regular_file(path, ignored)) return path.string();
  }
  return base::Fail(base::Error{
      .code = ErrorCode::kNotFound,
      .message = fmt::format("parameter \"file\": there is no file {}", name),
      .hint = "a relative path starts at the working directory or at the folder of the scenario "
              "file"});
}

Result<Given> ContentOf(const S3Session& session) {
  Given given;
  if (const Value* json = session.params.Find("json")) {
    given.text = boost::json::serialize(cel::ToJson(*json));
    given.json = true;
  } else if (const Value* file = session.params.Find("file")) {
    TRY(given.file, FileParameter(cel::ToText(*file), session.context));
  } else if (const Value* body = session.params.Find("body")) {
    given.text = body->is_bytes() ? std::string(body->bytes()) : cel::ToText(*body);
  } else {
    return base::Fail(ErrorCode::kInvalid, "one of body, json and file is missing");
  }
  return given;
}

Result<s3::PutOptions> OptionsFor(const S3Session& session, const Given& given) {
  TRY(s3::PutOptions options, PutParameters(session.params));
  const bool typed = !TextParameter(session.params, "content_type").empty();
  if (given.json && !typed) options.content_type = "application/json";
  return options;
}

Result<uint64_t> SizeParameter(const Value& params, std::string_view name, uint64_t otherwise) {
  const Value* value = params.Find(name);
  if (value == nullptr || value->is_null()) return otherwise;
  if (value->is_int() && value->int_value() > 0) return static_cast<uint64_t>(value->int_value());
  const auto size = base::ParseSize(cel::ToText(*value));
  if (!size || *size == 0) return WrongParameter(name, "a size such as 8MiB");
  return *size;
}

/// A name inside the scenario's working directory; "" when there is no such parameter.
Result<std::string> DownloadPath(const S3Session& session) {
  const std::string name = TextParameter(session.params, "download_to");
  if (name.empty()) return name;
  const fs::path path = fs::path(name).lexically_normal();
  if (path.is_absolute() || path.string().starts_with("..")) {
    return WrongParameter("download_to", "a name inside the scenario's working directory");
  }
  fs::path target = fs::path(session.context.work_dir) / path;
  std::error_code ignored;
  fs::create_directories(target.parent_path(), ignored);
  return target.string();
}

void AddContent(const std::string& content, const std::string& type, cel::MapBuilder& map) {
  const bool text = base::IsUtf8(content);
  map.Set("bytes", Value::Bytes(content));
  map.Set("text", Value::String(text ? content : ""));
  map.Set("sha256", Value::String(crypto::Sha256Hex(content)));
  const auto media = http::ParseMediaType(type);
  Value json;
  std::string problem;
  if (media && media->IsJson()) {
    auto parsed = cel::ParseJson(content);
    if (parsed) {
      json = *std::move(parsed);
    } else {
      problem = parsed.error().message;
    }
  }
  map.Set("json", std::move(json));
  map.Set("json_error", Value::String(problem));
}

Value StoredValue(const s3::Answer& answer, const s3::Stored& stored, uint64_t size) {
  cel::MapBuilder map = AnswerFields(answer);
  if (answer.accepted()) {
    map.Set("etag", Value::String(stored.etag));
    map.Set("version", Value::String(stored.version));
    map.Set("size", CountValue(size));
  }
  return std::move(map).Build();
}

/// Reads a text or a file piece by piece.
class PartSource {
 public:
  PartSource(Given given, net::ThreadPool& pool) : given_(std::move(given)), pool_(pool) {
    if (!given_.file.empty()) file_.open(given_.file, std::ios::binary);
  }

  net::Task<Result<std::string>> Next(size_t bytes) {
    if (given_.file.empty()) {
      std::string part = given_.text.substr(at_, bytes);
      at_ += part.size();
      co_return part;
    }
    co_return co_await net::Offload(pool_, [&]() -> Result<std::string> {
      std::string part(bytes, '\0');
      file_.read(part.data(), static_cast<std::streamsize>(bytes));
      if (file_.bad() || !file_.is_open()) {
        return base::Fail(ErrorCode::kIo, fmt::format("cannot read the file {}", given_.file));
      }
      part.resize(static_cast<size_t>(file_.gcount()));
      return part;
    });
  }

 private:
  Given given_;
  net::ThreadPool& pool_;
  std::ifstream file_;
  size_t at_ = 0;
};

}  // namespace

net::Task<Result<Value>> S3Put(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  CO_TRY(Given given, ContentOf(session));
  CO_TRY(s3::PutOptions options, OptionsFor(session, given));
  s3::Content content = std::move(given.text);
  uint64_t size = std::get<std::string>(content).size();
  if (!given.file.empty()) {
    auto digested = co_await net::Offload(session.pool, [&] {
      return s3::DigestFile(given.file, session.context.deadline, session.context.clock);
    });
    CO_TRY(s3::DigestedFile file, std::move(digested));
    size = file.size;
    content = std::move(file);
  }
  CO_TRY(const auto reply, co_await session.client.Put(name, std::move(content), std::move(options),
                                                       session.context.deadline));
  co_return StoredValue(reply, reply.value, size);
}

net::Task<Result<Value>> S3Multipart(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  CO_TRY(Given given, ContentOf(session));
  CO_TRY(s3::PutOptions options, OptionsFor(session, given));
  CO_TRY(const uint64_t part_size, SizeParameter(session.params, "part_size", kDefaultPart));
  PartSource source(std::move(given), session.pool);
  const s3::ReadPart read = [&source](size_t bytes) { return source.Next(bytes); };
  CO_TRY(const auto reply, co_await s3::UploadInParts(session.client, name, std::move(options),
                                                      part_size, read, session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  if (reply.accepted()) {
    map.Set("etag", Value::String(reply.value.stored.etag));
    map.Set("version", Value::String(reply.value.stored.version));
    map.Set("size", CountValue(reply.value.size));
    map.Set("parts", Value::Int(reply.value.parts));
    map.Set("upload_id", Value::String(reply.value.upload));
  }
  co_return std::move(map).Build();
}

net::Task<Result<Value>> S3Get(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  s3::GetOptions options{.if_match = TextParameter(session.params, "if_match"),
                         .if_none_match = TextParameter(session.params, "if_none_match")};
  CO_TRY(options.range, RangeParameter(session.params));
  CO_TRY(options.max_bytes, SizeParameter(session.params, "max_size", options.max_bytes));
  CO_TRY(options.download_to, DownloadPath(session));
  const std::string path = options.download_to;
  CO_TRY(const auto reply,
         co_await session.client.Get(name, std::move(options), session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  if (!reply.accepted()) co_return std::move(map).Build();
  AddFacts(reply.value.facts, map);
  map.Set("length", CountValue(reply.value.bytes));
  map.Set("path", Value::String(path));
  if (path.empty()) {
    AddContent(reply.value.content, reply.value.facts.content_type, map);
  } else {
    auto digested = co_await net::Offload(session.pool, [&] {
      return s3::DigestFile(path, session.context.deadline, session.context.clock);
    });
    CO_TRY(const s3::DigestedFile file, std::move(digested));
    map.Set("sha256", Value::String(crypto::ToHex(file.sha256)));
  }
  co_return std::move(map).Build();
}

net::Task<Result<Value>> S3Head(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  CO_TRY(const auto reply, co_await session.client.Head(name, session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  if (reply.accepted()) AddFacts(reply.value, map);
  co_return std::move(map).Build();
}

net::Task<Result<Value>> S3Copy(const S3Session& session) {
  CO_TRY(const s3::ObjectName from, SubjectName(session));
  s3::ObjectName to;
  CO_TRY(to.key, NeededParameter(session.params, "to"));
  to.bucket = TextParameter(session.params, "to_bucket");
  if (to.bucket.empty()) to.bucket = from.bucket;
  s3::CopyOptions options;
  if (session.params.Find("metadata") != nullptr ||
      session.params.Find("content_type") != nullptr) {
    CO_TRY(options.replace, PutParameters(session.params));
  }
  CO_TRY(const auto reply,
         co_await session.client.Copy(from, to, std::move(options), session.context.deadline));
  cel::MapBuilder map = AnswerFields(reply);
  if (reply.accepted()) {
    map.Set("etag", Value::String(reply.value.etag));
    map.Set("version", Value::String(reply.value.version));
  }
  co_return std::move(map).Build();
}

net::Task<Result<Value>> S3Presign(const S3Session& session) {
  CO_TRY(const s3::ObjectName name, SubjectName(session));
  std::string method = TextParameter(session.params, "method");
  if (method.empty()) method = "GET";
  std::chrono::nanoseconds valid = std::chrono::minutes(15);
  if (const Value* given = session.params.Find("valid")) {
    if (given->is_duration()) {
      valid = given->duration();
    } else {
      const auto parsed = base::ParseDuration(cel::ToText(*given));
      if (!parsed) co_return WrongParameter("valid", "a duration such as 15m");
      valid = *parsed;
    }
  }
  CO_TRY(const std::string url,
         session.client.Presign(method, name, std::chrono::floor<std::chrono::seconds>(valid)));
  co_return Value::Object({{"url", Value::String(url)}});
}

}  // namespace assay::action
