#include "assay/action/monitor/monitor_schema.h"

namespace assay::action {
namespace {

using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

std::vector<Field> TrendFields() {
  return {{.name = "slope",
           .type = Type::Number(),
           .doc = "Robust slope in units a second (Theil and Sen); 0 when it is not known."},
          {.name = "slope_low", .type = Type::Number(), .doc = "Lower 95 % bound of the slope."},
          {.name = "slope_high", .type = Type::Number(), .doc = "Upper 95 % bound of the slope."},
          {.name = "growth", .type = Type::Number(), .doc = "Slope times the time that it spans."},
          {.name = "rising",
           .type = Type::Bool(),
           .doc = "The whole interval of the slope is above zero."},
          {.name = "known",
           .type = Type::Bool(),
           .doc = "There were eight points or more to judge the slope by."}};
}

ObjectSchema SeriesTable() {
  const ObjectSchema phase{
      .name = "trend", .doc = "The trend in one phase.", .fields = TrendFields()};
  ObjectSchema series{
      .name = "series",
      .doc = "One quantity over time.",
      .fields = {{.name = "unit", .type = Type::String(), .doc = "bytes, cores, bytes/s, or \"\"."},
                 {.name = "samples", .type = Type::Int(), .doc = "How many."},
                 {.name = "min", .type = Type::Number(), .doc = "The lowest."},
                 {.name = "max", .type = Type::Number(), .doc = "The highest."},
                 {.name = "mean", .type = Type::Number(), .doc = "Their mean."},
                 {.name = "first", .type = Type::Number(), .doc = "The first."},
                 {.name = "last", .type = Type::Number(), .doc = "The last."},
                 {.name = "points",
                  .type = Type::List(Type::Any()),
                  .doc = "[seconds, mean, lowest, highest] each; at most 600, later ones stand "
                         "for more samples."},
                 {.name = "phases",
                  .type = Type::Map(Type::Object(phase)),
                  .doc = "The trend of each phase by its name."}}};
  for (Field& field : TrendFields()) series.fields.push_back(std::move(field));
  return series;
}

std::vector<Field> Params() {
  const ObjectSchema page{
      .name = "page",
      .doc = "A value of a page in the Prometheus text format.",
      .fields = {{.name = "endpoint",
                  .type = Type::String(),
                  .required = true,
                  .doc = "As in `metrics`: an endpoint, `name:/path`, or a path."},
                 {.name = "metric",
                  .type = Type::String(),
                  .required = true,
                  .doc = "Name of the samples; several are summed."},
                 {.name = "labels",
                  .type = Type::Map(Type::String()),
                  .doc = "Labels that the samples must have."}}};
  const ObjectSchema query{
      .name = "query",
      .doc = "The first value of the first row of a query.",
      .fields = {
          {.name = "endpoint", .type = Type::String(), .required = true, .doc = "As in `sql`."},
          {.name = "query", .type = Type::String(), .required = true, .doc = "The query."}}};
  return {{.name = "processes",
           .type = Type::Map(Type::Int()),
           .doc = "Process ids by name, such as `${{ environment.services.api.pid }}`: CPU, "
                  "memory, descriptors, threads and storage of each."},
          {.name = "metrics", .type = Type::Map(Type::Object(page)), .doc = "Pages by name."},
          {.name = "sql", .type = Type::Map(Type::Object(query)), .doc = "Queries by name."},
          {.name = "every",
           .type = Type::Duration(),
           .default_text = "1s",
           .doc = "Time from one sample to the next, 10ms at least."},
          {.name = "for",
           .type = Type::Duration(),
           .doc = "How long; absent: until the step is joined or the steps beside it are over."},
          {.name = "warmup",
           .type = Type::Duration(),
           .default_text = "0s",
           .doc = "Time at the beginning that no trend looks at."},
          {.name = "phases",
           .type = Type::Map(Type::Duration()),
           .doc = "Parts of the time after the warm-up, one after the other, each with a trend of "
                  "its own."}};
}

}  // namespace

scenario::ActionSchema MonitorSchema() {
  scenario::ActionSchema schema{
      .name = "monitor",
      .doc =
          "Measures processes, metrics and queries at intervals. In the background it goes on "
          "until it is joined, at the latest until the steps beside it are over."};
  schema.params = {.name = "monitor", .doc = "What to measure.", .fields = Params()};
  schema.outcome = {
      {.name = "series",
       .type = Type::Map(Type::Map(Type::Object(SeriesTable()))),
       .doc = "By name and quantity: `series.api.rss`. Of processes: cpu, rss, pss, fds, threads, "
              "read, write; of metrics and queries: value. What the kernel does not show is "
              "absent."},
      {.name = "samples", .type = Type::Int(), .doc = "How often it looked."},
      {.name = "late",
       .type = Type::Int(),
       .doc = "Looks that were due while the one before was still going on, and left out."},
      {.name = "duration", .type = Type::Duration(), .doc = "From the first look to the end."},
      {.name = "problems",
       .type = Type::List(Type::String()),
       .doc = "What could not be read, each text once, the first ten."}};
  schema.own_time = true;
  return schema;
}

}  // namespace assay::action
