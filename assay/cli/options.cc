#include "assay/cli/options.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "assay/report/report.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace assay::cli {
namespace {

using base::ErrorCode;

/// What CLI11 gives as text and is read afterwards.
struct RawTexts {
  std::vector<std::string> vars;
  std::vector<std::string> urls;
  std::string shard;
  std::string timeout;
};

void AddCommon(CLI::App& app, Invocation& to) {
  app.add_option("--project", to.project, "folder of assay.yaml, or one below it");
  app.add_flag("--no-color", to.no_color, "plain text");
}

void AddChoice(CLI::App& app, Invocation& to) {
  Choice& choice = to.choice;
  app.add_option("paths", choice.paths, "scenario files or folders; absent: all");
  app.add_option("--suite", choice.suites, "scenarios of this system or folder")->delimiter(',');
  app.add_option("--filter", choice.filters, "scenarios whose id matches the glob")->delimiter(',');
  app.add_option("--tag", choice.tags, "with this tag or category")->delimiter(',');
  app.add_option("--category", choice.categories, "of this category")->delimiter(',');
  app.add_option("--priority", choice.priorities, "critical, high, normal or low")
      ->delimiter(',')
      ->check(CLI::IsMember({"critical", "high", "normal", "low"}));
  app.add_option("--verifies", choice.verifies, "that verify this requirement (glob)")
      ->delimiter(',');
  app.add_option("--exclude", choice.exclude, "leaves out ids that match the glob")->delimiter(',');
  app.add_option("--env", to.environment, "environment of assay.yaml");
}

void AddRun(CLI::App& app, Invocation& to, RawTexts& raw) {
  AddCommon(app, to);
  AddChoice(app, to);
  app.add_option("--jobs", to.jobs, "scenarios at the same time")->check(CLI::Range(1, 1024));
  app.add_option("--seed", to.seed, "of everything random; the same seed gives the same run");
  app.add_option("--shard", raw.shard, "this part of all scenarios, or of the load of one: 2/3");
  app.add_flag("--fail-fast", to.fail_fast, "starts no scenario after a failure");
  app.add_option("--report", to.reports, "terminal, json, junit, html")->delimiter(',');
  app.add_option("--var", raw.vars, "name=value: replaces a variable");
  app.add_option("--url,--set-endpoint", raw.urls,
                 "name=URL: reaches an endpoint there; a URL alone: the default endpoint");
  app.add_flag("--keep-work", to.keep_work, "keeps scratch and data directories");
  app.add_flag("--up", to.use_up, "in the environment that `assay up` started; it stays up");
  app.add_flag("--verbose,-v", to.verbose, "a line for every step");
  app.add_flag("--json", to.json, "prints the run as JSON instead of text");
  app.add_flag("--interactive", to.interactive,
               "asks the person at the terminal what manual steps ask");
  app.add_option("--sign", to.signing_key, "signs the history with a key of `assay keygen`");
  app.add_option("--results", to.results, "folder of all runs");
  app.add_option("--retries", to.retries, "further tries of a scenario that did not pass")
      ->check(CLI::Range(0, 100));
  app.add_option("--timeout", raw.timeout, "limit of a scenario that has none of its own");
  app.add_option("--fault-plan", to.fault_plan,
                 "file of `assay shrink`: its faults instead of random ones");
}

void AddPastRun(CLI::App& app, Invocation& to) {
  AddCommon(app, to);
  app.add_option("run", to.run, "run directory, or its name; absent: the latest");
  app.add_option("--results", to.results, "folder of all runs");
}

base::Result<std::pair<std::string, std::string>> SplitPair(const std::string& text,
                                                            std::string_view what) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("{} \"{}\" is no name=value", what, text));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// `api=http://x?a=b` has a name, `http://x?a=b` has none.
base::Result<std::pair<std::string, std::string>> SplitUrl(const std::string& text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("--url \"{}\" is neither URL nor name=URL", text));
  }
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals > scheme) return std::pair(std::string(), text);
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

