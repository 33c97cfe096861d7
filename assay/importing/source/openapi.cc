#include "assay/importing/source/openapi.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/scenario_writer.h"
#include "assay/importing/slot.h"
#include "assay/importing/source/json_reader.h"
#include "assay/importing/source/openapi_schema.h"
#include "assay/scenario/yaml/node.h"
#include "lib/http/media.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

using base::ErrorCode;
using boost::json::object;
using boost::json::value;

constexpr std::array<std::string_view, 7> kMethods = {"get",     "put",  "post", "delete",
                                                      "options", "head", "patch"};

value ToJson(const scenario::yaml::Node& node) {
  using scenario::yaml::NodeKind;
  switch (node.kind()) {
    case NodeKind::kNull:
      return nullptr;
    case NodeKind::kBool:
      return node.as_bool();
    case NodeKind::kInt:
      return node.as_int();
    case NodeKind::kDouble:
      return node.as_double();
    case NodeKind::kString:
      return value(node.text());
    case NodeKind::kSequence: {
      boost::json::array out;
      for (const auto& item : node.items()) out.push_back(ToJson(*item));
      return out;
    }
    case NodeKind::kMap: {
      object out;
      for (const auto& entry : node.entries()) out[entry.key] = ToJson(*entry.value);
      return out;
    }
  }
  return nullptr;
}

base::Result<value> ReadDocument(const std::shared_ptr<const base::SourceText>& source) {
  const std::string& text = source->text();
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string::npos && text[start] == '{') return json::Parse(text);
  const auto document =
      scenario::yaml::Parse(source, {.bytes = size_t{32} << 20, .depth = 200, .nodes = 2'000'000});
  if (!document.problems.empty()) return base::Fail(document.problems.front());
  if (document.root == nullptr) return base::Fail(ErrorCode::kInvalid, "the file is empty");
  return ToJson(*document.root);
}

struct Operation {
  std::string method;  ///< upper case
  std::string path;
  size_t number = 0;            ///< position in the document
  const value* item = nullptr;  ///< of the path
  const value* operation = nullptr;

  std::string Place() const { return fmt::format("{} {}", method, path); }
  /// `/users/{id}/notes` -> 1 parameter
  auto ParameterCount() const { return std::ranges::count(path, '{'); }
};

/// Created before read, read before changed, removed last; short paths first.
int Rank(const Operation& one) {
  if (one.method == "POST") return one.ParameterCount() == 0 ? 0 : 2;
  if (one.method == "GET" || one.method == "HEAD" || one.method == "OPTIONS") return 1;
  return one.method == "DELETE" ? 4 : 3;
}

class DocumentReader {
 public:
  DocumentReader(const value& root, Draft& draft, const ImportOptions& options)
      : root_(root),
        draft_(draft),
        options_(options),
        schemas_(root, [this](std::string_view problem) {
          draft_.notes.push_back({place_, std::string(problem)});
        }) {}

  base::Result<void> Run() {
    const std::string version = TextOf(root_, "openapi");
    if (version.empty() && !TextOf(root_, "swagger").empty()) {
      return base::Fail(
          base::Error{.code = ErrorCode::kUnsupported,
                      .message = fmt::format("this is Swagger {}, expected OpenAPI 3.0 or 3.1",
                                             TextOf(root_, "swagger")),
                      .hint = "convert it first, for example with the Swagger editor"});
    }
    if (!version.starts_with("3.")) {
      return base::Fail(
          ErrorCode::kInvalid,
          version.empty()
              ? "this is no OpenAPI document: expected a member \"openapi\" such as 3.1.0"
              : fmt::format("version \"{}\" is not supported, expected 3.0 or 3.1", version));
    }
    ReadOperations();
    if (groups_.empty())
      return base::Fail(ErrorCode::kInvalid,
                        "the document describes no operation: expected methods below \"paths\"");
    origin_ = Server();
    draft_.endpoints.push_back({"api", origin_});
    if (Member(root_, "webhooks") != nullptr)
      draft_.notes.push_back({"webhooks", "are left out: they are requests of the system"});
    ScenarioWriter writer(draft_);
    writer_ = &writer;
    for (const std::string& group : order_) WriteGroup(group);
    return {};
  }

 private:
  void Note(std::string text) { draft_.notes.push_back({place_, std::move(text)}); }

