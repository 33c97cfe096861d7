#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/app/cli/command.h"
#include "montage/app/encryption.h"

namespace montage::app {
namespace {

using base::Result;

constexpr base::Duration kRotationTime = std::chrono::hours(24);
constexpr size_t kProgressEvery = 1000;

Result<int> ShowStatus(CommandContext& context, bool as_json) {
  TRY(const auto admin, context.Open(false));
  TRY(const auto uses, CountKeyUse(*admin->directory, CommandDeadline()));
  if (as_json) {
    boost::json::array list;
    for (const KeyUse& use : uses) {
      list.push_back(boost::json::object{{"key_id", use.key_id},
                                         {"newest", use.newest},
                                         {"present", use.present},
                                         {"payloads", use.payloads}});
    }
    context.io.out << boost::json::serialize(list) << '\n';
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"KEY", "STATE", "PAYLOADS"}};
  for (const KeyUse& use : uses) {
    const std::string state = use.newest ? "newest" : use.present ? "older" : "MISSING";
    rows.push_back({use.key_id, state, std::to_string(use.payloads)});
  }
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> Rotate(CommandContext& context) {
  TRY(const auto admin, context.Open(false));
  const auto progress = [&](size_t seen) {
    if (seen % kProgressEvery == 0)
      context.io.err << fmt::format("{} payloads looked at\n", seen) << std::flush;
  };
  TRY(const Rotation done,
      RotateKeys(*admin->directory, base::Deadline::After(kRotationTime), progress));
  TRY(admin->Audit("encryption.rotate", done.newest));
  context.io.out << fmt::format(
      "{} {}: {} data keys sealed anew, {} forgotten\n",
      done.resumed ? "finished the rotation to key" : "rotated to the new key", done.newest,
      done.rewrapped, done.forgotten);
  context.io.out << "running servers use it when they are started again\n";
  return 0;
}

Result<int> Retire(CommandContext& context) {
  TRY(const auto admin, context.Open(false));
  TRY(const FileLock lock,
      admin->directory->LockAlone("it may still seal with an older key", CommandDeadline()));
  TRY(const size_t retired, RetireKeys(*admin->directory, CommandDeadline()));
  TRY(admin->Audit("encryption.retire", fmt::format("{} keys", retired)));
  context.io.out << fmt::format("retired {} keys\n", retired);
  return 0;
}

}  // namespace

void AddEncryptionCommands(CLI::App& app, CommandContext& context) {
  auto* encryption = app.add_subcommand("encryption", "The master keys of encryption at rest");
  encryption->require_subcommand(1);
  auto* status = encryption->add_subcommand("status", "List the keys and how much needs each");
  const auto as_json = std::make_shared<bool>(false);
  status->add_flag("--json", *as_json, "as JSON");
  status->callback([&context, as_json] {
    context.action = [&context, as_json] { return ShowStatus(context, *as_json); };
  });
  encryption
      ->add_subcommand("rotate", "Make a new key and seal every data key with it, or finish that")
      ->callback([&context] { context.action = [&context] { return Rotate(context); }; });
  encryption->add_subcommand("retire", "Remove older keys that nothing needs; no server may run")
      ->callback([&context] { context.action = [&context] { return Retire(context); }; });
}

}  // namespace montage::app