base::Result<void> ReadTexts(const RawTexts& raw, Invocation& to) {
  for (const std::string& text : raw.vars) {
    TRY(auto pair, SplitPair(text, "--var"));
    to.vars.push_back(std::move(pair));
  }
  for (const std::string& text : raw.urls) {
    TRY(auto pair, SplitUrl(text));
    to.urls.push_back(std::move(pair));
  }
  if (!raw.shard.empty()) {
    TRY(to.shard, plan::ParseShard(raw.shard));
  }
  if (!raw.timeout.empty()) {
    TRY(to.timeout, base::ParseDuration(raw.timeout));
  }
  std::vector<std::string> formats = {"terminal"};
  for (const auto& format : report::BuiltinReports()) formats.emplace_back(format.name);
  for (const std::string& name : to.reports) {
    if (std::ranges::find(formats, name) != formats.end()) continue;
    base::Error error{ErrorCode::kInvalid, fmt::format("unknown report format \"{}\"", name)};
    error.hint = base::SuggestionFor(name, formats);
    return base::Fail(std::move(error));
  }
  return {};
}

void AddLoad(CLI::App& app, Invocation& to, RawTexts& raw) {
  DeclareLoad(app, to.load);
  app.add_flag("--no-color", to.no_color, "plain text");
  app.add_flag("--verbose,-v", to.verbose, "a line for every second, also without a terminal");
  app.add_flag("--json", to.json, "prints the run as JSON instead of text");
  app.add_option("--seed", to.seed, "of everything random");
  app.add_option("--shard", raw.shard, "this part of the load: 2/3; `assay merge` joins them");
  app.add_option("--report", to.reports, "json, junit, html (html)")->delimiter(',');
  app.add_option("--results", to.results, "folder of all runs");
}

void DeclareComparison(CLI::App& compare, CLI::App& history, Invocation& to) {
  DeclareCompare(compare, to.compare);
  compare.add_flag("--force", to.force, "also when the conditions of the runs differ");
  compare.add_option("--report", to.reports, "html, junit, json beside the judged run")
      ->delimiter(',');
  compare.add_flag("--verbose,-v", to.verbose, "a line for every metric");
  DeclareHistory(history, to.history);
  for (CLI::App* app : {&compare, &history}) {
    AddCommon(*app, to);
    app->add_option("--results", to.results, "folder of all runs");
    app->add_flag("--json", to.json, "prints JSON");
  }
}

struct Commands {
  CLI::App app{"assay tests systems: it runs scenarios, keeps what happened, and judges it"};
  RawTexts raw;
  std::vector<std::pair<CLI::App*, Command>> list;

  CLI::App* Add(const std::string& name, const std::string& doc, Command command) {
    CLI::App* made = app.add_subcommand(name, doc);
    list.emplace_back(made, command);
    return made;
  }
};

void DeclareInspection(Commands& commands, Invocation& to) {
  CLI::App* check = commands.Add("check", "finds every mistake in the files", Command::kCheck);
  AddCommon(*check, to);
  check->add_option("path", to.project, "folder of the project");
  check->add_flag("--json", to.json, "prints JSON");
  CLI::App* list = commands.Add("list", "shows what a run would run", Command::kList);
  AddCommon(*list, to);
  AddChoice(*list, to);
  list->add_flag("--json", to.json, "prints JSON");
  CLI::App* schema = commands.Add("schema", "prints what files may contain", Command::kSchema);
  schema->add_option("kind", to.kind,
                     "project, scenario, fragment, requirements, plan or environment");
  schema->add_flag("--reference", to.reference, "Markdown of all tables and actions");
  CLI::App* eval = commands.Add("eval", "evaluates an expression and explains it", Command::kEval);
  eval->add_option("expression", to.expression, "CEL")->required();
  eval->add_option("--data", to.data_file, "JSON file; its members are the variables");
  commands.Add("version", "prints the version", Command::kVersion);
}