  void ReadOperations() {
    const value* paths = Member(root_, "paths");
    if (paths == nullptr || !paths->is_object()) return;
    for (const auto& [path, described] : paths->get_object()) {
      place_ = std::string(path);
      const value* item = schemas_.Resolve(&described);
      for (const std::string_view method : kMethods) {
        const value* operation = Member(item, method);
        if (operation == nullptr) continue;
        Operation one{.path = CleanText(std::string(path)),
                      .number = ++operations_,
                      .item = item,
                      .operation = operation};
        for (const char c : method)
          one.method += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        const auto& tags = ListOf(*operation, "tags");
        std::string group = tags.empty() ? ResourceOf(path) : TextOf(&tags.front());
        if (options_.grouping == Grouping::kOperation) group = NameOf(one);
        if (!groups_.contains(group)) order_.push_back(group);
        groups_[group].push_back(std::move(one));
      }
      if (Member(item, "trace") != nullptr) Note("the method TRACE is left out");
    }
  }

  static std::string NameOf(const Operation& one) {
    const std::string id = TextOf(*one.operation, "operationId");
    return id.empty() ? fmt::format("{} {}", one.method, one.path) : id;
  }

  // The first server, with the defaults of its variables; without the address the document is of no
  // use.
  std::string Server() {
    const auto& servers = ListOf(root_, "servers");
    std::string url = servers.empty() ? std::string() : TextOf(servers.front(), "url");
    if (const value* variables = servers.empty() ? nullptr : Member(servers.front(), "variables");
        variables != nullptr && variables->is_object()) {
      for (const auto& [name, variable] : variables->get_object()) {
        const std::string mark = fmt::format("{{{}}}", std::string_view(name));
        for (size_t at = 0; (at = url.find(mark)) != std::string::npos;)
          url.replace(at, mark.size(), TextOf(variable, "default"));
      }
    }
    if (servers.size() > 1)
      draft_.notes.push_back({"servers", fmt::format("the first one is the endpoint: {}", url)});
    while (url.ends_with('/')) url.pop_back();
    if (!options_.url.empty()) return options_.url;
    if (url.starts_with("http://") || url.starts_with("https://")) return url;
    draft_.notes.push_back(
        {"servers",
         fmt::format("\"{}\" is no whole address: the endpoint is http://localhost:8080{}", url,
                     url)});
    return "http://localhost:8080" + (url.starts_with('/') || url.empty() ? url : "/" + url);
  }

  void WriteGroup(const std::string& group) {
    std::vector<Operation>& operations = groups_[group];
    std::ranges::sort(operations, {}, [](const Operation& one) {
      return std::tuple(Rank(one), Rank(one) == 4 ? -one.ParameterCount() : one.ParameterCount(),
                        one.number);
    });
    created_.clear();
    Outline outline;
    outline.file = ToSlug(group);
    outline.id = ScenarioId(options_.name, group);
    outline.title = options_.grouping == Grouping::kOperation
                        ? TitleOf(operations.front())
                        : fmt::format("Operations of {}", group);
    outline.description = TagDescription(group);
    for (const Operation& one : operations) outline.exchanges.push_back(Read(one));
    for (size_t i = 0; i < outline.exchanges.size(); ++i) {
      for (const auto& [name, created] : created_) {
        if (created.index == i && created.used)
          outline.exchanges[i].save.emplace_back(name, created.expression);
      }
    }
    writer_->Write(std::move(outline));
  }

  static std::string TitleOf(const Operation& one) {
    const std::string summary = TextOf(*one.operation, "summary");
    return summary.empty() ? NameOf(one) : summary;
  }

  std::string TagDescription(const std::string& group) const {
    for (const value& tag : ListOf(root_, "tags")) {
      if (TextOf(tag, "name") == group) return TextOf(tag, "description");
    }
    return {};
  }

  Exchange Read(const Operation& one) {
    place_ = one.Place();
    Exchange out;
    out.place = place_;
    out.name = TitleOf(one);
    out.method = one.method;
    out.origin = origin_;
    out.path = one.path;
    if (IsTrue(*one.operation, "deprecated")) out.comments.emplace_back("deprecated");
    if (Member(*one.operation, "callbacks") != nullptr) Note("callbacks are left out");
    ReadParameters(one, out);
    ReadBody(one, out);
    ReadSecurity(one, out);
    ReadAnswers(one, out);
    return out;
  }

