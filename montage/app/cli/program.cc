#include "montage/app/cli/program.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

#include <fmt/format.h>

#include "lib/base/diagnostic.h"
#include "lib/base/suggest.h"
#include "montage/app/cli/command.h"
#include "montage/app/service.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

void AddConfigFlags(CLI::App& app, CommandContext& context) {
  for (const ConfigKey& key : ConfigKeys()) {
    std::string flag = "--" + std::string(key.name);
    std::ranges::replace(flag, '_', '-');
    app.add_option_function<std::string>(
           flag,
           [&context, name = std::string(key.name)](const std::string& value) {
             context.sources.flags[name] = value;
           },
           fmt::format("{} [{}]", key.doc, key.variable))
        ->group("Configuration (any command)");
  }
  app.add_option("--config", context.config_file, "YAML file with configuration keys")
      ->group("Configuration (any command)");
}

}  // namespace

Administration::Administration(std::unique_ptr<DataDirectory> the_directory,
                               const base::Clock& clock)
    : directory(std::move(the_directory)),
      accounts(directory->database(), clock, {}),
      keys(directory->database(), clock, accounts),
      audit(directory->database(), clock) {}

base::Result<void> Administration::Audit(std::string action, std::string object) {
  return audit.Append({.actor = "system", .action = std::move(action), .object = std::move(object)},
                      CommandDeadline());
}

base::Result<LoadedConfig> CommandContext::Load() {
  sources.environment = io.environment;
  if (!config_file.empty()) {
    TRY(sources.file_text, ReadTextFile(config_file));
    sources.file_name = config_file;
  }
  return LoadConfig(sources);
}

base::Result<DataDirectoryOptions> CommandContext::DirectoryOptions() {
  TRY(const LoadedConfig loaded, Load());
  TRY(CheckSupported(loaded.config));
  return DataDirectoryOptions{.path = loaded.config.data_dir,
                              .key_file = loaded.config.key_file,
                              .objects_url = loaded.config.objects_url};
}

base::Result<std::unique_ptr<Administration>> CommandContext::Open(bool create) {
  TRY(const DataDirectoryOptions options, DirectoryOptions());
  const auto open = create ? DataDirectory::Open : DataDirectory::OpenExisting;
  TRY(auto directory, open(options, clock, CommandDeadline()));
  if (create) {
    storage::Migrator migrator(directory->database(), storage::Migrations(), clock);
    TRY(migrator.Up(CommandDeadline()));
  }
  return std::make_unique<Administration>(std::move(directory), clock);
}

void PrintTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

std::string ShortTime(std::optional<base::WallTime> time) {
  if (!time) return "";
  const std::string text = base::FormatRfc3339(*time);
  return text.substr(0, text.find('.')) + "Z";
}

base::Result<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::Fail(base::ErrorCode::kNotFound, fmt::format("cannot read {}", path));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return base::Fail(base::ErrorCode::kIo, fmt::format("cannot read {}", path));
  return text;
}

int RunProgram(const std::vector<std::string>& arguments, const ProgramIo& io) {
  CommandContext context{.io = io};
  CLI::App app("Montage: EEG recordings from upload to result, in one program", "montage");
  app.require_subcommand(1);
  app.fallthrough();
  AddConfigFlags(app, context);
  AddServiceCommands(app, context);
  AddMaintenanceCommands(app, context);
  AddEncryptionCommands(app, context);
  AddBackupCommands(app, context);
  AddUserCommands(app, context);
  AddKeyCommands(app, context);
  AddAuditCommands(app, context);
  AddAnalyzeCommand(app, context);
  AddEvaluateCommand(app, context);
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (!arguments.empty() && !arguments[0].starts_with('-') &&
      std::ranges::find(names, arguments[0]) == names.end()) {
    io.err << base::RenderDiagnostic(
        base::Error{base::ErrorCode::kInvalid,
                    fmt::format("there is no command \"{}\"", arguments[0])}
            .Hint(base::SuggestionFor(arguments[0], names)),
        {.color = io.color});
    return kUsage;
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, io.out, io.err) == 0 ? 0 : kUsage;
  }
  const base::Result<LoadedConfig> loaded = context.Load();
  const auto result = loaded ? context.action() : base::Result<int>(base::Fail(loaded.error()));
  if (result) return *result;
  io.err << base::RenderDiagnostic(result.error(), {.color = io.color});
  return loaded ? kFailure : kUsage;
}

}  // namespace montage::app