void DeclareEvidence(Commands& commands, Invocation& to) {
  CLI::App* replay = commands.Add(
      "replay", "judges a recorded run again: the verdicts must be the same", Command::kReplay);
  AddPastRun(*replay, to);
  replay->add_flag("--allow-changed", to.allow_changed, "also when files changed since");
  CLI::App* verify = commands.Add("verify", "checks that a run was not altered", Command::kVerify);
  AddPastRun(*verify, to);
  CLI::App* merge =
      commands.Add("merge", "joins the runs of all shards of a plan to one run", Command::kMerge);
  AddCommon(*merge, to);
  merge->add_option("shards", to.shards, "run directories or names, one a shard")->required();
  merge->add_option("--results", to.results, "folder of the merged run");
  merge->add_option("--report", to.reports, "terminal, json, junit, html")->delimiter(',');
  merge->add_option("--sign", to.signing_key, "signs the history with a key of `assay keygen`");
  merge->add_flag("--verbose,-v", to.verbose, "a line for every step");
  merge->add_flag("--json", to.json, "prints the run as JSON instead of text");
  CLI::App* keygen = commands.Add("keygen", "makes a key that signs histories", Command::kKeygen);
  keygen->add_option("file", to.key, "file of the secret key; FILE.pub gets the public one")
      ->required();
  verify->add_option("--key", to.key, "public key (file, or 64 hexadecimal digits)");
  CLI::App* render = commands.Add("report", "renders a recorded run again", Command::kReport);
  AddPastRun(*render, to);
  render->add_option("--report", to.reports, "terminal, json, junit, html")->delimiter(',');
  render->add_flag("--verbose,-v", to.verbose, "a line for every step");
  CLI::App* trace =
      commands.Add("trace", "shows which requirement is proved by what", Command::kTrace);
  AddCommon(*trace, to);
  trace->add_option("--suite", to.choice.suites, "requirements of this system")->delimiter(',');
  trace->add_option("--run", to.run, "run directory or name; absent: the latest");
  trace->add_option("--results", to.results, "folder of all runs");
  trace->add_flag("--json", to.json, "prints JSON");
  trace->add_option("--html", to.html, "writes a page");
  trace->add_flag("--fail-uncovered", to.fail_uncovered,
                  "exit code 4 when a requirement is not verified");
}

void DeclareEnvironments(Commands& commands, Invocation& to) {
  const auto add = [&](const char* name, const char* doc, Command command) {
    CLI::App* made = commands.Add(name, doc, command);
    AddCommon(*made, to);
    made->add_option("--results", to.results, "folder of all runs");
    return made;
  };
  CLI::App* up = add("up", "starts an environment, which stays up", Command::kUp);
  up->add_option("environment", to.environment, "of assay.yaml; absent: the default one");
  up->add_option("--var", commands.raw.vars, "name=value: replaces a variable");
  up->add_flag("--verbose,-v", to.verbose, "a line for every change of a service");
  up->add_flag("--keep-work", to.keep_work, "keeps data directories after `assay down`");
  up->add_flag("--json", to.json, "prints JSON");
  CLI::App* status =
      add("status", "shows what is up; exit code 3 when something is not ready", Command::kStatus);
  status->add_option("environment", to.environment, "absent: all");
  status->add_flag("--json", to.json, "prints JSON");
  CLI::App* logs = add("logs", "shows the output of a service that is up", Command::kLogs);
  logs->add_option("service", to.service, "name of the service")->required();
  logs->add_option("--env", to.environment, "environment; absent: the one that is up");
  logs->add_option("--tail", to.tail, "only the last lines")->check(CLI::Range(0, 1000000));
  logs->add_flag("--follow,-f", to.follow, "goes on until it is interrupted");
  CLI::App* down = add("down", "takes an environment down that is up", Command::kDown);
  down->add_option("environment", to.environment, "absent: the one that is up");
  CLI::App* doctor =
      commands.Add("doctor", "shows which programs are installed that environments and tests need",
                   Command::kDoctor);
  AddCommon(*doctor, to);
  doctor->add_flag("--json", to.json, "prints JSON");
}