  void ReadParameters(const Operation& one, Exchange& out) {
    std::map<std::pair<std::string, std::string>, const value*> parameters;
    std::vector<std::pair<std::string, std::string>> order;
    for (const value* owner : {one.item, one.operation}) {
      for (const value& described : ListOf(*owner, "parameters")) {
        const value* parameter = schemas_.Resolve(&described);
        if (parameter == nullptr) continue;
        const std::pair key(TextOf(*parameter, "in"), TextOf(*parameter, "name"));
        if (!parameters.contains(key)) order.push_back(key);
        parameters[key] = parameter;  // an operation's own replaces the path's
      }
    }
    for (const auto& key : order) AddParameter(key.first, key.second, *parameters[key], out);
    // Parameters that the path names and nobody describes.
    for (size_t open = 0; (open = out.path.find('{')) != std::string::npos;) {
      const size_t close = out.path.find('}', open);
      if (close == std::string::npos) break;
      const std::string name = out.path.substr(open + 1, close - open - 1);
      Note(fmt::format("the path parameter \"{}\" is not described", name));
      out.path.replace(open, close + 1 - open, PathValue(name, out.path, nullptr));
    }
  }

  value ParameterValue(const value& parameter, const std::string& name) {
    if (const value* example = Member(parameter, "example")) return *example;
    if (const value* examples = Member(parameter, "examples");
        examples != nullptr && examples->is_object() && !examples->get_object().empty()) {
      const value* first = schemas_.Resolve(&examples->get_object().begin()->value());
      if (const value* found = Member(first, "value")) return *found;
    }
    const value* schema = Member(parameter, "schema");
    if (schema == nullptr) {
      const value* content = Member(parameter, "content");
      if (content != nullptr && content->is_object() && !content->get_object().empty())
        schema = Member(content->get_object().begin()->value(), "schema");
    }
    return schema == nullptr ? value("text") : schemas_.Example(*schema, name);
  }

  static std::string FieldText(const value& one) {
    if (one.is_string()) return std::string(one.get_string());
    if (one.is_array()) {
      std::string out;
      for (const value& item : one.get_array()) out += (out.empty() ? "" : ",") + FieldText(item);
      return out;
    }
    return one.is_null() ? std::string() : boost::json::serialize(one);
  }

  void AddParameter(const std::string& in, const std::string& name, const value& parameter,
                    Exchange& out) {
    const bool required = IsTrue(parameter, "required") || in == "path";
    const bool has_example =
        Member(parameter, "example") != nullptr || Member(parameter, "examples") != nullptr;
    if (!required && !has_example) return;
    if (in == "path") {
      const std::string mark = fmt::format("{{{}}}", name);
      const size_t at = out.path.find(mark);
      if (at == std::string::npos) {
        Note(fmt::format("the path does not name its parameter \"{}\"", name));
        return;
      }
      out.path.replace(at, mark.size(), PathValue(name, out.path.substr(0, at), &parameter));
      return;
    }
    const value example = ParameterValue(parameter, name);
    if (in == "query") {
      AddQuery(name, example, parameter, out);
    } else if (in == "header") {
      const bool described_elsewhere = http::EqualsIgnoringCase(name, "Accept") ||
                                       http::EqualsIgnoringCase(name, "Content-Type") ||
                                       http::EqualsIgnoringCase(name, "Authorization");
      if (!described_elsewhere && http::IsFieldName(name))
        out.headers.Add(name, FieldText(example));
    } else if (in == "cookie") {
      out.headers.Add("Cookie", fmt::format("{}={}", name, FieldText(example)));
    } else {
      Note(fmt::format("the parameter \"{}\" is in \"{}\", expected path, query, header or cookie",
                       name, in));
    }
  }

  static void AddQuery(const std::string& name, const value& example, const value& parameter,
                       Exchange& out) {
    const value* explode = Member(parameter, "explode");
    const bool apart = explode == nullptr || !explode->is_bool() || explode->get_bool();
    if (example.is_array() && apart) {
      for (const value& one : example.get_array()) out.query.push_back({name, FieldText(one)});
    } else if (example.is_object()) {
      const bool deep = TextOf(parameter, "style") == "deepObject";
      for (const auto& [key, one] : example.get_object()) {
        out.query.push_back(
            {deep ? fmt::format("{}[{}]", name, std::string_view(key)) : std::string(key),
             FieldText(one)});
      }
    } else {
      out.query.push_back({name, FieldText(example)});
    }
  }

  // What an earlier step created, or an example.
  std::string PathValue(const std::string& name, std::string_view before, const value* parameter) {
    const std::string resource = ResourceOf(before);
    for (const std::string& wish : {ToIdentifier(name), resource + "_" + ToIdentifier(name)}) {
      const auto found = created_.find(wish);
      if (found == created_.end()) continue;
      found->second.used = true;
      return Slot("vars." + wish);
    }
    if (parameter == nullptr) return "1";
    std::string text = FieldText(ParameterValue(*parameter, name));
    if (text.empty()) text = "1";
    return MapLiterals(text, [](std::string_view part) { return http::PercentEncode(part); });
  }

