#include <filesystem>
#include <ostream>
#include <system_error>

#include <fmt/format.h>

#include "montage/app/cli/command.h"
#include "montage/app/stores/object_setup.h"
#include "montage/backup/restore.h"
#include "montage/cache/two_level_cache.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/data_key_shelf.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr base::Duration kBackupTime = std::chrono::hours(24);
constexpr uint64_t kProgressEvery = 1000;

struct BackupOptions {
  std::string where;
  std::string snapshot;
  bool list = false;
  bool check = false;
  bool force = false;
};

base::Deadline BackupDeadline() { return base::Deadline::After(kBackupTime); }

/// What belongs to a Montage besides its keys; the cache is computed again.
backup::System SystemOf(DataDirectory& directory, const base::Clock& clock) {
  return {.database = directory.database(),
          .objects = directory.objects(),
          .ring = directory.keys(),
          .clock = clock,
          .migrations = storage::Migrations(),
          .buckets = {std::string(recordings::kBucket), std::string(jobs::kResultsBucket),
                      std::string(storage::kDataKeyBucket)},
          .references = {{"files", "object_key", std::string(recordings::kBucket)},
                         {"analysis_results", "object_key", std::string(jobs::kResultsBucket)}}};
}

/// A folder, or buckets of a service.
Result<std::unique_ptr<objects::ObjectStore>> OpenBackup(const std::string& where,
                                                         const base::Clock& clock) {
  const std::filesystem::path spool = std::filesystem::temp_directory_path();
  if (where.contains("://")) return OpenObjects(where, "", spool, clock);
  return OpenObjects("", where, spool, clock);
}

backup::Progress ProgressTo(std::ostream& err) {
  return [&err](uint64_t objects) {
    if (objects % kProgressEvery == 0) err << fmt::format("{} objects\n", objects) << std::flush;
  };
}

Result<int> List(CommandContext& context, objects::ObjectStore& store) {
  TRY(const auto names, backup::ListSnapshots(store, CommandDeadline()));
  std::vector<std::vector<std::string>> rows{{"BACKUP", "CREATED", "SCHEMA", "KEY", "OBJECTS"}};
  for (const std::string& name : names) {
    TRY(const backup::Manifest one, backup::ReadManifest(store, name, CommandDeadline()));
    rows.push_back({name, ShortTime(one.created), std::to_string(one.schema), one.key_id,
                    std::to_string(one.objects)});
  }
  PrintTable(context.io.out, rows);
  return 0;
}

Result<int> Check(CommandContext& context, objects::ObjectStore& store,
                  const std::string& snapshot) {
  TRY(const auto examined,
      backup::ExamineBackup(store, snapshot, ProgressTo(context.io.err), BackupDeadline()));
  context.io.out << fmt::format("backup {} is whole: {} tables, {} objects, {} bytes read\n",
                                examined.manifest.name, examined.manifest.tables.size(),
                                examined.manifest.objects, examined.bytes);
  return 0;
}

Result<int> RunBackup(CommandContext& context, const BackupOptions& options) {
  TRY(const auto store, OpenBackup(options.where, context.clock));
  if (options.list) return List(context, *store);
  TRY(const auto admin, context.Open(false));
  TRY(const auto report, backup::TakeBackup(SystemOf(*admin->directory, context.clock), *store,
                                            ProgressTo(context.io.err), BackupDeadline()));
  uint64_t rows = 0;
  for (const backup::TableEntry& table : report.manifest.tables) rows += table.rows;
  TRY(admin->Audit("backup.create", report.manifest.name));
  context.io.out << fmt::format("backup {}: {} rows, {} objects, of which {} are new ({} bytes)\n",
                                report.manifest.name, rows, report.manifest.objects, report.copied,
                                report.copied_bytes);
  context.io.out << fmt::format("the key {} opens it; keep {} elsewhere\n", report.manifest.key_id,
                                admin->directory->key_file().string());
  return 0;
}

/// Opening a directory makes a key file when there is none, and that would open no backup.
Result<void> CheckKeyFile(const DataDirectoryOptions& options) {
  const auto file = options.key_file.empty() ? options.path / "keys" : options.key_file;
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return {};
  return base::Fail(
      base::Error{ErrorCode::kNotFound, fmt::format("there is no key file {}", file.string())}.Hint(
          "put the key file of the backed up system there, or name it with --key-file"));
}

Result<int> RunRestore(CommandContext& context, const BackupOptions& options) {
  TRY(const auto store, OpenBackup(options.where, context.clock));
  if (options.list) return List(context, *store);
  if (options.check) return Check(context, *store, options.snapshot);
  TRY(const DataDirectoryOptions directory_options, context.DirectoryOptions());
  TRY(CheckKeyFile(directory_options));
  TRY(auto directory, DataDirectory::Open(directory_options, context.clock, CommandDeadline()));
  TRY(const FileLock lock,
      directory->LockAlone("what it works on would be replaced under it", CommandDeadline()));
  TRY(const auto report, backup::RestoreBackup(SystemOf(*directory, context.clock), *store,
                                               {.snapshot = options.snapshot,
                                                .force = options.force,
                                                .derived_buckets = {std::string(cache::kBucket)}},
                                               ProgressTo(context.io.err), BackupDeadline()));
  Administration admin(std::move(directory), context.clock);
  TRY(admin.Audit("backup.restore", report.manifest.name));
  context.io.out << fmt::format("restored {}: {} rows, {} objects\n", report.manifest.name,
                                report.rows, report.objects);
  return 0;
}

}  // namespace

void AddBackupCommands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<BackupOptions>();
  auto* take = app.add_subcommand("backup", "Add a snapshot to a backup; servers may run");
  take->add_option("where", options->where, "folder, or s3://KEY:SECRET@host:port...")->required();
  take->add_flag("--list", options->list, "show the snapshots instead");
  take->callback([&context, options] {
    context.action = [&context, options] { return RunBackup(context, *options); };
  });
  auto* restore = app.add_subcommand("restore", "Bring everything back to a snapshot of a backup");
  restore->add_option("where", options->where, "folder, or s3://KEY:SECRET@host:port...")
      ->required();
  restore->add_option("--snapshot", options->snapshot, "its name; absent: the newest");
  restore->add_flag("--force", options->force, "give up what is there now");
  restore->add_flag("--check", options->check, "only compare the backup with its digests");
  restore->add_flag("--list", options->list, "show the snapshots instead");
  restore->callback([&context, options] {
    context.action = [&context, options] { return RunRestore(context, *options); };
  });
}

}  // namespace montage::app
