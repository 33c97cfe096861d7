#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/units.h"
#include "montage/app/cli/command.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

struct KeyOptions {
  std::string id;
  std::string user;
  std::string name;
  std::vector<std::string> scopes;
  std::string lifetime;
  identity::KeyLimits limits;
  bool as_json = false;
};

Result<std::vector<identity::Permission>> ParseScopes(const std::vector<std::string>& texts) {
  std::vector<identity::Permission> scopes;
  for (const std::string& text : texts) {
    const auto scope = identity::ParsePermission(text);
    if (!scope) {
      std::string names;
      for (const identity::Permission known : identity::AllPermissions())
        names += fmt::format("{}{}", names.empty() ? "" : ", ", identity::ToString(known));
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("there is no scope \"{}\"; expected {}", text, names));
    }
    scopes.push_back(*scope);
  }
  return scopes;
}

std::string Limit(const std::optional<int64_t>& limit) {
  return limit ? std::to_string(*limit) : "-";
}

std::string Scopes(const identity::ApiKey& key) {
  std::string text;
  for (const identity::Permission scope : key.scopes)
    text += fmt::format("{}{}", text.empty() ? "" : ",", identity::ToString(scope));
  return text;
}

std::string StateOf(const identity::ApiKey& key, base::WallTime now) {
  if (!key.active) return "inactive";
  return key.expires && *key.expires <= now ? "expired" : "active";
}

void PrintSecret(CommandContext& context, const identity::NewApiKey& made) {
  context.io.out << fmt::format("{}\n{}\nThe second line is the secret; it is shown only now.\n",
                                made.key.key_id, made.secret);
}

Result<int> Create(CommandContext& context, const KeyOptions& options) {
  TRY(auto scopes, ParseScopes(options.scopes));
  std::optional<base::Duration> lifetime;
  if (!options.lifetime.empty()) {
    TRY(lifetime, base::ParseDuration(options.lifetime));
  }
  TRY(const auto open, context.Open(false));
  TRY(const identity::User owner, open->accounts.FindByName(options.user, CommandDeadline()));
  TRY(const auto made, open->keys.Create(owner, options.name, std::move(scopes), lifetime,
                                         options.limits, CommandDeadline()));
  TRY(open->Audit("keys.create", made.key.key_id));
  PrintSecret(context, made);
  return 0;
}

Result<int> List(CommandContext& context, const KeyOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const auto keys, open->keys.List(CommandDeadline()));
  const base::WallTime now = context.clock.Now();
  if (options.as_json) {
    boost::json::array list;
    for (const identity::ApiKey& key : keys) {
      list.push_back(boost::json::object{{"key_id", key.key_id},
                                         {"name", key.name},
                                         {"user_id", key.user_id},
                                         {"scopes", Scopes(key)},
                                         {"state", StateOf(key, now)},
                                         {"expires", ShortTime(key.expires)},
                                         {"last_used", ShortTime(key.last_used)}});
    }
    context.io.out << boost::json::serialize(list) << '\n';
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"ID", "NAME", "STATE", "EXPIRES", "LAST USED"}};
  for (const identity::ApiKey& key : keys) {
    rows.push_back({key.key_id, key.name, StateOf(key, now), ShortTime(key.expires),
                    ShortTime(key.last_used)});
  }
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> Show(CommandContext& context, const KeyOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const identity::ApiKey key, open->keys.Show(options.id, CommandDeadline()));
  PrintTable(context.io.out, {{"id", key.key_id},
                              {"name", key.name},
                              {"user", key.user_id},
                              {"state", StateOf(key, context.clock.Now())},
                              {"scopes", Scopes(key)},
                              {"created", ShortTime(key.created)},
                              {"expires", key.expires ? ShortTime(key.expires) : "never"},
                              {"last used", key.last_used ? ShortTime(key.last_used) : "never"},
                              {"per minute", Limit(key.limits.per_minute)},
                              {"per hour", Limit(key.limits.per_hour)},
                              {"per day", Limit(key.limits.per_day)}});
  return 0;
}

Result<int> Change(CommandContext& context, const KeyOptions& options, const std::string& action,
                   const std::function<Result<void>(identity::ApiKeys&)>& change) {
  TRY(const auto open, context.Open(false));
  TRY(change(open->keys));
  TRY(open->Audit("keys." + action, options.id));
  context.io.out << fmt::format("{}: {}\n", options.id, action);
  return 0;
}

Result<int> Activate(CommandContext& context, const KeyOptions& options) {
  return Change(context, options, "activate", [&](identity::ApiKeys& keys) {
    return keys.SetActive(options.id, true, CommandDeadline());
  });
}

