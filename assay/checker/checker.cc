#include "assay/checker/checker.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/suggest.h"

namespace assay::checker {
namespace {

using history::Verdict;

std::vector<Kind> MakeKinds() {
  return {
      {.name = "set",
       .doc = "The last read holds everything whose add was acknowledged, and nothing that nobody "
              "added.",
       .roles = {{{"add", "create", "insert"}}, {{"read", "list"}}},
       .options = {"duplicates"}},
      {.name = "set-full",
       .doc = "No element that was once known is missing for good; says how long each took to "
              "become visible.",
       .roles = {{{"add", "create", "insert"}}, {{"read", "list"}}},
       .options = {"duplicates", "linearizable"}},
      {.name = "total-queue",
       .doc = "What goes in comes out: nothing acknowledged is lost, nothing appears by itself.",
       .roles = {{{"enqueue", "add", "send", "publish", "submit"}},
                 {{"dequeue", "take", "receive", "consume", "complete"}},
                 {{"drain", "read", "list"}}},
       .options = {"duplicates"}},
      {.name = "counter",
       .doc = "Every read lies between what was certainly added and what may have been added.",
       .roles = {{{"add", "increment"}}, {{"read"}}},
       .options = {"initial"}},
      {.name = "unique-ids",
       .doc = "No id is given twice.",
       .roles = {{{"generate", "add", "create"}}},
       .options = {}},
      {.name = "bank",
       .doc = "Every read has the same accounts with the same total.",
       .roles = {{{"read"}}, {{"transfer"}}},
       .options = {"total", "negative"}},
      {.name = "monotonic",
       .doc = "A value never falls from one read to a later one.",
       .roles = {{{"read"}}},
       .options = {"strict", "per_worker"}},
      {.name = "register",
       .doc = "There is an order in which every read gives what was written last "
              "(linearizability).",
       .roles = {{{"write", "put", "set"}}, {{"read", "get"}}, {{"cas"}}},
       .options = {"initial", "memory"}},
      {.name = "samples",
       .doc = "A signal arrives without gap, without overlap and bit for bit.",
       .roles = {{{"send", "append", "write"}}, {{"receive", "read"}}},
       .options = {"first"}},
  };
}

const Role* RoleOf(const Kind& kind, std::string_view op) {
  const auto found = std::ranges::find_if(kind.roles, [&](const Role& role) {
    return std::ranges::find(role.words, op) != role.words.end();
  });
  return found == kind.roles.end() ? nullptr : &*found;
}

CheckResult Run(std::string_view checker, std::span<const Operation> operations,
                const Options& options) {
  const size_t witnesses = options.witnesses;
  if (checker == "set") {
    return CheckSet(operations, {.duplicates_allowed = options.duplicates_allowed.value_or(false),
                                 .witnesses = witnesses});
  }
  if (checker == "set-full") {
    return CheckSetFull(operations,
                        {.linearizable = options.linearizable,
                         .duplicates_allowed = options.duplicates_allowed.value_or(false),
                         .witnesses = witnesses});
  }
  if (checker == "total-queue") {
    return CheckTotalQueue(
        operations,
        {.duplicates_allowed = options.duplicates_allowed.value_or(true), .witnesses = witnesses});
  }
  if (checker == "counter") {
    return CheckCounter(operations,
                        {.initial = options.initial_count.value_or(0), .witnesses = witnesses});
  }
  if (checker == "unique-ids") return CheckUniqueIds(operations, {.witnesses = witnesses});
  if (checker == "bank") {
    return CheckBank(operations, {.total = options.total,
                                  .negative_allowed = options.negative_allowed,
                                  .witnesses = witnesses});
  }
  if (checker == "monotonic") {
    return CheckMonotonic(
        operations,
        {.strict = options.strict, .per_worker = options.per_worker, .witnesses = witnesses});
  }
  if (checker == "register") {
    return CheckRegister(
        operations,
        {.initial = options.initial, .memory_bytes = options.memory_bytes, .witnesses = witnesses});
  }
  return CheckSamples(operations, {.first = options.first, .witnesses = witnesses});
}

// Brings the operations into the form that the functions expect; what is in the way of a proof.
std::vector<std::string> Prepare(const Kind& kind, std::vector<Operation>& operations) {
  std::map<std::string, size_t> unknown;
  std::vector<std::string> doubts;
  for (Operation& operation : operations) {
    const Role* role = RoleOf(kind, operation.op);
    if (role == nullptr) {
      ++unknown[operation.op];
    } else {
      operation.op = role->words.front();
    }
    if (operation.acknowledged() && !operation.problem.empty()) {
      doubts.push_back(fmt::format("{}: {}", operation.path, operation.problem));
    }
  }
  for (const auto& [op, count] : unknown) {
    doubts.push_back(fmt::format("{} operations \"{}\" mean nothing to {}, which knows {}", count,
                                 op, kind.name, fmt::join(kind.Words(), ", ")));
  }
  std::ranges::sort(operations, {},
                    [](const Operation& operation) { return operation.attempted.seq; });
  return doubts;
}

}  // namespace

std::vector<std::string> Kind::Words() const {
  std::vector<std::string> words;
  for (const Role& role : roles) words.insert(words.end(), role.words.begin(), role.words.end());
  return words;
}

bool Kind::Knows(std::string_view op) const { return RoleOf(*this, op) != nullptr; }

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = MakeKinds();
  return kinds;
}

const Kind* FindKind(std::string_view name) {
  const auto found = std::ranges::find(Kinds(), name, &Kind::name);
  return found == Kinds().end() ? nullptr : &*found;
}

base::Result<CheckResult> Check(std::string_view checker, std::vector<Operation> operations,
                                const Options& options) {
  const Kind* kind = FindKind(checker);
  if (kind == nullptr) {
    std::vector<std::string> names;
    for (const Kind& one : Kinds()) names.emplace_back(one.name);
    base::Error error{base::ErrorCode::kNotFound, fmt::format("no checker \"{}\"", checker)};
    error.hint = base::SuggestionFor(checker, names);
    return base::Fail(std::move(error));
  }
  const std::vector<std::string> doubts = Prepare(*kind, operations);
  CheckResult result = Run(checker, operations, options);
  if (!doubts.empty() && result.verdict != Verdict::kFailed) {
    constexpr size_t kShown = 3;
    const size_t shown = std::min(doubts.size(), kShown);
    const std::span<const std::string> first(doubts.data(), shown);
    std::string reason = fmt::format("{}", fmt::join(first, "; "));
    if (doubts.size() > shown) reason += fmt::format("; and {} more", doubts.size() - shown);
    if (!result.reason.empty()) reason += "; " + result.reason;
    result.verdict = Verdict::kInconclusive;
    result.reason = std::move(reason);
  }
  return result;
}

}  // namespace assay::checker
