#include "assay/importing/source/postman.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/scenario_writer.h"
#include "assay/importing/slot.h"
#include "assay/importing/source/json_reader.h"
#include "assay/importing/source/postman_script.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

using base::ErrorCode;
using boost::json::value;

constexpr size_t kMaxFolders = 50;  // deep

/// `{{name}}` of a collection, and what it stands for in a scenario.
class Variables {
 public:
  explicit Variables(Draft& draft) : draft_(draft) {}

  void Declare(const value& list) {
    for (const value& one : ListOf(&list)) {
      const std::string name = TextOf(one, Member(one, "key") != nullptr ? "key" : "id");
      if (name.empty() || IsTrue(one, "disabled")) continue;
      values_[name] = TextOf(one, "value");
      if (TextOf(one, "type") == "secret") secret_.insert(name);
    }
  }
  void AddSaved(const std::string& name) { saved_.insert(name); }
  bool IsSaved(std::string_view name) const { return saved_.contains(std::string(name)); }
  std::string ValueOf(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }

  /// The CEL expression for a variable.
  std::string Expression(std::string_view text) {
    const std::string name(text);
    if (const std::string made = Dynamic(name); !made.empty()) return made;
    const bool saved = saved_.contains(name);
    if (!saved && (secret_.contains(name) || IsSensitiveName(name))) {
      const std::string credential = ToIdentifier(name);
      const auto known = std::ranges::find(draft_.credentials, credential, &CredentialDraft::name);
      if (known == draft_.credentials.end()) {
        std::string variable = ToIdentifier(draft_.name + "_" + name);
        std::ranges::transform(variable, variable.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        draft_.credentials.push_back({credential, variable});
      }
      return "environment.credentials." + credential;
    }
    if (!saved) used_.insert(name);
    return "vars." + ToIdentifier(name);
  }

  /// Text with `{{name}}` as slots.
  std::string Resolve(std::string_view text) {
    std::string out;
    while (true) {
      const size_t open = text.find("{{");
      const size_t close = open == std::string_view::npos ? open : text.find("}}", open);
      if (close == std::string_view::npos) return out + std::string(text);
      const std::string_view name = text.substr(open + 2, close - open - 2);
      out += text.substr(0, open);
      if (name.empty() || name.find_first_of("{}\"\n") != std::string_view::npos) {
        out += text.substr(open, 2);
        text.remove_prefix(open + 2);
        continue;
      }
      out += Slot(Expression(http::TrimBlanks(name)));
      text.remove_prefix(close + 2);
    }
  }

  /// `vars` of a scenario that used them since the last call.
  std::vector<Yaml::Entry> TakeUsed() {
    std::vector<Yaml::Entry> out;
    for (const std::string& name : used_) {
      const auto known = values_.find(name);
      if (known == values_.end() && noted_.insert(name).second) {
        draft_.notes.push_back({fmt::format("{{{{{}}}}}", name),
                                fmt::format("the collection gives it no value: write it under "
                                            "`vars`, or run with --var {}=VALUE",
                                            ToIdentifier(name))});
      }
      out.emplace_back(ToIdentifier(name), Yaml::Text(known == values_.end() ? "" : known->second));
    }
    used_.clear();
    return out;
  }

 private:
  static std::string Dynamic(std::string_view name) {
    static const std::map<std::string_view, std::string_view> kMade = {
        {"$guid", "fake.uuid()"},
        {"$randomUUID", "fake.uuid()"},
        {"$randomEmail", "fake.email()"},
        {"$randomFirstName", "fake.given_name()"},
        {"$randomLastName", "fake.family_name()"},
        {"$randomFullName", "fake.name()"},
        {"$randomInt", "fake.integer(0, 1000)"},
        {"$randomWord", "fake.word()"},
        {"$randomPhoneNumber", "fake.phone()"},
        {"$timestamp", "run.started.getSeconds()"},
        {"$isoTimestamp", "string(run.started)"},
        {"$randomStreetAddress", "fake.address()"},
        {"$randomLoremSentence", "fake.sentence()"},
        {"$randomAlphaNumeric", "fake.hex(1)"}};
    if (!name.starts_with('$')) return {};
    const auto found = kMade.find(name);
    return found == kMade.end() ? "fake.word()" : std::string(found->second);
  }

  Draft& draft_;
  std::map<std::string, std::string> values_;
  std::set<std::string> secret_;
  std::set<std::string> saved_;
  std::set<std::string> used_;
  std::set<std::string> noted_;
};

/// A request with the folders above it.
struct Found {
  const value* item = nullptr;
  std::vector<const value*> owners;  ///< collection first
  std::string folder;                ///< `Users / Admin`
};

std::string ScriptOf(const value& item, std::string_view listen) {
  std::string out;
  for (const value& event : ListOf(item, "event")) {
    if (TextOf(event, "listen") != listen) continue;
    const value* exec = Member(Member(event, "script"), "exec");
    if (exec != nullptr && exec->is_string()) out += TextOf(exec) + "\n";
    for (const value& line : ListOf(exec)) out += TextOf(&line) + "\n";
  }
  return out;
}

class CollectionReader {
 public:
  CollectionReader(Draft& draft, Variables& variables) : draft_(draft), variables_(variables) {}

