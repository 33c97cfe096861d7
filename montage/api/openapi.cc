#include <boost/json.hpp>

#include "montage/api/operation.h"

namespace montage::api {

using boost::json::array;
using boost::json::object;

namespace {

object ProblemSchema() {
  return schema::Object({{"error", schema::Text("closed word for programs")},
                         {"message", schema::Text("for people")},
                         {"details", schema::Open(), false},
                         {"request_id", schema::Text()}});
}

object Content(std::string_view media_type, const object& body_schema) {
  object content;
  content[media_type] = object{{"schema", body_schema}};
  return content;
}

object ProblemResponse(std::string_view doc) {
  return {
      {"description", doc},
      {"content", Content("application/json", object{{"$ref", "#/components/schemas/Problem"}})}};
}

array Parameters(const Operation& operation) {
  array parameters;
  std::string_view rest = operation.path;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const size_t close = rest.find('}', open);
    parameters.push_back(object{{"name", rest.substr(open + 1, close - open - 1)},
                                {"in", "path"},
                                {"required", true},
                                {"schema", schema::Text()}});
    rest.remove_prefix(close + 1);
  }
  const auto add = [&](std::string_view place, const std::vector<QueryDoc>& docs) {
    for (const QueryDoc& one : docs) {
      parameters.push_back(object{
          {"name", one.name}, {"in", place}, {"description", one.doc}, {"schema", one.schema}});
    }
  };
  add("query", operation.query);
  add("header", operation.headers);
  return parameters;
}

object Responses(const Operation& operation) {
  object responses;
  const bool has_body = !operation.body_schema.empty();
  const auto add = [&](int status, std::string_view doc) {
    if (!operation.responses.contains(status))
      responses[std::to_string(status)] = ProblemResponse(doc);
  };
  for (const auto& [status, response] : operation.responses) {
    if (status >= 400) {
      responses[std::to_string(status)] = ProblemResponse(response.doc);
      continue;
    }
    object entry{{"description", response.doc}};
    if (!response.schema.empty()) entry["content"] = Content(response.media_type, response.schema);
    responses[std::to_string(status)] = std::move(entry);
  }
  if (has_body) {
    add(400, "The body cannot be read.");
    add(413, "The body is too large.");
    add(415, "The body is of another type.");
    add(422, "The body is not valid; details.fields says where.");
  }
  if (!operation.query.empty()) add(422, "The query is not valid.");
  if (operation.is_guarded()) {
    add(401, "No valid access token or API key was sent.");
    add(403, "The caller may not do this.");
    add(429, "The API key is over one of its limits.");
  }
  add(500, "Something went wrong on our side.");
  add(503, "A part of the service is not available; Retry-After says when to try again.");
  return responses;
}

object OperationObject(const Operation& operation) {
  object out{{"operationId", operation.id},
             {"summary", operation.summary},
             {"tags", array{operation.tag}}};
  if (array parameters = Parameters(operation); !parameters.empty())
    out["parameters"] = std::move(parameters);
  if (!operation.body_schema.empty()) {
    out["requestBody"] = object{
        {"required", true}, {"content", Content(operation.body_media_type, operation.body_schema)}};
  }
  out["responses"] = Responses(operation);
  out["security"] = array{};
  if (operation.is_guarded())
    out["security"] = array{object{{"bearer", array{}}}, object{{"api_key", array{}}}};
  if (operation.permission) out["x-permission"] = identity::ToString(*operation.permission);
  return out;
}

std::string LowerMethod(http::Method method) {
  std::string text(http::ToString(method));
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

object OpenApiDocument(std::span<const Operation> operations, std::string_view version) {
  object paths;
  for (const Operation& operation : operations) {
    auto& path = paths[operation.path];
    if (!path.is_object()) path = object();
    path.get_object()[LowerMethod(operation.method)] = OperationObject(operation);
  }
  object document{
      {"openapi", "3.1.0"},
      {"info", object{{"title", "Montage"},
                      {"version", version},
                      {"description", "Health-data platform: EEG upload, analysis and results."}}},
      {"paths", std::move(paths)}};
  document["components"] = object{
      {"schemas", object{{"Problem", ProblemSchema()}}},
      {"securitySchemes",
       object{{"bearer", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}},
              {"api_key", object{{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}}}};
  return document;
}

namespace schema {

object Text(std::string_view doc) {
  object out{{"type", "string"}};
  if (!doc.empty()) out["description"] = doc;
  return out;
}

object Word(std::vector<std::string> words) {
  return {{"type", "string"}, {"enum", array(words.begin(), words.end())}};
}

object Integer(std::optional<int64_t> minimum, std::optional<int64_t> maximum) {
  object out{{"type", "integer"}};
  if (minimum) out["minimum"] = *minimum;
  if (maximum) out["maximum"] = *maximum;
  return out;
}

object Number(std::optional<double> minimum, std::optional<double> maximum) {
  object out{{"type", "number"}};
  if (minimum) out["minimum"] = *minimum;
  if (maximum) out["maximum"] = *maximum;
  return out;
}

object Boolean() { return {{"type", "boolean"}}; }

object Time() { return {{"type", "string"}, {"format", "date-time"}}; }

object List(object element) { return {{"type", "array"}, {"items", std::move(element)}}; }

object Nullable(object type) {
  return {{"anyOf", array{std::move(type), object{{"type", "null"}}}}};
}

object Open(std::string_view doc) {
  object out{{"type", "object"}};
  if (!doc.empty()) out["description"] = doc;
  return out;
}

object Object(std::vector<Member> members) {
  object properties;
  array required;
  for (Member& member : members) {
    if (member.required) required.push_back(boost::json::string(member.name));
    properties[member.name] = std::move(member.type);
  }
  object out{
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

}  // namespace schema

}  // namespace montage::api
