#include "assay/scenario/schema.h"

namespace assay::scenario {
namespace {

Field StepsField(std::string doc) {
  return {.name = "steps", .type = Type::Steps(), .required = true, .doc = std::move(doc)};
}

ActionSchema Structure(std::string name, std::string doc, std::string shorthand,
                       std::string shorthand_doc, std::vector<Field> params,
                       std::vector<Field> outcome) {
  ActionSchema action;
  action.name = std::move(name);
  action.doc = std::move(doc);
  action.shorthand = std::move(shorthand);
  action.shorthand_doc = std::move(shorthand_doc);
  action.params.fields = std::move(params);
  action.outcome = std::move(outcome);
  action.role = ActionRole::kStructure;
  return action;
}

Field Outcomes() {
  return {.name = "outcomes",
          .type = Type::List(Type::Any()),
          .doc = "What the steps, branches or iterations gave, in file order."};
}

ActionSchema ForEachAction() {
  ActionSchema action =
      Structure("for_each", "Runs its steps once for every element of a list.", "each",
                "{ variable: list } or a list (then the variable is `item`)",
                {{.name = "each",
                  .type = Type::Any(),
                  .required = true,
                  .doc = "A map of one variable name to a list, or a list."},
                 {.name = "concurrency",
                  .type = Type::Int(),
                  .default_text = "1",
                  .doc = "How many iterations run at a time."},
                 StepsField("The body; it sees the variable and `index`.")},
                {Outcomes()});
  action.shorthand_takes_maps = true;
  return action;
}

ActionSchema SetAction() {
  ActionSchema action =
      Structure("set", "Sets variables for the steps after it.", "values", "{ name: value }",
                {{.name = "values",
                  .type = Type::Map(Type::Any()),
                  .required = true,
                  .doc = "New values of `vars`."}},
                {});
  action.shorthand_takes_maps = true;
  action.outcome_open = true;
  return action;
}

std::vector<Field> CheckParams() {
  const Type allowed = Type::Enum({"allowed", "forbidden"});
  return {
      {.name = "checker",
       .type = Type::Enum({"set", "set-full", "total-queue", "counter", "unique-ids", "bank",
                           "monotonic", "register", "samples"}),
       .required = true,
       .doc = "What must hold for the operations of the ledger."},
      {.name = "ledger",
       .type = Type::String(),
       .required = true,
       .doc = "Name of the ledger; steps fill it by `record`."},
      {.name = "duplicates",
       .type = allowed,
       .doc = "set, set-full, total-queue: whether an element may come twice; default allowed for "
              "total-queue, forbidden otherwise."},
      {.name = "linearizable",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "set-full: what is known must be in every later read."},
      {.name = "initial",
       .type = Type::Any(),
       .doc = "counter, register: the value before the first operation; default 0, null."},
      {.name = "total",
       .type = Type::Int(),
       .doc = "bank: the sum; default that of the first read."},
      {.name = "negative",
       .type = allowed,
       .default_text = "forbidden",
       .doc = "bank: whether a balance may be below zero."},
      {.name = "strict",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "monotonic: equal values are wrong as well."},
      {.name = "per_worker",
       .type = Type::Bool(),
       .default_text = "false",
       .doc = "monotonic: only reads of one worker (one list of steps, one user of a workload) are "
              "compared."},
      {.name = "memory",
       .type = Type::Size(),
       .default_text = "64MiB",
       .doc = "register: memory of the search in one key; beyond it the key is undecided."},
      {.name = "first", .type = Type::Int(), .doc = "samples: index of the first sample."},
      {.name = "witnesses",
       .type = Type::Int(),
       .default_text = "10",
       .doc = "How many findings are kept with their operations."}};
}

std::vector<Field> CheckOutcome() {
  const ObjectSchema operation{
      .name = "operation",
      .doc = "An operation of a ledger.",
      .fields = {{.name = "path", .type = Type::String(), .doc = "Step path with attempt."},
                 {.name = "op", .type = Type::String(), .doc = "Kind of operation."},
                 {.name = "ending",
                  .type = Type::String(),
                  .doc = "acknowledged, failed or indeterminate."},
                 {.name = "key", .type = Type::Any(), .doc = "What it was about."},
                 {.name = "value", .type = Type::Any(), .doc = "What was written or read."},
                 {.name = "attempted", .type = Type::Duration(), .doc = "Since the run began."},
                 {.name = "completed",
                  .type = Type::Any(),
                  .doc = "The same (a duration); null when it never ended."}}};
  const ObjectSchema witness{
      .name = "witness",
      .doc = "One finding.",
      .fields = {{.name = "kind", .type = Type::String(), .doc = "The count that it is in."},
                 {.name = "subject", .type = Type::String(), .doc = "Element, key or stream."},
                 {.name = "text", .type = Type::String(), .doc = "What was found."},
                 {.name = "operations",
                  .type = Type::List(Type::Object(operation)),
                  .doc = "The operations that show it."}}};
  std::vector<Field> fields = {
      {.name = "operations", .type = Type::Int(), .doc = "Operations that were looked at."},
      {.name = "counts",
       .type = Type::Map(Type::Int()),
       .doc = "All counts of the checker by name; each is also a variable of its own."},
      {.name = "witnesses",
       .type = Type::List(Type::Object(witness)),
       .doc = "The worst findings."},
      {.name = "left_out", .type = Type::Int(), .doc = "Findings that are not listed."},
      {.name = "unmet",
       .type = Type::String(),
       .doc = "Why the invariant does not hold; else empty. A step whose `unmet` is not empty "
              "fails unless an expectation asks for it."}};
  const auto count = [&](std::string name, std::string doc) {
    fields.push_back({.name = std::move(name), .type = Type::Int(), .doc = std::move(doc)});
  };
  count("acknowledged", "set, set-full, unique-ids: operations that the system said it did.");
  count("lost", "set, set-full, total-queue, samples: acknowledged and not there.");
  count("unexpected", "set, set-full, total-queue, samples: there, and nobody put it in.");
  count("duplicated", "set, set-full, total-queue, unique-ids: there more than once.");
  count("recovered", "set, total-queue: indeterminate and there.");
  count("unnamed", "set, set-full, total-queue, unique-ids: acknowledged without a key.");
  count("stable", "set-full: in every read from some moment on.");
  count("stale", "set-full: known, missing from a later read, and there again.");
  count("stale_ns_max", "set-full: longest time from known to stable, in nanoseconds.");
  count("never_read", "set-full: added too late for any read.");
  count("enqueued", "total-queue: acknowledged enqueues.");
  count("dequeued", "total-queue: elements that came out.");
  count("adds", "counter: additions that happened or may have.");
  count("reads", "counter, bank, monotonic: acknowledged reads.");
  count("wrong", "counter: reads outside what is possible.");
  count("transfers", "bank: acknowledged transfers.");
  count("wrong_total", "bank: reads with another total.");
  count("negative", "bank: balances below zero.");
  count("wrong_accounts", "bank: reads with other accounts.");
  count("regressed", "monotonic: values below an earlier one.");
  count("repeated", "monotonic: equal values, when `strict`.");
  count("keys", "register: keys.");
  count("not_linearizable", "register: keys without a linear order.");
  count("undecided", "register: keys beyond the memory of the search.");
  count("streams", "samples: streams.");
  count("samples_sent", "samples: samples sent.");
  count("samples_received", "samples: samples received.");
  count("gaps", "samples: holes between received segments.");
  count("overlaps", "samples: segments that came again.");
  count("altered", "samples: segments with other values than were sent.");
  count("not_comparable", "samples: segments whose values cannot be compared.");
  count("malformed", "samples: segments that could not be read.");
  return fields;
}

}  // namespace

base::Result<void> RegisterStructureActions(SchemaRegistry& registry) {
  TRY(registry.AddAction(Structure("group", "Runs steps in order, as one step.", "steps",
                                   "the list of steps", {StepsField("The steps.")}, {Outcomes()})));
  TRY(registry.AddAction(Structure(
      "parallel", "Runs its steps at the same time and waits for all of them.", "steps",
      "the list of steps",
      {StepsField("The branches."),
       {.name = "concurrency", .type = Type::Int(), .doc = "How many run at a time; default all."}},
      {Outcomes()})));
  TRY(registry.AddAction(ForEachAction()));
  TRY(registry.AddAction(Structure(
      "repeat", "Runs its steps again and again.", "times", "how often",
      {{.name = "times",
        .type = Type::Int(),
        .required = true,
        .doc = "At most so many iterations."},
       {.name = "while",
        .type = Type::Expression(),
        .doc = "Ends before an iteration for which it is false; sees `index`."},
       StepsField("The body; it sees `index`.")},
      {Outcomes(), {.name = "iterations", .type = Type::Int(), .doc = "How many were run."}})));
  ActionSchema use =
      Structure("use", "Runs the steps of a fragment.", "fragment", "name of the fragment",
                {{.name = "fragment",
                  .type = Type::String(),
                  .required = true,
                  .doc = "Name of the fragment; its file is fragments/<name>.yaml."},
                 {.name = "with", .type = Type::Map(Type::Any()), .doc = "Values of its inputs."}},
                {});
  use.outcome_open = true;
  TRY(registry.AddAction(std::move(use)));
  ActionSchema join = Structure(
      "join", "Waits for background steps; its outcome is that of the step, or of all by id.",
      "steps_joined", "id of a background step, or a list of ids",
      {{.name = "steps_joined",
        .type = Type::OneOrMore(Type::String()),
        .required = true,
        .doc = "Ids of background steps."}},
      {});
  join.outcome_open = true;
  TRY(registry.AddAction(std::move(join)));
  TRY(registry.AddAction(SetAction()));
  TRY(registry.AddAction(Structure("check",
                                   "Judges the operations of a ledger; the outcome variables "
                                   "are the counts of the checker that was chosen.",
                                   "checker", "name of the checker", CheckParams(),
                                   CheckOutcome())));
  return registry.AddAction(Structure("note", "Writes a text into the event log.", "text",
                                      "the text",
                                      {{.name = "text",
                                        .type = Type::String(),
                                        .required = true,
                                        .doc = "The text; may hold expressions."}},
                                      {}));
}

}  // namespace assay::scenario