  base::Result<void> Collect(const value& owner, std::vector<const value*> owners,
                             const std::string& folder) {
    if (owners.size() > kMaxFolders)
      return base::Fail(ErrorCode::kTooLarge, "folders are nested too deep");
    owners.push_back(&owner);
    if (const value* list = Member(owner, "variable")) variables_.Declare(*list);
    for (const value& item : ListOf(owner, "item")) {
      if (Member(item, "request") != nullptr) {
        found_.push_back({&item, owners, folder});
      } else if (Member(item, "item") != nullptr) {
        const std::string name = TextOf(item, "name");
        TRY(Collect(item, owners, folder.empty() ? name : folder + " / " + name));
      } else {
        draft_.notes.push_back(
            {TextOf(item, "name"), "is neither a request nor a folder and is left out"});
      }
    }
    return {};
  }

  const std::vector<Found>& found() const { return found_; }

  /// Names that each request saves, by its position.
  void FindSaved() {
    for (const Found& one : found_) {
      std::vector<std::string> names;
      for (const auto& [name, cel] :
           Meaning(one, [](std::string_view) { return std::string("null"); }).save) {
        names.push_back(name);
        variables_.AddSaved(name);
      }
      saved_.push_back(std::move(names));
    }
  }
  const std::vector<std::vector<std::string>>& saved() const { return saved_; }

  Exchange Read(const Found& one) {
    const value& item = *one.item;
    const value& request = *Member(item, "request");
    Exchange out;
    place_ = one.folder.empty() ? TextOf(item, "name") : one.folder + " / " + TextOf(item, "name");
    out.place = place_;
    out.name = TextOf(item, "name");
    if (request.is_string()) {
      ReadUrl(request, out);
    } else {
      if (const std::string method = TextOf(request, "method"); !method.empty())
        out.method = method;
      if (const value* url = Member(request, "url")) ReadUrl(*url, out);
      for (const value& field : ListOf(request, "header")) {
        if (IsTrue(field, "disabled")) continue;
        const std::string name = variables_.Resolve(TextOf(field, "key"));
        if (http::IsFieldName(name))
          out.headers.Add(name, variables_.Resolve(TextOf(field, "value")));
      }
      ReadAuth(one, out);
      if (const value* body = Member(request, "body")) ReadBody(*body, out);
    }
    ReadScripts(one, out);
    return out;
  }

 private:
  void Note(std::string text) { draft_.notes.push_back({place_, std::move(text)}); }

  static ScriptMeaning Meaning(const Found& one,
                               const std::function<std::string(std::string_view)>& variable) {
    std::string script;
    for (const value* owner : one.owners) script += ScriptOf(*owner, "test") + ";\n";
    return ReadTestScript(script + ScriptOf(*one.item, "test"), variable);
  }

  void ReadScripts(const Found& one, Exchange& out) {
    ScriptMeaning meaning =
        Meaning(one, [&](std::string_view name) { return variables_.Expression(name); });
    out.expect = std::move(meaning.expect);
    for (auto& [name, cel] : meaning.save) {
      const std::string variable = ToIdentifier(name);
      std::erase_if(out.save, [&](const auto& known) { return known.first == variable; });
      out.save.emplace_back(variable, cel);
      if (IsSensitiveName(name)) Redact(cel);
    }
    for (const std::string& statement : meaning.unknown) {
      Note(fmt::format("test script: no translation for `{}`", statement));
      out.comments.push_back("not translated: " + statement);
    }
    const bool has_before =
        !ReadTestScript(ScriptOf(*one.item, "prerequest"), [](std::string_view) {
           return std::string();
         }).unknown.empty();
    if (has_before) {
      Note("the script that runs before the request is not translated");
      out.comments.emplace_back("not translated: the script before the request");
    }
  }

