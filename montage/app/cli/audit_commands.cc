#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/app/cli/command.h"

namespace montage::app {
namespace {

using base::Result;

struct AuditOptions {
  std::string expected_head;
  audit::AuditLog::Filter filter;
  bool as_json = false;
};

Result<int> Verify(CommandContext& context, const AuditOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const audit::Verification found,
      open->audit.Verify(options.expected_head, CommandDeadline()));
  if (!found.problem.empty()) {
    context.io.out << (found.first_broken ? fmt::format("broken at entry {}: {}\n",
                                                        *found.first_broken, found.problem)
                                          : fmt::format("broken: {}\n", found.problem));
    return 1;
  }
  context.io.out << fmt::format("intact: {} entries, head {}\n", found.entries, found.head);
  return 0;
}

Result<int> List(CommandContext& context, const AuditOptions& options) {
  TRY(const auto open, context.Open(false));
  TRY(const auto entries, open->audit.List(options.filter, CommandDeadline()));
  if (!options.as_json) {
    std::vector<std::vector<std::string>> rows{
        {"SEQ", "TIME", "ACTOR", "ACTION", "OBJECT", "DECISION", "REQUEST"}};
    for (const audit::Entry& entry : entries) {
      rows.push_back({std::to_string(entry.seq), ShortTime(entry.time), entry.actor, entry.action,
                      entry.object, std::string(audit::ToString(entry.decision)),
                      entry.request_id});
    }
    PrintTable(context.io.out, rows);
    return 0;
  }
  for (const audit::Entry& entry : entries) {
    context.io.out << boost::json::serialize(audit::ToJson(entry)) << '\n';
  }
  return 0;
}

}  // namespace

void AddAuditCommands(CLI::App& app, CommandContext& context) {
  auto* commands = app.add_subcommand("audit", "The audit trail");
  commands->require_subcommand(1);
  const auto options = std::make_shared<AuditOptions>();
  auto* verify = commands->add_subcommand("verify", "Check that no entry was changed or removed");
  verify->add_option("--expected-head", options->expected_head,
                     "hash that was noted before; proves that the end was not cut off");
  verify->callback([&context, options] {
    context.action = [&context, options] { return Verify(context, *options); };
  });
  auto* list = commands->add_subcommand("list", "List entries");
  list->add_option("--actor", options->filter.actor, "only of this user or key id");
  list->add_option("--action", options->filter.action, "only this action, such as eeg.upload");
  list->add_option("--after", options->filter.after_seq, "only entries behind this number");
  list->add_option("--limit", options->filter.limit, "at most so many (100)");
  list->add_flag("--json", options->as_json, "as JSON lines");
  list->callback([&context, options] {
    context.action = [&context, options] { return List(context, *options); };
  });
}

}  // namespace montage::app