void DeclareOnboarding(Commands& commands, Invocation& to) {
  CLI::App* init = commands.Add("init", "begins a project", Command::kInit);
  init->add_option("folder", to.out, "where; absent: here");
  init->add_option("--url", commands.raw.urls, "of a system that runs; absent: a small example");
  init->add_option("--name", to.name, "of the project; absent: the folder's");
  init->add_flag("--no-color", to.no_color, "plain text");
  CLI::App* import =
      commands.Add("import", "makes scenarios from what others wrote", Command::kImport);
  import->add_option("format", to.format, "openapi, postman, har or curl")
      ->required()
      ->check(CLI::IsMember({"openapi", "postman", "har", "curl"}));
  import->add_option("file", to.input_file, "what to read; - is standard input")->required();
  AddCommon(*import, to);
  import->add_option("--name", to.name, "of the suite; absent: the file's");
  import->add_option("--url", commands.raw.urls, "of the system; absent: what the file says");
  import->add_flag("--each-operation", to.each_operation,
                   "openapi: a scenario for each operation, not for each tag");
  import->add_flag("--force", to.force, "replaces files that exist");
  import->add_flag("--json", to.json, "prints JSON");
  CLI::App* record = commands.Add(
      "record", "passes requests on to a system and writes a scenario of them", Command::kRecord);
  record->add_option("--upstream", to.upstream, "URL of the system")->required();
  record->add_option("--out", to.out, "scenario file to write: suites/demo/notes.yaml")->required();
  record->add_option("--listen", to.listen,
                     "port, or address:port; absent: a free port of 127.0.0.1");
  record->add_option("--requests", to.requests, "ends after so many; absent: with Ctrl-C");
  record->add_option("--name", to.name, "what ids begin with; absent: the file's name");
  record->add_flag("--insecure", to.insecure, "takes any certificate of the system");
  record->add_flag("--force", to.force, "replaces files that exist");
  record->add_flag("--json", to.json, "prints JSON");
  record->add_flag("--no-color", to.no_color, "plain text");
  CLI::App* completion = commands.Add(
      "completion", "prints a completion script, the manual page, or the reference of commands",
      Command::kCompletion);
  completion->add_option("what", to.shell, "bash, zsh, fish, man or markdown")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man", "markdown"}));
}

void DeclareProxy(Commands& commands, Invocation& to) {
  CLI::App* proxy = commands.Add("proxy", "runs the fault proxy alone; Toxiproxy clients drive it",
                                 Command::kProxy);
  proxy->add_option("--host", to.host, "address of the control API; absent: localhost");
  proxy->add_option("--port", to.port, "port of the control API; 0: a free one; absent: 8474");
  proxy->add_option("--config", to.config, "JSON file with a list of proxies");
  proxy->add_option("--seed", to.seed, "of everything random");
  proxy->add_flag("--json", to.json, "prints JSON");
  proxy->add_flag("--no-color", to.no_color, "plain text");
}

void DeclareShrink(Commands& commands, Invocation& to) {
  CLI::App* shrink = commands.Add(
      "shrink", "finds the few random faults that make a run fail, by running again and again",
      Command::kShrink);
  AddRun(*shrink, to, commands.raw);
  shrink->add_option("--tries", to.tries, "parts to try at most (40)")->check(CLI::Range(1, 10000));
  shrink->add_option("--repeat", to.repeat, "a part counts as passing after so many passes (1)")
      ->check(CLI::Range(1, 100));
  shrink->add_option("--out", to.out, "file for the faults; absent: in the first run's folder");
}

void DeclareAll(Commands& commands, Invocation& to) {
  commands.app.name("assay");
  commands.app.require_subcommand(1);
  AddRun(*commands.Add("run", "runs scenarios", Command::kRun), to, commands.raw);
  AddLoad(*commands.Add("load", "puts one URL under load", Command::kLoad), to, commands.raw);
  DeclareInspection(commands, to);
  DeclareEvidence(commands, to);
  DeclareComparison(
      *commands.Add("compare", "judges runs against a baseline", Command::kCompare),
      *commands.Add("history", "shows what was measured over time", Command::kHistory), to);
  DeclareEnvironments(commands, to);
  DeclareOnboarding(commands, to);
  DeclareProxy(commands, to);
  DeclareShrink(commands, to);
}