  void ReadBody(const Operation& one, Exchange& out) {
    const value* body = schemas_.Resolve(Member(*one.operation, "requestBody"));
    const value* content = Member(body, "content");
    if (content == nullptr || !content->is_object() || content->get_object().empty()) return;
    std::string type;
    for (const auto& [name, described] : content->get_object()) {
      const auto media = http::ParseMediaType(name);
      if (type.empty() || (media && media->IsJson())) type = name;
      if (media && media->IsJson()) break;
    }
    const value& described = content->get_object().at(type);
    value example = BodyExample(described);
    const auto media = http::ParseMediaType(type);
    if (media && media->IsJson()) {
      out.headers.Set("Content-Type", type);
      out.content = boost::json::serialize(example);
    } else if (media && media->Essence() == "application/x-www-form-urlencoded" &&
               example.is_object()) {
      Pairs form;
      for (const auto& [name, one_value] : example.get_object())
        form.emplace_back(std::string(name), FieldText(one_value));
      out.content = std::move(form);
    } else if (media && media->Essence() == "multipart/form-data" && example.is_object()) {
      out.content = Parts(example.get_object(), schemas_.Resolve(Member(described, "schema")));
    } else {
      out.headers.Set("Content-Type", type.contains('*') ? "application/octet-stream" : type);
      out.content = example.is_string() ? std::string(example.get_string()) : std::string("text");
      Note(fmt::format("the body of type {} is a placeholder", type));
    }
  }

  std::vector<Part> Parts(const object& example, const value* schema) {
    std::vector<Part> parts;
    for (const auto& [name, one] : example) {
      Part part{.name = std::string(name), .text = FieldText(one)};
      const value* property = schemas_.Resolve(Member(Member(schema, "properties"), name));
      const bool file = TextOf(Member(property, "format")) == "binary" ||
                        Member(property, "contentMediaType") != nullptr;
      if (file) {
        part.filename = part.name + ".bin";
        part.content_type = "application/octet-stream";
        Note(fmt::format("the file \"{}\" of the body is a placeholder", part.name));
      }
      parts.push_back(std::move(part));
    }
    return parts;
  }

  value BodyExample(const value& described) {
    if (const value* example = Member(described, "example")) return *example;
    if (const value* examples = Member(described, "examples");
        examples != nullptr && examples->is_object() && !examples->get_object().empty()) {
      const value* first = schemas_.Resolve(&examples->get_object().begin()->value());
      if (const value* found = Member(first, "value")) return *found;
    }
    const value* schema = Member(described, "schema");
    return schema == nullptr ? value(object()) : schemas_.Example(*schema);
  }

  // Any one of the alternatives is enough; all schemes of one alternative are needed.
  void ReadSecurity(const Operation& one, Exchange& out) {
    const value* security = Member(*one.operation, "security");
    if (security == nullptr) security = Member(root_, "security");
    const auto& choices = ListOf(security);
    const bool open = choices.empty() || std::ranges::any_of(choices, [](const value& c) {
                        return c.is_object() && c.get_object().empty();
                      });
    if (open || !choices.front().is_object()) return;
    const value* schemes = Member(Member(root_, "components"), "securitySchemes");
    for (const auto& [name, scopes] : choices.front().get_object()) {
      const value* scheme = schemas_.Resolve(Member(schemes, name));
      if (scheme == nullptr) {
        Note(fmt::format("the security scheme \"{}\" is not described", std::string_view(name)));
        continue;
      }
      AddScheme(std::string(name), *scheme, out);
    }
  }

