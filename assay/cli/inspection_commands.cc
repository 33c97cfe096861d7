// check, list, schema and eval: what the files say, without running anything.

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cel/cel.h"
#include "assay/cel/explain.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/cli/commands.h"
#include "assay/cli/environment_spec.h"
#include "assay/cli/project.h"
#include "assay/history/file_io.h"
#include "assay/plan/resolve.h"
#include "assay/scenario/schema_export.h"
#include "lib/base/suggest.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::cli {
namespace {

using base::ErrorCode;
using scenario::FileKind;

constexpr std::array kKinds = {FileKind::kProject,  FileKind::kScenario,
                               FileKind::kFragment, FileKind::kRequirements,
                               FileKind::kPlan,     FileKind::kEnvironment};

std::string Plural(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

boost::json::array ProblemsToJson(const std::vector<base::Error>& list, std::string_view severity) {
  boost::json::array out;
  for (const base::Error& error : list) {
    out.push_back({{"severity", severity},
                   {"message", error.message},
                   {"file", error.span.source != nullptr ? error.span.source->name() : ""},
                   {"line", error.span.line},
                   {"column", error.span.column},
                   {"hint", error.hint}});
  }
  return out;
}

// Environments are looked at as well; Check of the plan does not know how they are brought up.
void CheckEnvironments(const scenario::Project& project, const std::string& root,
                       scenario::Problems& problems) {
  for (const scenario::Environment& environment : project.environments) {
    const EnvironmentFacts facts{.run = {},
                                 .env = {},
                                 .credentials = {},
                                 .shared_directory = {},
                                 .project_directory = root,
                                 .overrides = {}};
    static_cast<void>(ConvertEnvironment(project, environment, facts, problems));
  }
}

std::string ListLine(const plan::ListedScenario& one, size_t id_width) {
  std::string line = fmt::format("{:<{}}  {:<8}  {}", one.id, id_width, one.priority, one.title);
  if (one.instances > 1) line += fmt::format("  ({} instances)", one.instances);
  if (!one.skip_reason.empty()) line += fmt::format("  [skipped: {}]", one.skip_reason);
  return line + "\n";
}

boost::json::object ListedToJson(const plan::ListedScenario& one) {
  const auto words = [](const std::vector<std::string>& list) {
    return boost::json::array(list.begin(), list.end());
  };
  return {{"id", one.id},
          {"title", one.title},
          {"system", one.system},
          {"priority", one.priority},
          {"file", one.file},
          {"instances", one.instances},
          {"category", words(one.category)},
          {"tags", words(one.tags)},
          {"verifies", words(one.verifies)},
          {"skip_reason", one.skip_reason}};
}

}  // namespace

ExitCode CheckCommand(const Invocation& invocation, const Host& host) {
  const auto root = FindRoot(host, invocation);
  if (!root) {
    PrintError(root.error(), host, invocation.no_color);
    return ExitCode::kUsage;
  }
  const Vocabulary vocabulary;
  const scenario::DiskFiles files(*root);
  plan::CheckReport report = plan::Check(files, vocabulary.schemas);
  CheckEnvironments(*report.project, root->string(), report.problems);
  const bool ok = report.problems.ok();
  if (invocation.json) {
    boost::json::array problems = ProblemsToJson(report.problems.errors(), "error");
    for (auto& warning : ProblemsToJson(report.problems.warnings(), "warning")) {
      problems.push_back(std::move(warning));
    }
    host.out(
        json::Pretty(boost::json::object{
            {"problems", std::move(problems)},
            {"scenarios", report.scenarios},
            {"instances", report.instances},
            {"steps", report.steps},
            {"expressions", report.expressions},
            {"requirements", report.requirements},
            {"unverified", boost::json::array(report.unverified.begin(), report.unverified.end())},
            {"unasserted",
             boost::json::array(report.unasserted.begin(), report.unasserted.end())}}) +
        "\n");
    return ok ? ExitCode::kPassed : ExitCode::kFiles;
  }
  PrintProblems(report.problems, host, invocation.no_color);
  for (const std::string& step : report.unasserted) {
    host.out(fmt::format("unasserted  {}\n", step));
  }
  if (!report.unverified.empty()) {
    constexpr size_t kShown = 12;
    host.out(report.unverified.size() <= kShown
                 ? fmt::format("unverified  {}\n", fmt::join(report.unverified, ", "))
                 : fmt::format("unverified  {} requirements are named by no scenario; `assay "
                               "trace` lists them\n",
                               report.unverified.size()));
  }
  host.out(fmt::format("{} ({}), {}, {}, {}: {}\n", Plural(report.scenarios, "scenario"),
                       Plural(report.instances, "instance"), Plural(report.steps, "step"),
                       Plural(report.expressions, "expression"),
                       Plural(report.requirements, "requirement"),
                       ok ? "no errors" : "there are errors"));
  return ok ? ExitCode::kPassed : ExitCode::kFiles;
}

ExitCode ListCommand(const Invocation& invocation, const Host& host) {
  const auto root = FindRoot(host, invocation);
  if (!root) {
    PrintError(root.error(), host, invocation.no_color);
    return ExitCode::kUsage;
  }
  const Vocabulary vocabulary;
  scenario::Problems problems;
  const auto project = LoadProject(*root, vocabulary, problems);
  const auto select = Select(*project, invocation.choice, *root, host);
  if (!select && problems.ok()) {
    PrintError(select.error(), host, invocation.no_color);
    return ExitCode::kUsage;
  }
  const scenario::DiskFiles files(*root);
  std::vector<plan::ListedScenario> list;
  if (select) {
    list = plan::List(plan::Resolve(project, vocabulary.schemas, files,
                                    {.select = *select, .environment = invocation.environment},
                                    problems));
  }
  if (PrintProblems(problems, host, invocation.no_color, invocation.choice.suites)) {
    return ExitCode::kFiles;
  }
  if (invocation.json) {
    boost::json::array out;
    for (const auto& one : list) out.push_back(ListedToJson(one));
    host.out(json::Pretty(boost::json::object{{"scenarios", std::move(out)}}) + "\n");
    return ExitCode::kPassed;
  }
  size_t width = 0;
  for (const auto& one : list) width = std::max(width, one.id.size());
  for (const auto& one : list) host.out(ListLine(one, width));
  host.out(Plural(list.size(), "scenario") + "\n");
  return ExitCode::kPassed;
}

ExitCode SchemaCommand(const Invocation& invocation, const Host& host) {
  const Vocabulary vocabulary;
  if (invocation.reference) {
    std::string page;
    for (const FileKind kind : kKinds) page += scenario::ReferenceOf(kind) + "\n";
    host.out(page + scenario::ReferenceOfActions(vocabulary.schemas));
    return ExitCode::kPassed;
  }
  std::vector<std::string> names;
  boost::json::object all;
  for (const FileKind kind : kKinds) {
    const std::string name(ToString(kind));
    names.push_back(name);
    if (!invocation.kind.empty() && invocation.kind != name) continue;
    all[name] = scenario::JsonSchema(kind, vocabulary.schemas);
  }
  if (all.empty()) {
    base::Error error{ErrorCode::kInvalid, fmt::format("unknown kind \"{}\"", invocation.kind)};
    error.hint = base::SuggestionFor(invocation.kind, names);
    PrintError(error, host, invocation.no_color);
    return ExitCode::kUsage;
  }
  host.out(json::Pretty(invocation.kind.empty() ? boost::json::value(all) : all.begin()->value()) +
           "\n");
  return ExitCode::kPassed;
}

ExitCode EvalCommand(const Invocation& invocation, const Host& host) {
  cel::Environment names;
  cel::MapActivation values;
  if (!invocation.data_file.empty()) {
    const auto text = history::ReadWholeFile(host.directory / invocation.data_file);
    const auto parsed =
        text ? json::Parse(*text) : base::Result<boost::json::value>(base::Fail(text.error()));
    if (!parsed || !parsed->is_object()) {
      PrintError(parsed ? base::Error{ErrorCode::kInvalid,
                                      fmt::format("{} holds no JSON object", invocation.data_file)}
                        : parsed.error(),
                 host, invocation.no_color);
      return ExitCode::kFiles;
    }
    for (const auto& [name, value] : parsed->get_object()) {
      names.Variable(std::string(name), cel::Type::Dyn());
      values.Set(std::string(name), cel::FromJson(value));
    }
  }
  const auto source = std::make_shared<const base::SourceText>("expression", invocation.expression);
  const auto length = static_cast<uint32_t>(std::max<size_t>(invocation.expression.size(), 1));
  const auto program = cel::Compile(names, invocation.expression, {source, 1, 1, length});
  if (!program) {
    PrintError(program.error(), host, invocation.no_color);
    return ExitCode::kFiles;
  }
  const cel::Explanation explanation = cel::Explain(*program, values);
  host.out(cel::DebugString(explanation.value, cel::TextLimits::None()) + "\n");
  if (const std::string why = explanation.ToText(); !why.empty()) host.out(why);
  if (explanation.value.is_error()) return ExitCode::kError;
  return explanation.value.is_false() ? ExitCode::kFailed : ExitCode::kPassed;
}

}  // namespace assay::cli
