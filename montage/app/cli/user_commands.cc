#include <istream>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/app/cli/command.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

struct UserOptions {
  std::string name;
  std::string role;
  std::string site;
  std::string password_file;
  bool if_absent = false;
  bool as_json = false;
};

Result<identity::Role> RoleOf(const std::string& text) {
  if (const auto role = identity::ParseRole(text)) return *role;
  std::string names;
  for (const identity::Role role : identity::AllRoles())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", identity::ToString(role));
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("there is no role \"{}\"; expected one of {}", text, names));
}

/// The first line of the file or of standard input; never an argument, which others could see.
Result<std::string> ReadPassword(CommandContext& context, const std::string& file) {
  std::string password;
  if (!file.empty()) {
    TRY(password, ReadTextFile(file));
    password = password.substr(0, password.find('\n'));
  } else if (!std::getline(context.io.in, password)) {
    return base::Fail(
        base::Error{ErrorCode::kInvalid, "there is no password on standard input"}.Hint(
            "pipe it in, or name a file with --password-file"));
  }
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

Result<int> Create(CommandContext& context, const UserOptions& options) {
  TRY(const identity::Role role, RoleOf(options.role));
  TRY(const auto open, context.Open(true));
  if (options.if_absent) {
    const auto found = open->accounts.FindByName(options.name, CommandDeadline());
    if (found) {
      context.io.out << fmt::format("{} exists already ({})\n", found->username, found->user_id);
      return 0;
    }
    if (found.error().code != ErrorCode::kNotFound) return base::Fail(found.error());
  }
  TRY(const std::string password, ReadPassword(context, options.password_file));
  TRY(const identity::User user,
      open->accounts.Create(options.name, password, role, options.site, CommandDeadline()));
  TRY(open->Audit("users.create", user.user_id));
  context.io.out << fmt::format("created {} ({}), role {}, site {}\n", user.username, user.user_id,
                                identity::ToString(user.role), user.site);
  return 0;
}

Result<int> List(CommandContext& context, bool as_json) {
  TRY(const auto open, context.Open(false));
  TRY(const auto users, open->accounts.List(CommandDeadline()));
  if (as_json) {
    boost::json::array list;
    for (const identity::User& user : users) {
      list.push_back(boost::json::object{{"user_id", user.user_id},
                                         {"username", user.username},
                                         {"role", identity::ToString(user.role)},
                                         {"site", user.site},
                                         {"active", user.active},
                                         {"created", ShortTime(user.created)}});
    }
    context.io.out << boost::json::serialize(list) << '\n';
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"NAME", "ROLE", "SITE", "STATE", "CREATED", "ID"}};
  for (const identity::User& user : users) {
    rows.push_back({user.username, std::string(identity::ToString(user.role)), user.site,
                    user.active ? "active" : "inactive", ShortTime(user.created), user.user_id});
  }
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> Change(CommandContext& context, const std::string& name, const std::string& action,
                   const std::function<Result<void>(Administration&)>& change) {
  TRY(const auto open, context.Open(false));
  TRY(const identity::User user, open->accounts.FindByName(name, CommandDeadline()));
  TRY(change(*open));
  TRY(open->Audit("users." + action, user.user_id));
  context.io.out << fmt::format("{}: {}\n", user.username, action);
  return 0;
}

using Action = Result<int> (*)(CommandContext&, const UserOptions&);

Result<int> Activate(CommandContext& context, const UserOptions& options) {
  return Change(context, options.name, "activate", [&](Administration& open) {
    return open.accounts.SetActive(options.name, true, CommandDeadline());
  });
}

Result<int> Deactivate(CommandContext& context, const UserOptions& options) {
  return Change(context, options.name, "deactivate", [&](Administration& open) {
    return open.accounts.SetActive(options.name, false, CommandDeadline());
  });
}

Result<int> SetRole(CommandContext& context, const UserOptions& options) {
  TRY(const identity::Role role, RoleOf(options.role));
  return Change(context, options.name, "set-role", [&](Administration& open) {
    return open.accounts.SetRole(options.name, role, CommandDeadline());
  });
}

Result<int> SetPassword(CommandContext& context, const UserOptions& options) {
  TRY(const std::string password, ReadPassword(context, options.password_file));
  return Change(context, options.name, "set-password", [&](Administration& open) {
    return open.accounts.SetPassword(options.name, password, CommandDeadline());
  });
}

}  // namespace

void AddUserCommands(CLI::App& app, CommandContext& context) {
  auto* users = app.add_subcommand("users", "User accounts");
  users->require_subcommand(1);
  const auto options = std::make_shared<UserOptions>();
  const auto add = [&](const char* name, const char* doc, Action action) {
    auto* command = users->add_subcommand(name, doc);
    command->callback([&context, options, action] {
      context.action = [&context, options, action] { return action(context, *options); };
    });
    return command;
  };
  const auto add_named = [&](const char* name, const char* doc, Action action) {
    auto* command = add(name, doc, action);
    command->add_option("name", options->name, "the user's name")->required();
    return command;
  };
  const auto add_password = [&](CLI::App* command) {
    command->add_option("--password-file", options->password_file,
                        "file with the password; default: standard input");
  };

  auto* create = add_named("create", "Create a user", Create);
  create->add_option("--role", options->role, "what the user may do")->required();
  create->add_option("--site", options->site, "site (tenant) of the user")->required();
  create->add_flag("--if-absent", options->if_absent, "succeed when the name exists already");
  add_password(create);
  add("list", "List the users", [](CommandContext& the_context, const UserOptions& given) {
    return List(the_context, given.as_json);
  })->add_flag("--json", options->as_json, "as JSON");
  add_named("activate", "Let a user in again", Activate);
  add_named("deactivate", "Lock a user out", Deactivate);
  auto* set_role = add_named("set-role", "Change what a user may do", SetRole);
  set_role->add_option("role", options->role, "the new role")->required();
  add_password(add_named("set-password", "Change a user's password", SetPassword));
}

}  // namespace montage::app