  void AddScheme(const std::string& name, const value& scheme, Exchange& out) {
    const std::string type = TextOf(scheme, "type");
    std::string kind = TextOf(scheme, "scheme");
    std::ranges::transform(kind, kind.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Secrets& secrets = writer_->secrets();
    if (type == "http" && (kind == "basic" || kind == "digest")) {
      out.auth = Credentials{
          kind,
          {{"user", secrets.Take(name + "_user")}, {"password", secrets.Take(name + "_password")}}};
    } else if (type == "http" || type == "oauth2" || type == "openIdConnect") {
      if (type == "http" && kind != "bearer")
        Note(fmt::format("the scheme \"{}\" is sent as a bearer token", kind));
      out.auth = Credentials{"bearer", {{"token", secrets.Take(name)}}};
      if (type != "http" && noted_.insert(name).second) {
        draft_.notes.push_back(
            {fmt::format("securitySchemes.{}", name),
             "its access token is a credential: get one and export it, or get it in a step"});
      }
    } else if (type == "apiKey") {
      const std::string field = TextOf(scheme, "name");
      const std::string in = TextOf(scheme, "in");
      if (in == "query") {
        out.query.push_back({field, secrets.Take(name)});
      } else if (in == "cookie") {
        out.headers.Add("Cookie", fmt::format("{}={}", field, secrets.Take(name)));
      } else if (!out.auth) {
        out.auth = Credentials{"api_key", {{"header", field}, {"value", secrets.Take(name)}}};
      } else {
        out.headers.Add(field, secrets.Take(name));
      }
    } else {
      Note(fmt::format("the security scheme \"{}\" of type \"{}\" has no translation", name, type));
    }
  }

  void ReadAnswers(const Operation& one, Exchange& out) {
    const value* answers = Member(*one.operation, "responses");
    std::string status;
    if (answers != nullptr && answers->is_object()) {
      for (const auto& [code, described] : answers->get_object()) {
        if (code.starts_with('2') && (status.empty() || std::string_view(code) < status))
          status = code;
      }
      if (status.empty() && answers->get_object().contains("default")) status = "default";
      if (status.empty() && !answers->get_object().empty())
        status = answers->get_object().begin()->key();
    }
    if (status.size() == 3 &&
        std::ranges::all_of(status, [](unsigned char c) { return std::isdigit(c) != 0; })) {
      out.expect.push_back("status == " + status);
    } else if (status.size() == 3 && (status.ends_with("XX") || status.ends_with("xx"))) {
      out.expect.push_back(
          fmt::format("status >= {}00 && status < {}00", status[0] - '0', status[0] - '0' + 1));
    } else {
      out.expect.emplace_back("status < 400");
    }
    const value* answer = status.empty() ? nullptr : schemas_.Resolve(Member(answers, status));
    const value* content = Member(answer, "content");
    if (content == nullptr || !content->is_object() || one.method == "HEAD") return;
    for (const auto& [type, described] : content->get_object()) {
      const auto media = http::ParseMediaType(type);
      const value* schema = Member(described, "schema");
      if (!media || !media->IsJson() || schema == nullptr) continue;
      const std::string file = writer_->SchemaFile(fmt::format("{}-{}", NameOf(one), status),
                                                   schemas_.ForAnswer(*schema));
      out.expect.push_back(fmt::format("matches_schema(body, {})", CelString(file)));
      RememberCreated(one, *schema);
      break;
    }
  }

  // The id of what a POST creates fills the parameters of later paths.
  void RememberCreated(const Operation& one, const value& schema) {
    if (one.method != "POST") return;
    const value* resolved = schemas_.Resolve(&schema);
    std::vector<const value*> parts{resolved};
    for (const value& part : ListOf(Member(resolved, "allOf")))
      parts.push_back(schemas_.Resolve(&part));
    const std::string resource = ResourceOf(one.path);
    const size_t index = CountCreatedIndex(one);
    for (const value* part : parts) {
      const value* properties = Member(part, "properties");
      if (properties == nullptr || !properties->is_object()) continue;
      for (const auto& [name, ignored] : properties->get_object()) {
        if (!IsIdentifierKey(name)) continue;
        const std::string key = ToIdentifier(name);
        const bool plain = key == "id" || key == "uuid" || key == "key" || key == "code" ||
                           key == "slug" || key == "token";
        created_.try_emplace(plain ? resource + "_" + key : key,
                             Created{index, CelMember("body", name), false});
      }
    }
  }

  size_t CountCreatedIndex(const Operation& one) const {
    for (const auto& [group, operations] : groups_) {
      for (size_t i = 0; i < operations.size(); ++i) {
        if (operations[i].operation == one.operation) return i;
      }
    }
    return 0;
  }

  struct Created {
    size_t index = 0;  ///< of the exchange in its scenario
    std::string expression;
    bool used = false;
  };

  const value& root_;
  Draft& draft_;
  const ImportOptions& options_;
  SchemaReader schemas_;
  ScenarioWriter* writer_ = nullptr;
  std::string place_;
  std::string origin_;
  size_t operations_ = 0;
  std::vector<std::string> order_;
  std::map<std::string, std::vector<Operation>> groups_;
  std::map<std::string, Created> created_;
  std::set<std::string> noted_;
};

}  // namespace

base::Result<Draft> ImportOpenApi(const std::shared_ptr<const base::SourceText>& source,
                                  const ImportOptions& options) {
  TRY(const value root, ReadDocument(source));
  if (!root.is_object())
    return base::Fail(
        ErrorCode::kInvalid,
        "this is no OpenAPI document: expected an object with \"openapi\" and \"paths\"");
  Draft draft;
  draft.name = options.name;
  TRY(DocumentReader(root, draft, options).Run());
  return draft;
}

}  // namespace assay::importing