Result<int> Deactivate(CommandContext& context, const KeyOptions& options) {
  return Change(context, options, "deactivate", [&](identity::ApiKeys& keys) {
    return keys.SetActive(options.id, false, CommandDeadline());
  });
}

Result<int> Extend(CommandContext& context, const KeyOptions& options) {
  TRY(const base::Duration by, base::ParseDuration(options.lifetime));
  return Change(context, options, "extend", [&](identity::ApiKeys& keys) {
    return keys.Extend(options.id, by, CommandDeadline());
  });
}

Result<int> SetLimits(CommandContext& context, const KeyOptions& options) {
  return Change(context, options, "limits", [&](identity::ApiKeys& keys) {
    return keys.SetLimits(options.id, options.limits, CommandDeadline());
  });
}

Result<int> Rotate(CommandContext& context, const KeyOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const auto made, open->keys.Rotate(options.id, CommandDeadline()));
  TRY(open->Audit("keys.rotate", made.key.key_id));
  PrintSecret(context, made);
  return 0;
}

Result<int> Usage(CommandContext& context, const KeyOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const auto usage, open->keys.Usage(options.id, CommandDeadline()));
  std::vector<std::vector<std::string>> rows{{"PERIOD", "START", "REQUESTS"}};
  for (const identity::KeyUsage& line : usage)
    rows.push_back({line.period, ShortTime(line.start), std::to_string(line.requests)});
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> Stats(CommandContext& context, const KeyOptions& /*options*/) {
  TRY(const auto open, context.Open(false));
  TRY(const auto keys, open->keys.List(CommandDeadline()));
  std::map<std::string, size_t> counts{{"active", 0}, {"expired", 0}, {"inactive", 0}};
  size_t used = 0;
  for (const identity::ApiKey& key : keys) {
    ++counts[StateOf(key, context.clock.Now())];
    used += key.last_used ? 1U : 0U;
  }
  PrintTable(context.io.out, {{"keys", std::to_string(keys.size())},
                              {"active", std::to_string(counts["active"])},
                              {"expired", std::to_string(counts["expired"])},
                              {"inactive", std::to_string(counts["inactive"])},
                              {"ever used", std::to_string(used)}});
  return 0;
}

Result<int> CleanUp(CommandContext& context, const KeyOptions& /*options*/) {
  TRY(const auto open, context.Open(false));
  TRY(const int64_t rows, open->keys.CleanUp(CommandDeadline()));
  TRY(open->Audit("keys.cleanup", ""));
  context.io.out << fmt::format("removed {} rows\n", rows);
  return 0;
}

void AddLimits(CLI::App* command, KeyOptions& options) {
  command->add_option("--per-minute", options.limits.per_minute, "requests allowed in a minute");
  command->add_option("--per-hour", options.limits.per_hour, "requests allowed in an hour");
  command->add_option("--per-day", options.limits.per_day, "requests allowed in a day");
}

}  // namespace

void AddKeyCommands(CLI::App& app, CommandContext& context) {
  auto* commands = app.add_subcommand("keys", "API keys");
  commands->require_subcommand(1);
  const auto options = std::make_shared<KeyOptions>();
  using Action = Result<int> (*)(CommandContext&, const KeyOptions&);
  const auto add = [&](const char* name, const char* doc, Action action) {
    auto* command = commands->add_subcommand(name, doc);
    command->callback([&context, options, action] {
      context.action = [&context, options, action] { return action(context, *options); };
    });
    return command;
  };
  const auto add_named = [&](const char* name, const char* doc, Action action) {
    auto* command = add(name, doc, action);
    command->add_option("id", options->id, "the key's id")->required();
    return command;
  };
  auto* create = add("create", "Make a key for a user; its secret is shown once", Create);
  create->add_option("--user", options->user, "whose key it is")->required();
  create->add_option("--name", options->name, "what it is for")->required();
  create->add_option("--scope", options->scopes, "what it may do; repeat for several")->required();
  create->add_option("--expires", options->lifetime, "validity, such as 90d; default: for ever");
  AddLimits(create, *options);
  add("list", "List the keys", List)->add_flag("--json", options->as_json, "as JSON");
  add_named("show", "Show a key, without its secret", Show);
  add_named("activate", "Accept a key again", Activate);
  add_named("deactivate", "Refuse a key", Deactivate);
  auto* extend = add_named("extend", "Let a key live longer", Extend);
  extend->add_option("--by", options->lifetime, "how much longer, such as 30d")->required();
  add_named("rotate", "Replace a key's secret; the old one ends at once", Rotate);
  AddLimits(add_named("limits", "Set the limits; those not given are removed", SetLimits),
            *options);
  add_named("usage", "Requests counted for a key", Usage);
  add("stats", "How many keys there are", Stats);
  add("cleanup", "Remove expired keys and old counters", CleanUp);
}

}  // namespace montage::app
