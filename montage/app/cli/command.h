#pragma once
// What the commands share: their context, and how they print.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "montage/app/cli/program.h"
#include "montage/app/config.h"
#include "montage/app/data_directory.h"
#include "montage/audit/audit_log.h"
#include "montage/identity/api_keys.h"

namespace montage::app {

/// An opened data directory with what administration needs.
struct Administration {
  explicit Administration(std::unique_ptr<DataDirectory> the_directory, const base::Clock& clock);

  /// Every change by the command line is in the audit trail, too: its actor is `system`.
  base::Result<void> Audit(std::string action, std::string object);

  std::unique_ptr<DataDirectory> directory;
  identity::Accounts accounts;
  identity::ApiKeys keys;
  audit::AuditLog audit;
};

struct CommandContext {
  const ProgramIo& io;
  ConfigSources sources;
  std::string config_file;
  base::SystemClock clock = {};
  /// What the chosen command does; the result is the exit code.
  std::function<base::Result<int>()> action;

  base::Result<LoadedConfig> Load();
  /// kUnsupported for URLs of what is not in this version, kInvalid for wrong ones.
  base::Result<DataDirectoryOptions> DirectoryOptions();
  /// `create`: makes and migrates the database; else kNotFound when there is none.
  base::Result<std::unique_ptr<Administration>> Open(bool create);
};

inline base::Deadline CommandDeadline() { return base::Deadline::After(std::chrono::minutes(10)); }

/// Columns padded to their widest cell; the first row is the heading.
void PrintTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows);
/// RFC 3339 without fractions; "" for none.
std::string ShortTime(std::optional<base::WallTime> time);
/// The whole file; kNotFound, kIo.
base::Result<std::string> ReadTextFile(const std::string& path);

/// `montage serve`, `openapi`, `version`, `config show`.
void AddServiceCommands(CLI::App& app, CommandContext& context);
/// `montage migrate`, `doctor`.
void AddMaintenanceCommands(CLI::App& app, CommandContext& context);
/// `montage encryption`.
void AddEncryptionCommands(CLI::App& app, CommandContext& context);
/// `montage backup`, `restore`.
void AddBackupCommands(CLI::App& app, CommandContext& context);
void AddUserCommands(CLI::App& app, CommandContext& context);
void AddKeyCommands(CLI::App& app, CommandContext& context);
void AddAuditCommands(CLI::App& app, CommandContext& context);
void AddAnalyzeCommand(CLI::App& app, CommandContext& context);
void AddEvaluateCommand(CLI::App& app, CommandContext& context);

}  // namespace montage::app
