#include "assay/action/s3/s3_schema.h"

#include <array>

#include "assay/action/s3/s3_operations.h"

namespace assay::action {
namespace {

using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

constexpr std::array kOperations = {
    S3Operation{"put", "Key to store `body`, `json` or `file` under, in one request.", &S3Put},
    S3Operation{"get", "Key of the object to read.", &S3Get},
    S3Operation{"head", "Key of the object to describe.", &S3Head},
    S3Operation{"list", "Prefix of the keys to list, \"\" for all; follows pages up to `limit`.",
                &S3List},
    S3Operation{"delete",
                "Key to delete, with `version` one version; a list of keys or {key, version} is "
                "deleted with one request a thousand.",
                &S3Delete},
    S3Operation{"copy", "Key to copy to the key `to`, within the service.", &S3Copy},
    S3Operation{"multipart",
                "Key to store `body`, `json` or `file` under, in parts of `part_size`; an upload "
                "that fails is given up.",
                &S3Multipart},
    S3Operation{"presign", "Key of an object to make a signed URL for.", &S3Presign},
    S3Operation{"versions",
                "Prefix of the keys whose versions are listed, \"\" for all; follows pages up to "
                "`limit`.",
                &S3Versions},
    S3Operation{"create_bucket", "Name of a bucket to make.", &S3CreateBucket},
    S3Operation{"delete_bucket", "Name of a bucket to delete.", &S3DeleteBucket},
};

ObjectSchema AuthTable() {
  return {.name = "auth",
          .doc = "The key that requests are signed with (Signature Version 4).",
          .fields = {{.name = "access_key",
                      .type = Type::String(),
                      .doc = "Key id; \"\" sends requests without a signature."},
                     {.name = "secret_key", .type = Type::String(), .doc = "Secret."},
                     {.name = "session_token",
                      .type = Type::String(),
                      .doc = "Token of temporary credentials."},
                     {.name = "region",
                      .type = Type::String(),
                      .default_text = "us-east-1",
                      .doc = "Region."}}};
}

ObjectSchema TlsTable() {
  return {.name = "tls",
          .doc = "How the server's certificate is checked.",
          .fields = {{.name = "ca",
                      .type = Type::String(),
                      .doc = "PEM file of trusted certificates; absent: the system's."},
                     {.name = "insecure",
                      .type = Type::Bool(),
                      .default_text = "false",
                      .doc = "Takes any certificate."}}};
}

std::vector<Field> ServiceFields() {
  return {{.name = "endpoint",
           .type = Type::String(),
           .required = true,
           .doc = "Name of an endpoint, or a URL: `http://KEY:SECRET@host:port`, with "
                  "`?region=NAME` and `?addressing=virtual-host` where needed."},
          {.name = "auth",
           .type = Type::Object(AuthTable()),
           .doc = "The key, instead of the one in the URL."},
          {.name = "tls",
           .type = Type::Object(TlsTable()),
           .doc = "How the server's certificate is checked."},
          {.name = "addressing",
           .type = Type::Enum({"path", "virtual-host"}),
           .default_text = "path",
           .doc = "Whether the bucket is named in the path or in the host."},
          {.name = "bucket",
           .type = Type::String(),
           .doc = "The bucket, for all but create_bucket and delete_bucket."}};
}

Type DeletionType() {
  const ObjectSchema version{
      .name = "version",
      .doc = "A version of an object.",
      .fields = {{.name = "key", .type = Type::String(), .required = true, .doc = "Key."},
                 {.name = "version", .type = Type::String(), .doc = "Absent: the current one."}}};
  return Type::AnyOf(
      {Type::String(), Type::List(Type::AnyOf({Type::Object(version), Type::String()}))});
}

std::vector<Field> ContentFields() {
  const Type values = Type::Map(Type::Any());
  return {{.name = "body", .type = Type::Any(), .doc = "put, multipart: text or bytes."},
          {.name = "json", .type = Type::Any(), .doc = "put, multipart: a value, stored as JSON."},
          {.name = "file",
           .type = Type::String(),
           .doc = "put, multipart: a file of the working directory or beside the scenario."},
          {.name = "content_type",
           .type = Type::String(),
           .default_text = "application/octet-stream",
           .doc = "put, multipart, copy: media type; for `json` it is application/json."},
          {.name = "metadata",
           .type = values,
           .doc = "put, multipart, copy: user metadata by name; a copy then has these instead of "
                  "its source's."},
          {.name = "headers", .type = values, .doc = "put, multipart: further header fields."},
          {.name = "checksum",
           .type = Type::Enum({"none", "md5", "sha256"}),
           .default_text = "none",
           .doc = "put: what the server compares besides the signed payload: Content-MD5 or "
                  "x-amz-checksum-sha256."},
          {.name = "if_absent",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "put, multipart: refused with PreconditionFailed when the key exists."},
          {.name = "part_size",
           .type = Type::Size(),
           .default_text = "8MiB",
           .doc = "multipart: bytes of a part; services take 5 MiB or more."}};
}

std::vector<Field> OtherFields() {
  return {
      {.name = "version",
       .type = Type::String(),
       .doc = "get, head, delete, copy, presign: a version; absent: the current one."},
      {.name = "range",
       .type = Type::String(),
       .doc = "get: bytes `0-99`, `100-` or the last `-5`."},
      {.name = "if_match", .type = Type::String(), .doc = "get: only with this ETag, else 412."},
      {.name = "if_none_match",
       .type = Type::String(),
       .doc = "get: only with another ETag, else 304."},
      {.name = "download_to",
       .type = Type::String(),
       .doc = "get: file in the working directory, there only when complete."},
      {.name = "max_size",
       .type = Type::Size(),
       .default_text = "256MiB",
       .doc = "get: largest content that is taken."},
      {.name = "delimiter",
       .type = Type::String(),
       .doc = "list, versions: cuts keys behind it into `prefixes`."},
      {.name = "after", .type = Type::String(), .doc = "list: only keys behind this one."},
      {.name = "limit",
       .type = Type::Int(),
       .default_text = "1000",
       .doc = "list, versions: most entries."},
      {.name = "to", .type = Type::String(), .doc = "copy: the target's key."},
      {.name = "to_bucket",
       .type = Type::String(),
       .doc = "copy: the target's bucket; absent: the same."},
      {.name = "method",
       .type = Type::Enum({"GET", "PUT", "HEAD", "DELETE"}),
       .default_text = "GET",
       .doc = "presign: what the URL allows."},
      {.name = "valid",
       .type = Type::Duration(),
       .default_text = "15m",
       .doc = "presign: how long, up to 7 days."},
      {.name = "versioning",
       .type = Type::Bool(),
       .doc = "create_bucket: keeps versions, or stops keeping them; also for a bucket that is "
              "there."},
      {.name = "empty",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "delete_bucket: deletes all its objects and versions first."}};
}

Type RecordsOf(const char* name, const char* doc, std::vector<Field> fields) {
  return Type::List(
      Type::Object(ObjectSchema{.name = name, .doc = doc, .fields = std::move(fields)}));
}

std::vector<Field> AnswerOutcome() {
  return {
      {.name = "status", .type = Type::Int(), .doc = "HTTP status of the last request."},
      {.name = "error_code",
       .type = Type::String(),
       .doc = "`NoSuchKey`, `AccessDenied`, `SignatureDoesNotMatch`...; for `head`, whose "
              "answer has no body, the status in words such as `NotFound`; empty: accepted."},
      {.name = "error_message", .type = Type::String(), .doc = "What the service says to it."},
      {.name = "request_id", .type = Type::String(), .doc = "The service's name of the request."}};
}

std::vector<Field> ObjectOutcome() {
  return {
      {.name = "etag",
       .type = Type::String(),
       .doc = "put, get, head, copy, multipart: ETag without quotes."},
      {.name = "version",
       .type = Type::String(),
       .doc = "put, get, head, copy, multipart, delete: version; empty: none are kept."},
      {.name = "size",
       .type = Type::Int(),
       .doc = "put, get, head, multipart: bytes of the whole object."},
      {.name = "content_type", .type = Type::String(), .doc = "get, head: media type."},
      {.name = "modified", .type = Type::Timestamp(), .doc = "get, head: time of the last put."},
      {.name = "metadata",
       .type = Type::Map(Type::String()),
       .doc = "get, head: user metadata, names in lower case."},
      {.name = "length", .type = Type::Int(), .doc = "get: bytes received."},
      {.name = "text", .type = Type::String(), .doc = "get: content, empty when it is no UTF-8."},
      {.name = "bytes", .type = Type::Bytes(), .doc = "get: content as it is."},
      {.name = "json", .type = Type::Any(), .doc = "get: the value of a JSON object, else null."},
      {.name = "json_error",
       .type = Type::String(),
       .doc = "get: why content that claims to be JSON is none; else empty."},
      {.name = "sha256", .type = Type::String(), .doc = "get: digest of what was received."},
      {.name = "path", .type = Type::String(), .doc = "get: the file of `download_to`."},
      {.name = "parts", .type = Type::Int(), .doc = "multipart: how many were sent."},
      {.name = "upload_id", .type = Type::String(), .doc = "multipart: id of the upload."},
      {.name = "url", .type = Type::String(), .doc = "presign: the signed URL."}};
}

std::vector<Field> ListOutcome() {
  const Field key{.name = "key", .type = Type::String(), .doc = "Key."};
  const Field version{.name = "version", .type = Type::String(), .doc = "Version."};
  const Field size{.name = "size", .type = Type::Int(), .doc = "Bytes."};
  const Field etag{.name = "etag", .type = Type::String(), .doc = "ETag."};
  const Field modified{.name = "modified", .type = Type::Timestamp(), .doc = "Time of the put."};
  return {
      {.name = "keys", .type = Type::List(Type::String()), .doc = "list: keys in byte order."},
      {.name = "objects",
       .type = RecordsOf("object", "A listed object.", {key, size, etag, modified}),
       .doc = "list: the same with size, ETag and time."},
      {.name = "prefixes",
       .type = Type::List(Type::String()),
       .doc = "list, versions: keys cut behind the delimiter."},
      {.name = "more", .type = Type::Bool(), .doc = "list, versions: there are more than `limit`."},
      {.name = "versions",
       .type =
           RecordsOf("version", "A listed version.",
                     {key,
                      version,
                      {.name = "latest", .type = Type::Bool(), .doc = "The current one."},
                      {.name = "delete_marker", .type = Type::Bool(), .doc = "Marks a deletion."},
                      size,
                      etag,
                      modified}),
       .doc = "versions: by key, the newest first."},
      {.name = "deleted", .type = Type::List(Type::String()), .doc = "delete: keys."},
      {.name = "delete_marker",
       .type = Type::Bool(),
       .doc = "delete of one key: a marker was made or removed."},
      {.name = "failed",
       .type =
           RecordsOf("failure", "An object that was not deleted.",
                     {key,
                      version,
                      {.name = "error_code", .type = Type::String(), .doc = "Why."},
                      {.name = "error_message", .type = Type::String(), .doc = "Why, in words."}}),
       .doc = "delete of a list: what could not be deleted."}};
}

}  // namespace

std::span<const S3Operation> S3Operations() { return kOperations; }

const S3Operation* FindS3Operation(const cel::Value& params) {
  for (const S3Operation& operation : kOperations) {
    if (params.Find(operation.name) != nullptr) return &operation;
  }
  return nullptr;
}

scenario::ActionSchema S3Schema() {
  scenario::ActionSchema schema{.name = "s3",
                                .doc = "Stores, reads, lists or deletes objects of an S3 service.",
                                .shorthand = "endpoint",
                                .shorthand_doc = "name of an endpoint"};
  schema.params = {.name = "s3", .doc = "What to do with which object.", .fields = ServiceFields()};
  scenario::OneOf operations;
  for (const S3Operation& operation : kOperations) {
    operations.names.emplace_back(operation.name);
    schema.params.fields.push_back(
        {.name = std::string(operation.name),
         .type = operation.run == &S3Delete ? DeletionType() : Type::String(),
         .doc = std::string(operation.doc)});
  }
  schema.params.one_of = {std::move(operations),
                          {.names = {"body", "json", "file"}, .required = false}};
  for (auto fields : {ContentFields(), OtherFields()}) {
    for (Field& field : fields) schema.params.fields.push_back(std::move(field));
  }
  for (auto fields : {AnswerOutcome(), ObjectOutcome(), ListOutcome()}) {
    for (Field& field : fields) schema.outcome.push_back(std::move(field));
  }
  return schema;
}

}  // namespace assay::action