  void Redact(const std::string& cel) {
    const size_t dot = cel.rfind('.');
    if (dot == std::string::npos) return;
    const std::string key = cel.substr(dot + 1);
    if (std::ranges::find(draft_.redact, key) == draft_.redact.end()) draft_.redact.push_back(key);
  }

  // {{base}}/users/:id?x=1
  void ReadUrl(const value& url, Exchange& out) {
    std::string raw = url.is_string() ? TextOf(&url) : TextOf(url, "raw");
    if (raw.empty()) raw = Assemble(url);
    raw = raw.substr(0, raw.find('#'));
    const size_t question = std::min(raw.find('?'), raw.size());
    std::string query = raw.substr(std::min(question + 1, raw.size()));
    raw.resize(question);
    for (const value& one : ListOf(url, "variable")) {
      const std::string mark = "/:" + TextOf(one, "key");
      for (size_t at = 0; (at = raw.find(mark, at)) != std::string::npos; ++at) {
        const size_t end = at + mark.size();
        if (end == raw.size() || raw[end] == '/')
          raw.replace(at + 1, mark.size() - 1, TextOf(one, "value"));
      }
    }
    SplitOrigin(raw, out);
    const auto& fields = ListOf(url, "query");
    for (const value& one : fields) {
      if (!IsTrue(one, "disabled"))
        out.query.push_back(
            {variables_.Resolve(TextOf(one, "key")), variables_.Resolve(TextOf(one, "value"))});
    }
    if (fields.empty() && !query.empty()) {
      const auto parsed = http::ParseQuery(query);
      if (!parsed) out.path += "?" + variables_.Resolve(query);
      for (const auto& [name, text] : parsed.value_or(std::vector<http::QueryParam>())) {
        out.query.push_back({variables_.Resolve(name), variables_.Resolve(text)});
      }
    }
  }

  static std::string Assemble(const value& url) {
    const auto join = [](const value* list, std::string_view separator) {
      std::string out;
      for (const value& one : ListOf(list))
        out += (out.empty() ? "" : std::string(separator)) + TextOf(&one);
      return out.empty() ? TextOf(list) : out;
    };
    std::string out = TextOf(url, "protocol").empty() ? "" : TextOf(url, "protocol") + "://";
    out += join(Member(url, "host"), ".");
    if (const std::string port = TextOf(url, "port"); !port.empty()) out += ":" + port;
    return out + "/" + join(Member(url, "path"), "/");
  }

  void SplitOrigin(std::string raw, Exchange& out) {
    if (raw.starts_with("{{")) {
      const size_t close = raw.find("}}");
      const std::string name = raw.substr(2, close == std::string::npos ? 0 : close - 2);
      const std::string value_text = variables_.ValueOf(name);
      raw.erase(0, close == std::string::npos ? 0 : close + 2);
      if (value_text.contains("://") || value_text.empty()) {
        out.origin = value_text;
        while (out.origin.ends_with('/')) out.origin.pop_back();
        if (value_text.empty() && unknown_origins_.insert(name).second) {
          draft_.notes.push_back(
              {fmt::format("{{{{{}}}}}", name),
               "the collection gives this address no value: it is the default endpoint"});
        }
      } else {
        out.origin = "http://" + value_text;
      }
      // `https://{{host}}:{{port}}/x` is handled below, `{{host}}:8080/x` here.
      if (raw.starts_with(':') && !out.origin.empty()) {
        const size_t slash = std::min(raw.find('/'), raw.size());
        out.origin += raw.substr(0, slash);
        raw.erase(0, slash);
      }
    } else {
      if (!raw.contains("://")) raw = "http://" + raw;
      const size_t slash = std::min(raw.find('/', raw.find("://") + 3), raw.size());
      std::string origin = raw.substr(0, slash);
      raw.erase(0, slash);
      for (size_t open = 0; (open = origin.find("{{")) != std::string::npos;) {
        const size_t close = origin.find("}}", open);
        if (close == std::string::npos) break;
        const std::string known = variables_.ValueOf(origin.substr(open + 2, close - open - 2));
        origin.replace(open, close + 2 - open, known.empty() ? "localhost" : known);
        if (known.empty())
          Note("the host of the URL has no value in the collection: localhost is taken");
      }
      out.origin = origin;
    }
    if (!out.origin.empty() && !http::ParseUrl(out.origin)) {
      Note(fmt::format("\"{}\" is no address: the default endpoint is taken", out.origin));
      out.origin.clear();
    }
    out.path = variables_.Resolve(raw.starts_with('/') ? raw : "/" + raw);
    std::ranges::replace(out.path, ' ', '+');
  }

