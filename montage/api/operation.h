#pragma once
// One operation of the API: what it is, who may call it, what it takes and answers. The router, the
// guard and the OpenAPI document are all made from these, so that they cannot disagree.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/http/message.h"
#include "montage/identity/roles.h"

namespace montage::api {

struct ResponseDoc {
  std::string doc;
  boost::json::object schema = {};  ///< JSON Schema of the body; empty: no JSON body
  std::string media_type = "application/json";
};

/// A parameter of the query, or a header.
struct QueryDoc {
  std::string name;
  std::string doc;
  boost::json::object schema;
};

struct Operation {
  http::Method method = http::Method::kGet;
  std::string path;
  std::string id;
  std::string tag;
  std::string summary;
  /// Absent: open to everybody.
  std::optional<identity::Permission> permission = {};
  /// Without a permission: anybody who is known may call it.
  bool signed_in = false;
  /// Closed word for the audit trail; "" when a call changes nothing and is only recorded when it
  /// is refused.
  std::string audit_action = {};
  std::vector<QueryDoc> query = {};
  std::vector<QueryDoc> headers = {};  ///< of the request, besides those of every operation
  boost::json::object body_schema = {};
  std::string body_media_type = "application/json";
  std::map<int, ResponseDoc> responses = {};
  bool streams_body = false;
  std::optional<uint64_t> max_body = {};

  /// Needs a token or an API key.
  bool is_guarded() const { return permission.has_value() || signed_in; }
};

/// OpenAPI 3.1. Every guarded operation also documents 401, 403 and 429, every one with a body 400,
/// 413, 415 and 422, every one with a query 422.
boost::json::object OpenApiDocument(std::span<const Operation> operations,
                                    std::string_view version);

/// Shorthands for schemas.
namespace schema {
boost::json::object Text(std::string_view doc = "");
boost::json::object Word(std::vector<std::string> words);
boost::json::object Integer(std::optional<int64_t> minimum = {},
                            std::optional<int64_t> maximum = {});
boost::json::object Number(std::optional<double> minimum = {}, std::optional<double> maximum = {});
boost::json::object Boolean();
boost::json::object Time();
boost::json::object List(boost::json::object element);
boost::json::object Nullable(boost::json::object type);
/// Any JSON object.
boost::json::object Open(std::string_view doc = "");
struct Member {
  std::string name;
  boost::json::object type;
  bool required = true;
};
/// No other members are allowed.
boost::json::object Object(std::vector<Member> members);
}  // namespace schema

}  // namespace montage::api
