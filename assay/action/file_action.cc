#include "assay/action/file_action.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <glob.h>

#include "assay/action/file_content.h"
#include "assay/action/pdf_content.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/utf8.h"
#include "lib/crypto/hash.h"

namespace assay::action {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Type;

/// Larger files are for `checksum`, `as: edf` or a program.
constexpr uint64_t kLargestRead = 64 << 20;

base::Error IoError(std::string_view doing, const fs::path& path, const std::string& why) {
  return {.code = ErrorCode::kIo,
          .message = fmt::format("cannot {} {}: {}", doing, path.string(), why)};
}

fs::path FindForReading(const std::string& path, const ActionContext& context) {
  std::error_code ignored;
  fs::path working = fs::path(context.work_dir) / path;
  if (fs::exists(fs::symlink_status(working, ignored))) return working;
  return fs::path(context.source_dir) / path;
}

/// Within the working directory, links resolved.
Result<fs::path> FindForWriting(const std::string& path, const ActionContext& context) {
  std::error_code error;
  const fs::path root = fs::canonical(context.work_dir, error);
  if (error) return base::Fail(IoError("use", context.work_dir, error.message()));
  fs::path target = fs::weakly_canonical(root / path, error);
  const fs::path relative = target.lexically_relative(root);
  if (error || relative.empty() || relative == "." || relative.begin()->string() == "..") {
    return base::Fail(base::Error{
        .code = ErrorCode::kForbidden,
        .message = fmt::format("\"{}\" is not inside the scenario's working directory", path),
        .hint = "write only below the working directory, with a relative path"});
  }
  return target;
}

Result<std::string> ReadWhole(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    return base::Fail(
        base::Error{.code = missing ? ErrorCode::kNotFound : ErrorCode::kIo,
                    .message = fmt::format("cannot read {}: {}", path.string(), error.message()),
                    .hint = "a relative path starts at the working directory or at the folder of "
                            "the scenario file"});
  }
  if (size > kLargestRead) {
    return base::Fail(base::Error{.code = ErrorCode::kTooLarge,
                                  .message = fmt::format("{} has {} bytes, expected at most {}",
                                                         path.string(), size, kLargestRead),
                                  .hint = "use checksum, `as: edf`, or exec"});
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || text.size() != size) return base::Fail(IoError("read", path, "I/O error"));
  return text;
}

Value SizeValue(uint64_t size) { return Value::Int(static_cast<int64_t>(size)); }

Result<Value> Read(const std::string& name, const Value& params, const ActionContext& context) {
  const fs::path path = FindForReading(name, context);
  const Value* format = params.Find("as");
  const std::string as = format == nullptr ? "text" : cel::ToText(*format);
  cel::MapBuilder map;
  map.Set("path", Value::String(path.string()));
  if (as == "edf") {
    std::error_code error;
    TRY(Value recording, DescribeEdf(path, context.deadline));
    map.Set("size", SizeValue(fs::file_size(path, error)));
    map.Set("edf", std::move(recording));
    return std::move(map).Build();
  }
  TRY(const std::string content, ReadWhole(path));
  map.Set("size", SizeValue(content.size()));
  if (as == "bytes") {
    map.Set("bytes", Value::Bytes(content));
  } else if (as == "avro") {
    TRY(Value file, DescribeAvro(content, path.string(), context.deadline));
    map.Set("avro", std::move(file));
  } else if (!base::IsUtf8(content)) {
    return base::Fail(base::Error{.code = ErrorCode::kInvalid,
                                  .message = fmt::format("{} is not UTF-8 text", path.string()),
                                  .hint = "read it with `as: bytes`"});
  } else if (as == "json") {
    auto json = cel::ParseJson(content);
    if (!json) return base::Fail(std::move(json).error().While("reading " + path.string()));
    map.Set("json", std::move(*json));
  } else if (as == "csv") {
    TRY(Value rows, DescribeCsv(content, path.string()));
    map.Set("rows", std::move(rows));
  } else if (as == "xml") {
    TRY(Value root, DescribeXml(content, path.string()));
    map.Set("xml", std::move(root));
    map.Set("text", Value::String(content));
  } else if (as == "text") {
    map.Set("text", Value::String(content));
  } else {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("cannot read a file as \"{}\", expected text, bytes, json, csv, xml, "
                    "avro, pdf or edf",
                    as));
  }
  return std::move(map).Build();
}

Result<Value> Exists(const std::string& name, const Value&, const ActionContext& context) {
  const fs::path path = FindForReading(name, context);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  const bool exists = fs::exists(status);
  cel::MapBuilder map;
  map.Set("path", Value::String(path.string()));
  map.Set("exists", Value::Bool(exists));
  map.Set("directory", Value::Bool(fs::is_directory(status)));
  map.Set("size",
          fs::is_regular_file(status) ? SizeValue(fs::file_size(path, error)) : Value::Int(0));
  return std::move(map).Build();
}