  void ReadAuth(const Found& one, Exchange& out) {
    const value* auth = Member(Member(*one.item, "request"), "auth");
    for (auto owner = one.owners.rbegin();
         (auth == nullptr || auth->is_null()) && owner != one.owners.rend(); ++owner) {
      auth = Member(**owner, "auth");
    }
    const std::string type = TextOf(Member(auth, "type"));
    if (auth == nullptr || type.empty() || type == "noauth") return;
    const auto field = [&](std::string_view key) {
      const value* fields = Member(auth, type);
      if (fields != nullptr && fields->is_object())
        return variables_.Resolve(TextOf(*fields, key));  // v2.0
      for (const value& entry : ListOf(fields)) {
        if (TextOf(entry, "key") == key) return variables_.Resolve(TextOf(entry, "value"));
      }
      return std::string();
    };
    const auto secret = [&](std::string text, std::string_view name) {
      return text.empty() ? Slot(variables_.Expression(name)) : text;
    };
    if (type == "bearer") {
      out.auth = Credentials{"bearer", {{"token", secret(field("token"), "token")}}};
    } else if (type == "basic" || type == "digest") {
      out.auth = Credentials{
          type, {{"user", field("username")}, {"password", secret(field("password"), "password")}}};
    } else if (type == "apikey") {
      const std::string name = field("key").empty() ? "X-API-Key" : field("key");
      if (field("in") == "query") {
        out.query.push_back({name, secret(field("value"), "api_key")});
        out.secrets.emplace_back(out.query.back().value, "api_key");
      } else {
        out.auth = Credentials{"api_key",
                               {{"header", name}, {"value", secret(field("value"), "api_key")}}};
      }
    } else if (type == "awsv4") {
      out.auth =
          Credentials{"sigv4",
                      {{"access_key", secret(field("accessKey"), "access_key")},
                       {"secret_key", secret(field("secretKey"), "secret_key")},
                       {"region", field("region").empty() ? "us-east-1" : field("region")},
                       {"service", field("service").empty() ? "execute-api" : field("service")}}};
    } else if (type == "oauth2") {
      out.auth = Credentials{"bearer", {{"token", secret(field("accessToken"), "access_token")}}};
      Note("OAuth 2.0: the access token is a credential; get it in a step before if it expires");
    } else {
      Note(fmt::format("the authentication \"{}\" has no translation", type));
    }
  }

  void ReadBody(const value& body, Exchange& out) {
    if (IsTrue(body, "disabled")) return;
    const std::string mode = TextOf(body, "mode");
    if (mode == "raw") {
      const std::string language =
          TextOf(Member(Member(Member(body, "options"), "raw"), "language"));
      out.content = variables_.Resolve(TextOf(body, "raw"));
      if (language == "json" && !out.headers.Has("Content-Type"))
        out.headers.Set("Content-Type", "application/json");
      if (language == "xml" && !out.headers.Has("Content-Type"))
        out.headers.Set("Content-Type", "application/xml");
    } else if (mode == "urlencoded") {
      Pairs form;
      for (const value& one : ListOf(body, "urlencoded")) {
        if (!IsTrue(one, "disabled"))
          form.emplace_back(variables_.Resolve(TextOf(one, "key")),
                            variables_.Resolve(TextOf(one, "value")));
      }
      out.content = std::move(form);
    } else if (mode == "formdata") {
      std::vector<Part> parts;
      for (const value& one : ListOf(body, "formdata")) {
        if (!IsTrue(one, "disabled")) parts.push_back(ReadPart(one));
      }
      out.content = std::move(parts);
    } else if (mode == "file") {
      const std::string file = TextOf(Member(Member(body, "file"), "src"));
      out.content = FileContent{file.empty() ? "data/body" : file};
      Note(fmt::format("the file \"{}\" is looked for beside the scenario", file));
    } else if (mode == "graphql") {
      const value* graphql = Member(body, "graphql");
      boost::json::object json{{"query", TextOf(Member(graphql, "query"))}};
      if (const auto parsed = json::Parse(TextOf(Member(graphql, "variables"))))
        json["variables"] = *parsed;
      out.content = variables_.Resolve(boost::json::serialize(json));
      out.headers.Set("Content-Type", "application/json");
    } else if (!mode.empty()) {
      Note(fmt::format("the body mode \"{}\" has no translation", mode));
    }
  }

