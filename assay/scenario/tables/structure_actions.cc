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
  return registry.AddAction(Structure("note", "Writes a text into the event log.", "text",
                                      "the text",
                                      {{.name = "text",
                                        .type = Type::String(),
                                        .required = true,
                                        .doc = "The text; may hold expressions."}},
                                      {}));
}

}  // namespace assay::scenario
