#include <ostream>

#include <fmt/format.h>

#include "montage/app/cli/command.h"
#include "montage/app/doctor.h"
#include "montage/app/model.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

using base::Result;

Result<int> MigrateUp(CommandContext& context) {
  TRY(const DataDirectoryOptions options, context.DirectoryOptions());
  TRY(const auto directory, DataDirectory::Open(options, context.clock, CommandDeadline()));
  storage::Migrator migrator(directory->database(), storage::Migrations(), context.clock);
  TRY(const int64_t applied, migrator.Up(CommandDeadline()));
  context.io.out << fmt::format("applied {} migrations\n", applied);
  return 0;
}

Result<int> MigrateDown(CommandContext& context, int64_t target) {
  TRY(const DataDirectoryOptions options, context.DirectoryOptions());
  TRY(const auto directory, DataDirectory::OpenExisting(options, context.clock, CommandDeadline()));
  TRY(const FileLock lock,
      directory->LockAlone("its tables would go away under it", CommandDeadline()));
  storage::Migrator migrator(directory->database(), storage::Migrations(), context.clock);
  TRY(const int64_t reverted, migrator.Down(target, CommandDeadline()));
  context.io.out << fmt::format("reverted {} migrations\n", reverted);
  return 0;
}

Result<int> MigrateStatus(CommandContext& context) {
  TRY(const DataDirectoryOptions options, context.DirectoryOptions());
  TRY(const auto directory, DataDirectory::OpenExisting(options, context.clock, CommandDeadline()));
  storage::Migrator migrator(directory->database(), storage::Migrations(), context.clock);
  TRY(const auto list, migrator.Status(CommandDeadline()));
  std::vector<std::vector<std::string>> rows{{"NUMBER", "NAME", "APPLIED"}};
  for (const storage::MigrationStatus& one : list) {
    std::string applied = "pending";
    if (one.applied_at_ns)
      applied = ShortTime(base::WallTime(std::chrono::nanoseconds(*one.applied_at_ns)));
    rows.push_back({std::to_string(one.number), one.name, applied});
  }
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> RunDoctor(CommandContext& context) {
  TRY(const DataDirectoryOptions options, context.DirectoryOptions());
  TRY(const auto directory, DataDirectory::OpenExisting(options, context.clock, CommandDeadline()));
  TRY(auto checks, Examine(*directory, context.clock, CommandDeadline()));
  TRY(const LoadedConfig loaded, context.Load());
  checks.push_back(ExamineModel(loaded.config, context.clock, CommandDeadline()));
  bool healthy = true;
  for (const CheckUp& check : checks) {
    context.io.out << fmt::format("{:<5} {:<10} {}\n", check.ok ? "ok" : "WRONG", check.name,
                                  check.detail);
    healthy = healthy && check.ok;
  }
  return healthy ? 0 : 1;
}

}  // namespace

void AddMaintenanceCommands(CLI::App& app, CommandContext& context) {
  auto* migrate = app.add_subcommand("migrate", "The database's schema");
  migrate->require_subcommand(1);
  migrate->add_subcommand("up", "Apply what is pending")->callback([&context] {
    context.action = [&context] { return MigrateUp(context); };
  });
  migrate->add_subcommand("status", "List the migrations")->callback([&context] {
    context.action = [&context] { return MigrateStatus(context); };
  });
  const auto target = std::make_shared<int64_t>(0);
  auto* down = migrate->add_subcommand("down", "Revert migrations, with the rows in their tables");
  down->add_option("--to", *target, "number of the migration to go back to; 0: an empty database")
      ->required();
  down->callback([&context, target] {
    context.action = [&context, target] { return MigrateDown(context, *target); };
  });
  app.add_subcommand("doctor", "Examine database, audit trail, objects, keys and model")
      ->callback([&context] { context.action = [&context] { return RunDoctor(context); }; });
}

}  // namespace montage::app