/// Names that match, sorted; `*`, `?` and `[...]` as in a shell, not across folders.
std::vector<std::string> Expand(const fs::path& pattern) {
  glob_t found = {};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

Result<Value> Glob(const std::string& pattern, const Value&, const ActionContext& context) {
  std::vector<std::string> paths = Expand(fs::path(context.work_dir) / pattern);
  if (paths.empty()) paths = Expand(fs::path(context.source_dir) / pattern);
  std::vector<Value> values;
  values.reserve(paths.size());
  for (const std::string& path : paths) values.push_back(Value::String(path));
  const auto count = static_cast<int64_t>(values.size());
  return Value::Object({{"paths", Value::List(std::move(values))}, {"count", Value::Int(count)}});
}

Result<Value> Checksum(const std::string& name, const Value&, const ActionContext& context) {
  const fs::path path = FindForReading(name, context);
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  if (!file || fs::is_directory(path, error)) {
    return base::Fail(base::Error{.code = ErrorCode::kNotFound,
                                  .message = fmt::format("there is no file {}", path.string())});
  }
  crypto::Sha256 hash;
  std::vector<char> piece(1 << 20);
  uint64_t size = 0;
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto got = static_cast<size_t>(file.gcount());
    hash.Update(std::string_view(piece.data(), got));
    size += got;
    if (context.deadline.HasPassed(context.clock)) {
      return base::Fail(ErrorCode::kTimeout, fmt::format("reading {} took too long", name));
    }
  }
  if (file.bad()) return base::Fail(IoError("read", path, "I/O error"));
  return Value::Object({{"path", Value::String(path.string())},
                        {"size", SizeValue(size)},
                        {"sha256", Value::String(hash.FinishHex())}});
}

Result<Value> Write(const std::string& name, const Value& params, const ActionContext& context) {
  TRY(const fs::path path, FindForWriting(name, context));
  const Value* content = params.Find("content");
  if (content == nullptr) {
    return base::Fail(ErrorCode::kInvalid, "parameter \"content\" is missing");
  }
  const std::string bytes = content->is_string() || content->is_bytes()
                                ? std::string(content->string())
                                : boost::json::serialize(cel::ToJson(*content)) + "\n";
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const Value* append = params.Find("append");
  const bool at_end = append != nullptr && append->is_true();
  std::ofstream file(path, std::ios::binary | (at_end ? std::ios::app : std::ios::trunc));
  file << bytes << std::flush;
  if (!file) return base::Fail(IoError("write", path, "no such folder, or no permission or space"));
  return Value::Object(
      {{"path", Value::String(path.string())}, {"size", SizeValue(fs::file_size(path, error))}});
}

Result<Value> Copy(const std::string& name, const Value& params, const ActionContext& context) {
  const Value* to = params.Find("to");
  if (to == nullptr) return base::Fail(ErrorCode::kInvalid, "parameter \"to\" is missing");
  const fs::path from = FindForReading(name, context);
  TRY(const fs::path path, FindForWriting(cel::ToText(*to), context));
  std::error_code error;
  if (!fs::exists(from, error)) {
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no {}", from.string()));
  }
  fs::create_directories(path.parent_path(), error);
  fs::copy(from, path, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  if (error) return base::Fail(IoError("copy to", path, error.message()));
  return Value::Object({{"path", Value::String(path.string())}});
}

Result<Value> Remove(const std::string& name, const Value&, const ActionContext& context) {
  TRY(const fs::path path, FindForWriting(name, context));
  std::error_code error;
  const auto count = fs::remove_all(path, error);
  if (error) return base::Fail(IoError("remove", path, error.message()));
  return Value::Object({{"path", Value::String(path.string())},
                        {"removed", Value::Int(static_cast<int64_t>(count))}});
}

net::Task<Result<Value>> ReadPdf(std::string name, const ActionContext& context) {
  const fs::path path = FindForReading(name, context);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    co_return base::Fail(ErrorCode::kNotFound, fmt::format("there is no file {}", path.string()));
  }
  CO_TRY(Value document, co_await DescribePdf(path, context));
  co_return Value::Object({{"path", Value::String(path.string())},
                           {"size", SizeValue(fs::file_size(path, error))},
                           {"pdf", std::move(document)}});
}

/// One way of using the action: the parameter that chooses it, and what it does.
struct Operation {
  std::string_view name;
  std::string_view doc;
  Result<Value> (*run)(const std::string& path, const Value& params, const ActionContext& context);
};

constexpr std::array kOperations = {
    Operation{"read", "File to read, see `as`.", &Read},
    Operation{"exists", "Path to look for.", &Exists},
    Operation{"glob", "Pattern with `*`, `?` and `[...]`.", &Glob},
    Operation{"checksum", "File to compute the SHA-256 of.", &Checksum},
    Operation{"write", "File to write `content` to, in the working directory.", &Write},
    Operation{"copy", "File or folder to copy to `to`, in the working directory.", &Copy},
    Operation{"remove", "File or folder to remove, in the working directory.", &Remove},
};

const Operation* FindOperation(const Value& params) {
  for (const Operation& operation : kOperations) {
    if (params.Find(operation.name) != nullptr) return &operation;
  }
  return nullptr;
}

