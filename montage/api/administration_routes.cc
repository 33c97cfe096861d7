#include <algorithm>
#include <functional>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/api/submission.h"

namespace montage::api {
namespace {

using identity::Permission;

template <typename Range>
std::vector<std::string> WordsOf(const Range& values) {
  std::vector<std::string> words;
  for (const auto value : values) words.emplace_back(identity::ToString(value));
  return words;
}

Problem Forbidden(std::string message) {
  return {.status = 403, .error = "forbidden", .message = std::move(message)};
}

// Users: administrators see and change those of their own site.

boost::json::object UserJson(const identity::User& user) {
  return {{"user_id", user.user_id},
          {"username", user.username},
          {"role", identity::ToString(user.role)},
          {"site", user.site},
          {"active", user.active},
          {"created_at", base::FormatRfc3339(user.created)}};
}

boost::json::object UserSchema() {
  return schema::Object({{"user_id", schema::Text()},
                         {"username", schema::Text()},
                         {"role", schema::Word(WordsOf(identity::AllRoles()))},
                         {"site", schema::Text()},
                         {"active", schema::Boolean()},
                         {"created_at", schema::Time()}});
}

base::Result<identity::User> FindUser(const Services& services, const Call& call,
                                      std::string_view user_id) {
  TRY(identity::User user, services.accounts.FindById(user_id, call.deadline));
  if (user.site != call.principal.site) return base::Fail(NotFound("user", user_id));
  return user;
}

Outcome ListUsers(const Api& api, Services& services, Call& call) {
  const auto all = services.accounts.List(call.deadline);
  if (!all) return api.Refuse(all.error(), call);
  boost::json::array users;
  for (const identity::User& user : *all) {
    if (user.site == call.principal.site) users.push_back(UserJson(user));
  }
  return Reply{.body = boost::json::object{{"users", std::move(users)}}};
}

Outcome CreateUser(const Api& api, Services& services, Call& call) {
  JsonFields fields(call.request);
  const std::string username = fields.RequiredText("username");
  const std::string password = fields.RequiredText("password");
  const auto role = identity::ParseRole(fields.RequiredWord("role", WordsOf(identity::AllRoles())));
  const std::string site = fields.Text("site").value_or(call.principal.site);
  if (auto problem = fields.Finish()) return *std::move(problem);
  if (site != call.principal.site)
    return Forbidden(
        fmt::format("users of the site \"{}\" are made by its own administrators", site));
  const auto user = services.accounts.Create(
      username, password, role.value_or(identity::Role::kViewer), site, call.deadline);
  if (!user) return api.Refuse(user.error(), call);
  return Reply{.status = 201, .body = UserJson(*user), .audit_object = user->user_id};
}

Outcome GetUser(const Api& api, Services& services, Call& call) {
  const auto user = FindUser(services, call, call.request.params.Get("user_id"));
  if (!user) return api.Refuse(user.error(), call);
  return Reply{.body = UserJson(*user)};
}

Outcome SetUserActive(const Api& api, Services& services, Call& call, bool active) {
  auto user = FindUser(services, call, call.request.params.Get("user_id"));
  if (!user) return api.Refuse(user.error(), call);
  if (!active && user->user_id == call.principal.user_id) {
    return Problem{
        .status = 409, .error = "conflict", .message = "nobody can deactivate their own account"};
  }
  const auto changed = services.accounts.SetActive(user->username, active, call.deadline);
  if (!changed) return api.Refuse(changed.error(), call);
  user->active = active;
  return Reply{.body = UserJson(*user), .audit_object = user->user_id};
}

void AddUserRoutes(Api& api, Services& services) {
  const auto make = [](http::Method method, std::string path, std::string id, std::string summary,
                       std::map<int, ResponseDoc> responses) {
    return Operation{.method = method,
                     .path = std::move(path),
                     .id = std::move(id),
                     .tag = "users",
                     .summary = std::move(summary),
                     .permission = Permission::kManageUsers,
                     .responses = std::move(responses)};
  };
  using http::Method;
  const std::string one = "/api/v1/users/{user_id}";
  api.Add(make(Method::kGet, "/api/v1/users", "listUsers", "The users of the caller's site.",
               {{200, {"The users.", schema::Object({{"users", schema::List(UserSchema())}})}}}),
          [&api, &services](Call& call) { return ListUsers(api, services, call); });
  Operation create = make(Method::kPost, "/api/v1/users", "createUser", "Make a user.",
                          {{201, {"The user.", UserSchema()}}, {409, {"The name is taken."}}});
  create.audit_action = "users.create";
  create.body_schema =
      schema::Object({{"username", schema::Text()},
                      {"password", schema::Text("at least 10 bytes, not a common one")},
                      {"role", schema::Word(WordsOf(identity::AllRoles()))},
                      {"site", schema::Nullable(schema::Text()), false}});
  api.Add(std::move(create),
          [&api, &services](Call& call) { return CreateUser(api, services, call); });
  api.Add(make(Method::kGet, one, "getUser", "One user.",
               {{200, {"The user.", UserSchema()}}, {404, {"There is no such user."}}}),
          [&api, &services](Call& call) { return GetUser(api, services, call); });
  for (const bool active : {false, true}) {
    const std::string word = active ? "activate" : "deactivate";
    Operation change = make(Method::kPost, one + "/" + word, word + "User",
                            active ? "Let a user in again." : "Shut a user out at once.",
                            {{200, {"The user.", UserSchema()}},
                             {404, {"There is no such user."}},
                             {409, {"It is the caller's own account."}}});
    change.audit_action = "users." + word;
    api.Add(std::move(change), [&api, &services, active](Call& call) {
      return SetUserActive(api, services, call, active);
    });
  }
}

// API keys.

template <typename T>
boost::json::value OrNull(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, base::WallTime>) {
    return boost::json::value(base::FormatRfc3339(*value));
  } else {
    return boost::json::value(*value);
  }
}

boost::json::object KeyJson(const identity::ApiKey& key) {
  boost::json::array scopes;
  for (const Permission scope : key.scopes)
    scopes.push_back(boost::json::string(identity::ToString(scope)));
  return {{"key_id", key.key_id},
          {"name", key.name},
          {"user_id", key.user_id},
          {"scopes", std::move(scopes)},
          {"active", key.active},
          {"created_at", base::FormatRfc3339(key.created)},
          {"expires_at", OrNull(key.expires)},
          {"last_used_at", OrNull(key.last_used)},
          {"limits",
           {{"per_minute", OrNull(key.limits.per_minute)},
            {"per_hour", OrNull(key.limits.per_hour)},
            {"per_day", OrNull(key.limits.per_day)}}}};
}

constexpr std::string_view kLimitNames[] = {"per_minute", "per_hour", "per_day"};

boost::json::object LimitsSchema(bool required) {
  std::vector<schema::Member> members;
  for (const auto name : kLimitNames)
    members.push_back({std::string(name), schema::Nullable(schema::Integer(1)), required});
  return schema::Object(std::move(members));
}

std::vector<schema::Member> KeyMembers() {
  return {{"key_id", schema::Text()},
          {"name", schema::Text()},
          {"user_id", schema::Text()},
          {"scopes", schema::List(schema::Word(WordsOf(identity::AllPermissions())))},
          {"active", schema::Boolean()},
          {"created_at", schema::Time()},
          {"expires_at", schema::Nullable(schema::Time())},
          {"last_used_at", schema::Nullable(schema::Time())},
          {"limits", LimitsSchema(true)}};
}
boost::json::object KeySchema() { return schema::Object(KeyMembers()); }
boost::json::object NewKeySchema() {
  auto members = KeyMembers();
  members.push_back({"secret", schema::Text("shown this once")});
  return schema::Object(std::move(members));
}

Reply NewKeyReply(int status, const identity::NewApiKey& made) {
  Reply reply{.status = status, .body = KeyJson(made.key), .audit_object = made.key.key_id};
  reply.body.get_object()["secret"] = made.secret;
  return reply;
}

identity::KeyLimits ReadLimits(JsonFields& fields) {
  identity::KeyLimits limits;
  limits.per_minute = fields.OptionalInt("per_minute", 1, INT64_MAX);
  limits.per_hour = fields.OptionalInt("per_hour", 1, INT64_MAX);
  limits.per_day = fields.OptionalInt("per_day", 1, INT64_MAX);
  return limits;
}

/// Keys belong to the site of their user.
base::Result<identity::ApiKey> FindKey(const Api& api, const Services& services, const Call& call) {
  const std::string& key_id = call.request.params.Get("key_id");
  TRY(identity::ApiKey key, api.parts().keys.Show(key_id, call.deadline));
  TRY(const identity::User owner, services.accounts.FindById(key.user_id, call.deadline));
  if (owner.site != call.principal.site) return base::Fail(NotFound("API key", key_id));
  return key;
}

Outcome ListKeys(const Api& api, Services& services, Call& call) {
  const auto all = api.parts().keys.List(call.deadline);
  if (!all) return api.Refuse(all.error(), call);
  const auto users = services.accounts.List(call.deadline);
  if (!users) return api.Refuse(users.error(), call);
  std::set<std::string_view> here;
  for (const identity::User& user : *users)
    if (user.site == call.principal.site) here.insert(user.user_id);
  boost::json::array keys;
  for (const identity::ApiKey& key : *all)
    if (here.contains(key.user_id)) keys.push_back(KeyJson(key));
  return Reply{.body = boost::json::object{{"keys", std::move(keys)}}};
}

Outcome CreateKey(const Api& api, Services& services, Call& call) {
  JsonFields fields(call.request);
  const std::string name = fields.RequiredText("name");
  const auto user_id = fields.Text("user_id");
  const auto days = fields.OptionalInt("expires_in_days", 1, 3660);
  std::vector<Permission> scopes;
  for (const std::string& word : fields.RequiredTexts("scopes", 50)) {
    const auto scope = identity::ParsePermission(word);
    if (!scope)
      fields.Wrong("scopes", fmt::format("has \"{}\"; expected permissions such as {}", word,
                                         identity::ToString(Permission::kAnalyze)));
    else
      scopes.push_back(*scope);
  }
  JsonFields nested = fields.Object("limits");
  const identity::KeyLimits limits = ReadLimits(nested);
  fields.Merge(std::move(nested));
  if (auto problem = fields.Finish()) return *std::move(problem);
  for (const Permission scope : scopes) {
    if (call.principal.May(scope)) continue;
    return Forbidden(fmt::format("the caller cannot give the permission {}, not having it",
                                 identity::ToString(scope)));
  }
  const auto owner = FindUser(services, call, user_id.value_or(call.principal.user_id));
  if (!owner) return api.Refuse(owner.error(), call);
  std::optional<base::Duration> lifetime;
  if (days) lifetime = std::chrono::hours(24 * *days);
  const auto made =
      api.parts().keys.Create(*owner, name, std::move(scopes), lifetime, limits, call.deadline);
  if (!made) return api.Refuse(made.error(), call);
  return NewKeyReply(201, *made);
}

Outcome ShowKey(const Api& api, Services& services, Call& call) {
  const auto key = FindKey(api, services, call);
  if (!key) return api.Refuse(key.error(), call);
  return Reply{.body = KeyJson(*key)};
}

/// Finds the key, changes it, and answers how it is then.
Outcome ChangeKey(const Api& api, Services& services, Call& call,
                  const std::function<base::Result<void>(const std::string& key_id)>& change) {
  auto key = FindKey(api, services, call);
  if (!key) return api.Refuse(key.error(), call);
  if (const auto changed = change(key->key_id); !changed) return api.Refuse(changed.error(), call);
  key = api.parts().keys.Show(key->key_id, call.deadline);
  if (!key) return api.Refuse(key.error(), call);
  return Reply{.body = KeyJson(*key), .audit_object = key->key_id};
}

Outcome RotateKey(const Api& api, Services& services, Call& call) {
  const auto key = FindKey(api, services, call);
  if (!key) return api.Refuse(key.error(), call);
  const auto made = api.parts().keys.Rotate(key->key_id, call.deadline);
  if (!made) return api.Refuse(made.error(), call);
  return NewKeyReply(200, *made);
}

Outcome LimitKey(const Api& api, Services& services, Call& call) {
  JsonFields fields(call.request);
  const identity::KeyLimits limits = ReadLimits(fields);
  if (auto problem = fields.Finish()) return *std::move(problem);
  return ChangeKey(api, services, call, [&](const std::string& key_id) {
    return api.parts().keys.SetLimits(key_id, limits, call.deadline);
  });
}

Outcome KeyUsage(const Api& api, Services& services, Call& call) {
  const auto key = FindKey(api, services, call);
  if (!key) return api.Refuse(key.error(), call);
  const auto found = api.parts().keys.Usage(key->key_id, call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  boost::json::array usage;
  for (const identity::KeyUsage& period : *found) {
    usage.push_back(boost::json::object{{"period", period.period},
                                        {"start", base::FormatRfc3339(period.start)},
                                        {"requests", period.requests}});
  }
  return Reply{.body = boost::json::object{{"key_id", key->key_id}, {"usage", std::move(usage)}}};
}

Operation KeyOperation(http::Method method, std::string path, std::string id, std::string summary,
                       std::string audit_action, int status, boost::json::object response) {
  Operation operation{.method = method,
                      .path = "/api/v1/keys" + path,
                      .id = std::move(id),
                      .tag = "keys",
                      .summary = std::move(summary),
                      .permission = Permission::kManageKeys,
                      .audit_action = std::move(audit_action),
                      .responses = {{status, {"Done.", std::move(response)}}}};
  if (!path.empty()) operation.responses[404] = {"There is no such key."};
  return operation;
}

boost::json::object NewKeyBody() {
  return schema::Object(
      {{"name", schema::Text()},
       {"scopes", schema::List(schema::Word(WordsOf(identity::AllPermissions())))},
       {"user_id", schema::Nullable(schema::Text("whose key it is; the caller's by default")),
        false},
       {"expires_in_days", schema::Nullable(schema::Integer(1, 3660)), false},
       {"limits", schema::Nullable(LimitsSchema(false)), false}});
}

boost::json::object UsageSchema() {
  return schema::Object(
      {{"key_id", schema::Text()},
       {"usage", schema::List(schema::Object({{"period", schema::Word({"minute", "hour", "day"})},
                                              {"start", schema::Time()},
                                              {"requests", schema::Integer(0)}}))}});
}

void AddKeyRoutes(Api& api, Services& services) {
  using http::Method;
  api.Add(KeyOperation(Method::kGet, "", "listKeys", "The API keys of the caller's site.", "", 200,
                       schema::Object({{"keys", schema::List(KeySchema())}})),
          [&api, &services](Call& call) { return ListKeys(api, services, call); });
  Operation create = KeyOperation(Method::kPost, "", "createKey", "Make an API key.", "keys.create",
                                  201, NewKeySchema());
  create.body_schema = NewKeyBody();
  create.responses[404] = {"There is no such user."};
  api.Add(std::move(create),
          [&api, &services](Call& call) { return CreateKey(api, services, call); });
  api.Add(KeyOperation(Method::kGet, "/{key_id}", "getKey", "One API key, without its secret.", "",
                       200, KeySchema()),
          [&api, &services](Call& call) { return ShowKey(api, services, call); });
  for (const bool active : {false, true}) {
    const std::string word = active ? "activate" : "deactivate";
    api.Add(KeyOperation(Method::kPost, "/{key_id}/" + word, word + "Key",
                         active ? "Let an API key in again." : "Shut an API key out at once.",
                         "keys." + word, 200, KeySchema()),
            [&api, &services, active](Call& call) {
              return ChangeKey(api, services, call, [&](const std::string& key_id) {
                return api.parts().keys.SetActive(key_id, active, call.deadline);
              });
            });
  }
  api.Add(
      KeyOperation(Method::kPost, "/{key_id}/rotate", "rotateKey",
                   "A new secret; the old one ends at once.", "keys.rotate", 200, NewKeySchema()),
      [&api, &services](Call& call) { return RotateKey(api, services, call); });
  Operation limits =
      KeyOperation(Method::kPut, "/{key_id}/limits", "setKeyLimits",
                   "Replace the limits; those left out end.", "keys.limits", 200, KeySchema());
  limits.body_schema = LimitsSchema(false);
  api.Add(std::move(limits),
          [&api, &services](Call& call) { return LimitKey(api, services, call); });
  api.Add(KeyOperation(Method::kGet, "/{key_id}/usage", "getKeyUsage",
                       "How many requests were made with a key.", "", 200, UsageSchema()),
          [&api, &services](Call& call) { return KeyUsage(api, services, call); });
}

// Audit trail.

Outcome ListAudit(const Api& api, Call& call) {
  const auto read = ReadPage(call.request);
  if (const auto* problem = std::get_if<Problem>(&read)) return *problem;
  const Page& page = std::get<Page>(read);
  // The offset of a page of the trail is the number of the last entry before it.
  const auto found =
      api.parts().audit.List({.actor = call.request.QueryValue("actor").value_or(""),
                              .action = call.request.QueryValue("action").value_or(""),
                              .after_seq = page.offset,
                              .limit = page.limit},
                             call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  boost::json::array entries;
  for (const audit::Entry& entry : *found) entries.push_back(audit::ToJson(entry));
  boost::json::value next = nullptr;
  if (std::ssize(*found) == page.limit) next = found->back().seq;
  return Reply{.body = boost::json::object{{"entries", std::move(entries)}, {"next", next}}};
}

Outcome VerifyAudit(const Api& api, Call& call) {
  const auto verified = api.parts().audit.Verify(
      call.request.QueryValue("expected_head").value_or(""), call.deadline);
  if (!verified) return api.Refuse(verified.error(), call);
  const bool ok = !verified->first_broken && verified->problem.empty();
  return Reply{.body = boost::json::object{{"ok", ok},
                                           {"entries", verified->entries},
                                           {"head", verified->head},
                                           {"first_broken", OrNull(verified->first_broken)},
                                           {"problem", verified->problem}}};
}

void AddAuditRoutes(Api& api) {
  const boost::json::object text = schema::Text();
  auto entry = schema::Object({{"seq", schema::Integer(1)},
                               {"time", schema::Time()},
                               {"actor", text},
                               {"action", text},
                               {"object", text},
                               {"decision", schema::Word({"allowed", "denied", "failed"})},
                               {"request_id", text},
                               {"prev", text},
                               {"hash", text}});
  auto query = PageQuery();
  query[1].doc = "Only entries with a higher number; `next` of the page before.";
  query.push_back({"actor", "Only entries of this actor.", text});
  query.push_back({"action", "Only entries of this action.", text});
  api.Add({.path = "/api/v1/audit",
           .id = "listAudit",
           .tag = "audit",
           .summary = "The audit trail, oldest first.",
           .permission = Permission::kReadAudit,
           .query = std::move(query),
           .responses = {{200, {"A page of it.", PageSchema("entries", std::move(entry))}}}},
          [&api](Call& call) { return ListAudit(api, call); });
  api.Add({.path = "/api/v1/audit/verify",
           .id = "verifyAudit",
           .tag = "audit",
           .summary = "Check the chain of hashes from its beginning.",
           .permission = Permission::kReadAudit,
           .query = {{"expected_head", "The hash of an entry that must be there.", text}},
           .responses = {{200,
                          {"What was found.",
                           schema::Object({{"ok", schema::Boolean()},
                                           {"entries", schema::Integer(0)},
                                           {"head", text},
                                           {"first_broken", schema::Nullable(schema::Integer(1))},
                                           {"problem", text}})}}}},
          [&api](Call& call) { return VerifyAudit(api, call); });
}

}  // namespace

void AddAdministrationRoutes(Api& api, Services& services) {
  AddUserRoutes(api, services);
  AddKeyRoutes(api, services);
  AddAuditRoutes(api);
}

}  // namespace montage::api