/// The values between braces in what CLI11 shows of a membership check: `TEXT:{a,b}`.
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.rfind('}');
  std::vector<std::string> out;
  if (open == std::string::npos || close == std::string::npos) return out;
  std::string rest = type.substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    out.push_back(rest.substr(0, end));
    rest.erase(0, std::min(end + 1, rest.size()));
  }
  return out;
}

// The options of toxiproxy-server have one dash.
std::vector<std::string> WithTwoDashes(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "proxy") return arguments;
  for (std::string& argument : arguments) {
    for (const char* name : {"host", "port", "config", "seed"}) {
      const std::string one = fmt::format("-{}", name);
      if (argument == one || argument.starts_with(one + "=")) argument.insert(0, 1, '-');
    }
  }
  return arguments;
}

// What CLI11 says, in our form.
base::Error UsageError(const CLI::ParseError& error, const Commands& commands,
                       const std::vector<std::string>& arguments) {
  base::Error out{ErrorCode::kInvalid, error.what()};
  const bool no_command =
      std::ranges::none_of(commands.list, [](const auto& one) { return one.first->parsed(); });
  const bool extras_named = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                            (no_command && !arguments.empty());
  if (arguments.empty()) out.message = "no command was given";
  if (!extras_named) {
    if (!out.message.empty() && out.message.back() == '.') out.message.pop_back();
    out.hint = "assay --help shows all commands, assay COMMAND --help its options";
    return out;
  }
  const CLI::App* at = &commands.app;
  for (const auto& [app, command] : commands.list) {
    if (app->parsed()) at = app;
  }
  std::vector<std::string> known;
  std::string wrong;
  if (at == &commands.app) {
    for (const auto& [app, command] : commands.list) known.push_back(app->get_name());
    wrong = arguments.empty() ? "" : arguments.front();
    out.message = fmt::format("unknown command \"{}\"", wrong);
  } else {
    const auto extras = at->remaining();
    wrong = extras.empty() ? "" : extras.front();
    wrong = wrong.substr(0, wrong.find('='));
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    out.message = fmt::format("unknown option \"{}\"", wrong);
  }
  out.hint =
      base::Nearest(wrong, known).empty()
          ? fmt::format("assay {}{}--help shows what there is",
                        at == &commands.app ? "" : at->get_name(), at == &commands.app ? "" : " ")
          : base::SuggestionFor(wrong, known);
  return out;
}

}  // namespace

base::Result<Invocation> ParseArguments(const std::vector<std::string>& given) {
  const std::vector<std::string> arguments = WithTwoDashes(given);
  Invocation to;
  Commands commands;
  DeclareAll(commands, to);
  try {
    commands.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    to.help = commands.app.help();
    return to;
  } catch (const CLI::ParseError& error) {
    return base::Fail(UsageError(error, commands, arguments));
  }
  for (const auto& [app, command] : commands.list) {
    if (app->parsed()) to.command = command;
  }
  TRY(ReadTexts(commands.raw, to));
  return to;
}

std::vector<CommandDescription> DescribeCommands() {
  Invocation unused;
  Commands commands;
  DeclareAll(commands, unused);
  std::vector<CommandDescription> out;
  for (const auto& [app, command] : commands.list) {
    CommandDescription one{.name = app->get_name(), .doc = app->get_description()};
    for (const CLI::Option* option : app->get_options()) {
      OptionDescription described{.doc = option->get_description(),
                                  .has_value = option->get_items_expected_max() > 0,
                                  .required = option->get_required(),
                                  .choices = ChoicesOf(*option)};
      if (option->get_positional()) {
        described.names.push_back(option->get_name(true));
        one.arguments.push_back(std::move(described));
        continue;
      }
      if (option->check_lname("help")) continue;
      for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
      for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
      one.options.push_back(std::move(described));
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace assay::cli