scenario::ObjectSchema MakeParams() {
  scenario::ObjectSchema params{.name = "file", .doc = "What to do with which file."};
  scenario::OneOf operations;
  for (const Operation& operation : kOperations) {
    operations.names.emplace_back(operation.name);
    params.fields.push_back({.name = std::string(operation.name),
                             .type = Type::String(),
                             .doc = std::string(operation.doc)});
  }
  params.one_of = {std::move(operations)};
  params.fields.push_back(
      {.name = "as",
       .type = Type::Enum({"text", "bytes", "json", "csv", "xml", "avro", "pdf", "edf"}),
       .default_text = "text",
       .doc = "How `read` reads the file."});
  params.fields.push_back({.name = "content",
                           .type = Type::Any(),
                           .doc = "For `write`: text or bytes as they are, other values as JSON."});
  params.fields.push_back({.name = "append",
                           .type = Type::Bool(),
                           .default_text = "false",
                           .doc = "For `write`: add to the end of the file."});
  params.fields.push_back({.name = "to", .type = Type::String(), .doc = "For `copy`: the target."});
  return params;
}

}  // namespace

FileAction::FileAction() {
  schema_ = {.name = "file",
             .doc = "Reads, looks for, writes, copies or removes a file.",
             .shorthand = "read",
             .shorthand_doc = "the file to read as text"};
  schema_.params = MakeParams();
  schema_.outcome = {
      {.name = "path", .type = Type::String(), .doc = "The file, absolute."},
      {.name = "size", .type = Type::Int(), .doc = "Bytes."},
      {.name = "text", .type = Type::String(), .doc = "read as text or xml: the content."},
      {.name = "bytes", .type = Type::Bytes(), .doc = "read, `as: bytes`: the content."},
      {.name = "json", .type = Type::Any(), .doc = "read, `as: json`: the value."},
      {.name = "rows",
       .type = Type::List(Type::Map(Type::Any())),
       .doc = "read, `as: csv`: one map a row; columns of numbers or booleans are typed, and empty "
              "cells in them null."},
      {.name = "xml",
       .type = Type::Any(),
       .doc = "read, `as: xml`: the root {name, attributes, text, children}; `xpath(text, path)` "
              "asks for parts of it."},
      {.name = "avro",
       .type = Type::Any(),
       .doc = "read, `as: avro`: schema, codec, records of an object container file; fixed and "
              "bytes as bytes, enums as text, logical types as they are stored."},
      {.name = "pdf",
       .type = Type::Any(),
       .doc =
           "read, `as: pdf`: version, page_count, pages (texts in reading order), title, author, "
           "subject, keywords, creator, producer; needs the programs pdfinfo and pdftotext."},
      {.name = "edf",
       .type = Type::Any(),
       .doc = "read, `as: edf`: variant, patient {text, code, sex, name}, start, record_count, "
              "record_duration_s, duration_s, signals [{label, unit, rate_hz, samples, transducer, "
              "prefiltering, physical_min, physical_max, digital_min, digital_max, min, max, mean, "
              "stddev, rms, flat}] in physical units, annotations [{onset_s, duration_s, text}], "
              "gaps [{start_s, length_s}], warnings."},
      {.name = "exists", .type = Type::Bool(), .doc = "exists: something is there."},
      {.name = "directory", .type = Type::Bool(), .doc = "exists: it is a folder."},
      {.name = "paths", .type = Type::List(Type::String()), .doc = "glob: what matches, sorted."},
      {.name = "count", .type = Type::Int(), .doc = "glob: how many match."},
      {.name = "sha256", .type = Type::String(), .doc = "checksum: 64 hexadecimal digits."},
      {.name = "removed", .type = Type::Int(), .doc = "remove: files and folders; 0: none there."}};
}

std::string FileAction::Head(const Value& params) const {
  const Operation* operation = FindOperation(params);
  if (operation == nullptr) return "file";
  return fmt::format("{} {}", operation->name, cel::ToText(*params.Find(operation->name)));
}

net::Task<Outcome> FileAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  const Operation* operation = FindOperation(params);
  Result<Value> result =
      base::Fail(ErrorCode::kInvalid,
                 "a file step needs one of read, exists, glob, checksum, write, copy, remove");
  if (operation != nullptr) {
    const std::string path = cel::ToText(*params.Find(operation->name));
    const Value* as = params.Find("as");
    if (operation->run == &Read && as != nullptr && cel::ToText(*as) == "pdf") {
      result = co_await ReadPdf(path, context);
    } else {
      result = co_await net::Offload(pool_, [&] { return operation->run(path, params, context); });
    }
  }
  const base::Duration duration = context.clock.Steady() - started;
  if (!result.has_value()) {
    co_return Outcome{.disposition = Disposition::kError,
                      .value = Value::Object({}),
                      .error = std::move(result).error(),
                      .duration = duration};
  }
  co_return Outcome{
      .disposition = Disposition::kAnswered, .value = std::move(*result), .duration = duration};
}

}  // namespace assay::action
