#include "assay/action/manual_action.h"

#include "assay/cel/text.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Type;

}  // namespace

ManualAction::ManualAction() {
  schema_ = {.name = "manual",
             .doc =
                 "Asks an operator to look at something and to decide; without an operator the "
                 "step is skipped.",
             .shorthand = "question",
             .shorthand_doc = "what to look at"};
  schema_.params = {.name = "manual",
                    .doc = "A question to the operator.",
                    .fields = {{.name = "question",
                                .type = Type::String(),
                                .required = true,
                                .doc = "What to look at and decide."}}};
  schema_.outcome = {{.name = "approved", .type = Type::Bool(), .doc = "The decision."},
                     {.name = "who", .type = Type::String(), .doc = "Who decided."},
                     {.name = "comment", .type = Type::String(), .doc = "What was said about it."}};
  schema_.own_time = true;
}

std::string ManualAction::Head(const Value& params) const {
  const Value* question = params.Find("question");
  return "manual: " + (question == nullptr ? "" : cel::ToText(*question));
}

net::Task<Outcome> ManualAction::Run(Value params, const ActionContext& context) const {
  if (!context.ask_operator) {
    co_return Outcome{
        .disposition = Disposition::kSkipped,
        .value = Value::Object({}),
        .error = base::Error{base::ErrorCode::kUnavailable, "there is no operator to decide"}.Hint(
            "run with --interactive on a terminal")};
  }
  const Value* question = params.Find("question");
  const auto answer = co_await context.ask_operator(
      question == nullptr ? "" : cel::ToText(*question), context.deadline);
  if (!answer) {
    const bool interrupted = answer.error().code == base::ErrorCode::kCancelled;
    co_return Outcome{
        .disposition = interrupted ? Disposition::kInterrupted : Disposition::kSkipped,
        .value = Value::Object({}),
        .error = answer.error()};
  }
  co_return Outcome{.value = Value::Object({{"approved", Value::Bool(answer->approved)},
                                            {"who", Value::String(answer->who)},
                                            {"comment", Value::String(answer->comment)}})};
}

}  // namespace assay::action