  Part ReadPart(const value& one) {
    Part part{.name = variables_.Resolve(TextOf(one, "key")),
              .content_type = TextOf(one, "contentType")};
    if (TextOf(one, "type") != "file") {
      part.text = variables_.Resolve(TextOf(one, "value"));
      return part;
    }
    const value* source = Member(one, "src");
    part.file = source != nullptr && source->is_array() && !source->get_array().empty()
                    ? TextOf(&source->get_array().front())
                    : TextOf(source);
    if (part.file.empty()) part.file = "data/" + ToSlug(part.name);
    Note(fmt::format("the file \"{}\" is looked for beside the scenario", part.file));
    return part;
  }

  Draft& draft_;
  Variables& variables_;
  std::string place_;
  std::vector<Found> found_;
  std::vector<std::vector<std::string>> saved_;
  std::set<std::string> unknown_origins_;
};

/// Whether a request uses, by its text, what only requests of other folders save.
bool CrossesFolders(const CollectionReader& reader) {
  std::map<std::string, std::set<std::string>> savers;  // variable, folders
  for (size_t i = 0; i < reader.found().size(); ++i) {
    for (const std::string& name : reader.saved()[i]) savers[name].insert(reader.found()[i].folder);
  }
  for (const Found& one : reader.found()) {
    std::string text = boost::json::serialize(*one.item);
    for (const value* owner : one.owners) {
      if (const value* auth = Member(*owner, "auth")) text += boost::json::serialize(*auth);
    }
    for (const auto& [name, folders] : savers) {
      if (!folders.contains(one.folder) && text.contains("{{" + name + "}}")) return true;
    }
  }
  return false;
}

}  // namespace

base::Result<Draft> ImportPostman(std::string_view text, const ImportOptions& options) {
  TRY(const value root, json::Parse(text));
  const std::string schema = TextOf(Member(Member(root, "info"), "schema"));
  if (Member(root, "item") == nullptr) {
    const bool old = Member(root, "requests") != nullptr;
    return base::Fail(base::Error{
        .code = old ? ErrorCode::kUnsupported : ErrorCode::kInvalid,
        .message = old ? "this is a collection of format v1, expected v2.1"
                       : "this is no Postman collection: expected an object with info and item",
        .hint = "export it from Postman as \"Collection v2.1\""});
  }
  Draft draft;
  draft.name = options.name;
  if (!schema.empty() && !schema.contains("v2."))
    draft.notes.push_back(
        {"info.schema", fmt::format("\"{}\" is not v2.1; it is read as such", schema)});
  Variables variables(draft);
  CollectionReader reader(draft, variables);
  TRY(reader.Collect(root, {}, ""));
  if (reader.found().empty())
    return base::Fail(ErrorCode::kInvalid, "the collection holds no request");
  reader.FindSaved();
  const bool together = CrossesFolders(reader);
  const std::string title = TextOf(Member(Member(root, "info"), "name"));
  if (together)
    draft.notes.push_back(
        {title, "folders use what others save: all requests are in one scenario"});
  std::vector<std::string> folders;
  std::map<std::string, std::vector<Exchange>> exchanges;
  std::map<std::string, std::vector<Yaml::Entry>> vars;
  for (const Found& one : reader.found()) {
    const std::string folder = together ? std::string() : one.folder;
    if (!exchanges.contains(folder)) folders.push_back(folder);
    exchanges[folder].push_back(reader.Read(one));
    for (auto& entry : variables.TakeUsed()) {
      auto& known = vars[folder];
      if (std::ranges::find(known, entry.first, &Yaml::Entry::first) == known.end())
        known.push_back(std::move(entry));
    }
  }
  ScenarioWriter writer(draft);
  for (const std::string& folder : folders) {
    Outline outline;
    const std::string name = folder.empty() ? (title.empty() ? options.name : title) : folder;
    outline.file = ToSlug(name);
    outline.id = ScenarioId(options.name, folder.empty() ? "collection" : folder);
    outline.title = name;
    outline.vars = std::move(vars[folder]);
    outline.exchanges = std::move(exchanges[folder]);
    writer.Write(std::move(outline));
  }
  if (draft.endpoints.empty()) draft.endpoints.push_back({"api", "http://localhost:8080"});
  if (!options.url.empty()) draft.endpoints.front().url = options.url;
  return draft;
}

}  // namespace assay::importing
