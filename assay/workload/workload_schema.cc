#include "assay/workload/workload_schema.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "assay/action/nested/step_bodies.h"
#include "assay/cel/text.h"
#include "assay/plan/path.h"
#include "assay/workload/figures/metrics.h"

namespace assay::workload {
namespace {

using base::ErrorCode;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

constexpr base::Duration kDefaultLag = std::chrono::milliseconds(25);

Type DataType() {
  const ObjectSchema table{
      .name = "rows",
      .doc = "A file of rows, mapped into memory once for all users.",
      .fields = {{.name = "file",
                  .type = Type::String(),
                  .required = true,
                  .doc = "A .csv file with a header line, or a .jsonl file."},
                 {.name = "order",
                  .type = Type::Enum({"sequential", "random"}),
                  .default_text = "sequential",
                  .doc = "Row `index` modulo the number of rows, or a random one."}}};
  return Type::AnyOf({Type::Object(table), Type::String()});
}

Type ThinkType() {
  const ObjectSchema range{
      .name = "think",
      .doc = "A pause, evenly distributed.",
      .fields = {{.name = "min", .type = Type::Duration(), .required = true, .doc = "Shortest."},
                 {.name = "max", .type = Type::Duration(), .required = true, .doc = "Longest."}}};
  return Type::AnyOf({Type::Object(range), Type::Duration()});
}

ObjectSchema TaskTable() {
  return {.name = "task",
          .doc = "What an iteration does.",
          .fields = {{.name = "name",
                      .type = Type::String(),
                      .required = true,
                      .doc = "An identifier: `tasks.<name>.latency.p99`."},
                     {.name = "weight",
                      .type = Type::Int(),
                      .default_text = "1",
                      .doc = "Its share of the iterations, exact after every deck of weights."},
                     {.name = "data",
                      .type = DataType(),
                      .doc = "Rows that its steps see as `row`, one an iteration."},
                     {.name = "steps",
                      .type = Type::Steps(),
                      .required = true,
                      .doc = "Ordinary steps; they see `vu`, `index` and `row`."}}};
}

std::vector<Field> ExecutorFields() {
  const ObjectSchema stage{.name = "stage",
                           .doc = "A ramp.",
                           .fields = {{.name = "duration",
                                       .type = Type::Duration(),
                                       .required = true,
                                       .doc = "How long it takes; 0s jumps."},
                                      {.name = "target",
                                       .type = Type::Number(),
                                       .required = true,
                                       .doc = "Rate or number of users at its end."}}};
  return {
      {.name = "executor",
       .type = Type::Enum({"constant-arrival-rate", "ramping-arrival-rate", "constant-vus",
                           "ramping-vus", "shared-iterations", "per-vu-iterations"}),
       .required = true,
       .doc = "Who decides when an iteration begins: a schedule, or users one after the other."},
      {.name = "rate", .type = Type::Number(), .doc = "Iterations every time unit."},
      {.name = "start_rate", .type = Type::Number(), .default_text = "0", .doc = "Rate at first."},
      {.name = "time_unit",
       .type = Type::Duration(),
       .default_text = "1s",
       .doc = "What rates are counted in."},
      {.name = "duration", .type = Type::Duration(), .doc = "How long iterations are begun."},
      {.name = "stages",
       .type = Type::List(Type::Object(stage)),
       .doc = "Ramps of the rate or of the users, one after the other."},
      {.name = "pre_allocated_vus",
       .type = Type::Int(),
       .doc = "Users of an arrival rate that are there from the beginning."},
      {.name = "max_vus",
       .type = Type::Int(),
       .doc = "Most users of an arrival rate; default: pre_allocated_vus."},
      {.name = "vus", .type = Type::Int(), .default_text = "1", .doc = "Users."},
      {.name = "start_vus", .type = Type::Int(), .default_text = "1", .doc = "Users at first."},
      {.name = "iterations",
       .type = Type::Int(),
       .default_text = "1",
       .doc = "Iterations in all (shared) or of each user (per-vu)."},
      {.name = "max_duration",
       .type = Type::Duration(),
       .default_text = "10m",
       .doc = "Bound of the executors that count iterations."},
      {.name = "graceful_stop",
       .type = Type::Duration(),
       .default_text = "30s",
       .doc = "How long iterations may finish after the end."},
      {.name = "graceful_ramp_down",
       .type = Type::Duration(),
       .default_text = "30s",
       .doc = "The same for users that a ramp takes away."}};
}

std::vector<Field> OtherFields() {
  const ObjectSchema abort{.name = "abort",
                           .doc = "Ends the load early.",
                           .fields = {{.name = "when",
                                       .type = Type::Expression(),
                                       .required = true,
                                       .doc = "A condition on the figures so far."},
                                      {.name = "delay",
                                       .type = Type::Duration(),
                                       .default_text = "0s",
                                       .doc = "It is not asked earlier."}}};
  return {{.name = "tasks",
           .type = Type::List(Type::Object(TaskTable())),
           .required = true,
           .doc = "What iterations do; drawn by weight."},
          {.name = "on_start",
           .type = Type::Steps(),
           .doc = "What every user does first; cookies and saved values stay his, figures leave it "
                  "out."},
          {.name = "think", .type = ThinkType(), .doc = "Pause of a user after an iteration."},
          {.name = "thresholds",
           .type = Type::OneOrMore(Type::Expression()),
           .doc = "Conditions on the outcome that must hold: `latency.p99 < duration('100ms')`.",
           .judged_as = "threshold"},
          {.name = "abort_on",
           .type = Type::List(Type::Object(abort)),
           .doc = "Conditions asked every second; one that holds ends and fails the step."},
          {.name = "max_lag",
           .type = Type::Duration(),
           .default_text = "25ms",
           .doc = "The step is inconclusive when 1 % of the iterations began later than that for "
                  "reasons of the generator."},
          {.name = "engine",
           .type = Type::Enum({"auto", "steps"}),
           .default_text = "auto",
           .doc = "auto: plain HTTP/1.1 requests go at wire speed when nothing in the tasks needs "
                  "more."}};
}

base::Result<std::shared_ptr<const Rows>> ReadRows(const cel::Value* value, uint64_t seed,
                                                   const action::ActionContext& context) {
  if (value == nullptr || value->is_null()) return nullptr;
  const cel::Value* file = value->is_map() ? value->Find("file") : value;
  const cel::Value* order = value->is_map() ? value->Find("order") : nullptr;
  if (file == nullptr) return base::Fail(ErrorCode::kInvalid, "parameter \"data\" names no file");
  std::string path = cel::ToText(*file);
  if (!path.starts_with('/')) path = context.source_dir + "/" + path;
  const bool random = order != nullptr && cel::ToText(*order) == "random";
  return Rows::Open(path, random ? RowOrder::kRandom : RowOrder::kSequential, seed);
}

base::Result<std::vector<LoadTask>> ReadTasks(const cel::Value& params, uint64_t seed,
                                              const action::ActionContext& context) {
  const cel::Value* list = params.Find("tasks");
  if (list == nullptr || !list->is_list() || list->list().empty()) {
    return base::Fail(ErrorCode::kInvalid, "parameter \"tasks\": expected at least one task");
  }
  std::vector<LoadTask> tasks;
  std::set<std::string> names;
  for (size_t i = 0; i < list->list().size(); ++i) {
    const cel::Value& item = list->list()[i];
    LoadTask task;
    const cel::Value* name = item.Find("name");
    task.name = name == nullptr ? "" : cel::ToText(*name);
    if (!plan::IsIdentifier(task.name) || !names.insert(task.name).second) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("the name of a task: expected an identifier that no other task "
                                    "has, found \"{}\"",
                                    task.name));
    }
    if (const cel::Value* weight = item.Find("weight"); weight != nullptr && weight->is_int()) {
      task.weight = weight->int_value();
    }
    task.block = context.bodies->step().FindBlock(fmt::format("tasks[{}].steps", i));
    if (task.block == nullptr || task.block->steps.empty()) {
      return base::Fail(ErrorCode::kInvalid, fmt::format("the task {} has no steps", task.name));
    }
    TRY(task.rows, ReadRows(item.Find("data"), seed, context));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::vector<AbortRule> ReadAbort(const cel::Value& params) {
  std::vector<AbortRule> rules;
  const cel::Value* list = params.Find("abort_on");
  if (list == nullptr || !list->is_list()) return rules;
  for (size_t i = 0; i < list->list().size(); ++i) {
    const cel::Value* delay = list->list()[i].Find("delay");
    rules.push_back({fmt::format("abort_on[{}].when", i), delay != nullptr && delay->is_duration()
                                                              ? delay->duration()
                                                              : base::Duration::zero()});
  }
  return rules;
}

}  // namespace

scenario::ActionSchema WorkloadSchema() {
  scenario::ActionSchema schema{
      .name = "workload",
      .doc = "Carries out tasks again and again and measures them, from when each was due."};
  schema.params = {.name = "workload", .doc = "A load.", .fields = ExecutorFields()};
  for (Field& field : OtherFields()) schema.params.fields.push_back(std::move(field));
  schema.outcome = MetricFields();
  schema.own_time = true;
  return schema;
}

base::Result<WorkloadParams> ReadWorkload(const cel::Value& params,
                                          const action::ActionContext& context) {
  if (context.bodies == nullptr) {
    return base::Fail(ErrorCode::kInternal, "a workload was begun without its steps");
  }
  WorkloadParams read;
  read.load.seed = context.seed;
  TRY(const Executor whole, ReadExecutor(params));
  read.load.share = {context.bodies->share().index - 1, context.bodies->share().count};
  TRY(read.load.executor, PartOf(whole, read.load.share));
  TRY(read.load.think, ReadThink(params.Find("think")));
  TRY(read.load.tasks, ReadTasks(params, context.seed, context));
  TRY(Mix::Create(read.load.Weights(), read.load.seed));
  read.load.on_start = context.bodies->step().FindBlock("on_start");
  read.abort_on = ReadAbort(params);
  const cel::Value* lag = params.Find("max_lag");
  read.max_lag = lag != nullptr && lag->is_duration() ? lag->duration() : kDefaultLag;
  const cel::Value* engine = params.Find("engine");
  read.engine = engine == nullptr ? "auto" : cel::ToText(*engine);
  return read;
}

}  // namespace assay::workload
