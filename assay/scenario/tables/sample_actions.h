#pragma once
// A few actions with tables like those of assay/action, for the tests of loading and planning.

#include "assay/scenario/schema.h"

namespace assay::scenario {

inline ActionSchema SampleHttp() {
  ActionSchema http{.name = "http", .doc = "Sends one HTTP request."};
  http.shorthand = "request";
  http.shorthand_doc = "METHOD target";
  http.params.fields = {
      {.name = "request", .type = Type::String(), .required = true, .doc = "Method and target."},
      {.name = "headers", .type = Type::Map(Type::String()), .doc = "Header fields."},
      {.name = "json", .type = Type::Any(), .doc = "Body, sent as JSON."},
      {.name = "body", .type = Type::String(), .doc = "Body as it is."},
      {.name = "file", .type = Type::String(), .doc = "Body from a file."},
      {.name = "follow", .type = Type::Bool(), .default_text = "true", .doc = "Redirects."},
      {.name = "version", .type = Type::Enum({"1.1", "2"}), .doc = "Protocol version."}};
  http.params.one_of = {{.names = {"json", "body", "file"}, .required = false}};
  http.outcome = {{.name = "status", .type = Type::Int(), .doc = "Status code."},
                  {.name = "headers", .type = Type::Map(Type::String()), .doc = "Header fields."},
                  {.name = "body", .type = Type::Any(), .doc = "The decoded body."},
                  {.name = "text", .type = Type::String(), .doc = "The body as text."},
                  {.name = "duration", .type = Type::Duration(), .doc = "Time it took."}};
  return http;
}

inline ActionSchema SampleWebsocket() {
  ActionSchema websocket{.name = "websocket", .doc = "Collects messages."};
  websocket.shorthand = "path";
  websocket.params.fields = {
      {.name = "path", .type = Type::String(), .required = true, .doc = "Where to connect."},
      {.name = "until",
       .type = Type::Expression(),
       .doc = "Ends the listening.",
       .sees = {{.name = "message", .type = Type::Any()}}}};
  websocket.outcome = {{.name = "messages", .type = Type::List(Type::Any()), .doc = "All."}};
  websocket.listens = true;
  return websocket;
}

inline ActionSchema SampleWorkload() {
  ActionSchema workload{.name = "workload", .doc = "Load."};
  ObjectSchema task{.name = "task", .doc = "A task."};
  task.fields = {{.name = "name", .type = Type::String(), .required = true},
                 {.name = "weight", .type = Type::Int(), .default_text = "1"},
                 {.name = "steps", .type = Type::Steps(), .required = true}};
  workload.params.fields = {
      {.name = "executor", .type = Type::Enum({"constant-vus", "ramping-vus"}), .required = true},
      {.name = "duration", .type = Type::Duration()},
      {.name = "tasks", .type = Type::List(Type::Object(task)), .required = true},
      {.name = "thresholds", .type = Type::OneOrMore(Type::Expression())}};
  workload.outcome = {{.name = "rate", .type = Type::Number()}};
  workload.outcome_open = true;
  workload.own_time = true;
  return workload;
}

inline ActionSchema SampleWait() {
  ActionSchema wait{.name = "wait", .doc = "Lets time pass."};
  wait.shorthand = "duration";
  wait.params.fields = {{.name = "duration", .type = Type::Duration(), .required = true}};
  wait.own_time = true;
  return wait;
}

inline ActionSchema SampleFile() {
  ActionSchema file{.name = "file", .doc = "Reads a file."};
  file.shorthand = "path";
  file.params.fields = {{.name = "path", .type = Type::String(), .required = true}};
  file.outcome = {{.name = "size", .type = Type::Int()}, {.name = "text", .type = Type::String()}};
  return file;
}

inline ActionSchema SampleGenerate() {
  ActionSchema generate{.name = "generate", .doc = "Makes data."};
  ObjectSchema edf{.name = "edf", .doc = "A recording."};
  edf.fields = {{.name = "channels", .type = Type::Int(), .default_text = "19"},
                {.name = "duration", .type = Type::Duration()}};
  generate.params.fields = {{.name = "edf", .type = Type::Object(edf)}};
  generate.outcome = {{.name = "path", .type = Type::String()},
                      {.name = "truth", .type = Type::Any()}};
  return generate;
}

/// The structure actions and the samples above.
inline SchemaRegistry SampleRegistry() {
  SchemaRegistry registry;
  bool added = RegisterStructureActions(registry).has_value();
  for (const auto make :
       {SampleHttp, SampleWebsocket, SampleWorkload, SampleWait, SampleFile, SampleGenerate}) {
    added = registry.AddAction(make()).has_value() && added;
  }
  return added ? registry : SchemaRegistry{};
}

}  // namespace assay::scenario
