#include "assay/scenario/tables/tables.h"

namespace assay::scenario {
namespace {

Type Texts() { return Type::OneOrMore(Type::String()); }
Type Values() { return Type::Map(Type::Any()); }

ObjectSchema ProbeTable() {
  ObjectSchema table{
      .name = "probe",
      .doc = "How a service shows that it is ready; one key says the kind.",
      .fields = {
          {.name = "within",
           .type = Type::Duration(),
           .default_text = "30s",
           .doc = "Gives up after this time."},
          {.name = "every",
           .type = Type::Duration(),
           .default_text = "250ms",
           .doc = "Pause between two tries."},
          {.name = "status", .type = Type::Int(), .doc = "http, websocket: the expected status."},
          {.name = "query",
           .type = Type::String(),
           .default_text = "SELECT 1",
           .doc = "sql: what to ask; it is ready when the first value of the answer is not "
                  "false, 0 or null."},
          {.name = "args", .type = Texts(), .doc = "exec: arguments of the program."}}};
  constexpr std::pair<const char*, const char*> kKinds[] = {
      {"http", "A path or URL that answers 2xx."},
      {"tcp", "A port that accepts connections."},
      {"sql", "A URL of a database (postgresql:, sqlite:) that answers a query."},
      {"redis", "A URL that answers PING with PONG; empty: the first port."},
      {"s3", "A URL such as `http://KEY:SECRET@host:port` whose service lists buckets."},
      {"amqp", "A URL that opens a connection; empty: the first port, as guest."},
      {"websocket", "A path or ws URL that upgrades to WebSocket."},
      {"log", "A regular expression that a line of its output matches."},
      {"exec", "A program that ends with 0."},
      {"file", "A file that exists."}};
  OneOf kinds;
  for (const auto& [name, doc] : kKinds) {
    table.fields.push_back({.name = name, .type = Type::Any(), .doc = doc});
    kinds.names.emplace_back(name);
  }
  table.one_of = {kinds};
  return table;
}

ObjectSchema LimitsTable() {
  return {.name = "limits",
          .doc = "Resources that a service may use.",
          .fields = {{.name = "memory", .type = Type::Size(), .doc = "Memory."},
                     {.name = "cpu", .type = Type::Number(), .doc = "Cores."},
                     {.name = "files", .type = Type::Int(), .doc = "Open files."},
                     {.name = "processes", .type = Type::Int(), .doc = "Processes and threads."},
                     {.name = "disk",
                      .type = Type::Size(),
                      .doc = "Its data directory is a file system of this size, in memory; needs "
                             "root, and has no effect without."}}};
}

ObjectSchema ServiceTable() {
  const ObjectSchema stop{
      .name = "stop",
      .doc = "How a service is ended.",
      .fields = {{.name = "signal",
                  .type = Type::Enum({"TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"}),
                  .default_text = "TERM",
                  .doc = "First signal."},
                 {.name = "grace",
                  .type = Type::Duration(),
                  .default_text = "10s",
                  .doc = "Time until it is killed."}}};
  const Type port = Type::AnyOf({Type::Int(), Type::Enum({"free"})});
  return {
      .name = "service",
      .doc = "A process or container of the environment.",
      .fields = {{.name = "command", .type = Texts(), .doc = "Program, or program and arguments."},
                 {.name = "args", .type = Texts(), .doc = "Arguments."},
                 {.name = "env", .type = Type::Map(Type::Any()), .doc = "Environment variables."},
                 {.name = "cwd",
                  .type = Type::String(),
                  .doc = "Working directory; absent: its data directory."},
                 {.name = "ports",
                  .type = Type::AnyOf({Type::Map(port), Type::List(Type::String())}),
                  .doc = "Ports by name: a number, or `free`; a list of names means free ones."},
                 {.name = "probes",
                  .type = Type::List(Type::Object(ProbeTable())),
                  .doc = "All must succeed before it is ready."},
                 {.name = "depends_on",
                  .type = Type::AnyOf({Type::Map(Type::Enum({"started", "ready", "completed"})),
                                       Type::List(Type::String())}),
                  .doc = "Services before it; a list means ready."},
                 {.name = "limits", .type = Type::Object(LimitsTable()), .doc = "Resource limits."},
                 {.name = "restart",
                  .type = Type::Enum({"never", "on-failure", "always"}),
                  .default_text = "never",
                  .doc = "When it is started again after its end."},
                 {.name = "max_restarts",
                  .type = Type::Int(),
                  .default_text = "3",
                  .doc = "How often it is started again."},
                 {.name = "stop", .type = Type::Object(stop), .doc = "How it is ended."},
                 {.name = "optional",
                  .type = Type::Bool(),
                  .default_text = "false",
                  .doc = "The environment is up also without it."}}};
}

ObjectSchema LinkTable() {
  return {
      .name = "link",
      .doc =
          "A proxy on the way to a service, for faults of the network. Whoever uses it is "
          "given `${{ links.<name>.port }}` instead of the service's own port.",
      .fields = {
          {.name = "to",
           .type = Type::String(),
           .required = true,
           .doc = "A service, or an address such as `10.0.0.7:5432`."},
          {.name = "port", .type = Type::String(), .doc = "Of the service; absent: the first."},
          {.name = "from", .type = Type::String(), .doc = "The service that uses it, for readers."},
          {.name = "listen",
           .type = Type::String(),
           .default_text = "127.0.0.1",
           .doc = "Address to listen on; containers reach `0.0.0.0`."}}};
}

ObjectSchema CredentialTable() {
  return {.name = "credential",
          .doc = "A secret, read when the run starts.",
          .fields = {{.name = "file", .type = Type::String(), .doc = "Path of a file."},
                     {.name = "variable", .type = Type::String(), .doc = "Environment variable."}},
          .one_of = {{.names = {"file", "variable"}}}};
}

ObjectSchema ChartTable() {
  return {
      .name = "chart",
      .doc = "A Helm chart of a kubernetes environment.",
      .fields = {{.name = "chart",
                  .type = Type::String(),
                  .required = true,
                  .doc = "Folder or archive, `repository/chart`, or a URL."},
                 {.name = "release",
                  .type = Type::String(),
                  .doc = "Name of the release; absent: the last part of `chart`."},
                 {.name = "version",
                  .type = Type::String(),
                  .doc = "Version of a chart that is no path; absent: the latest."},
                 {.name = "value_files", .type = Texts(), .doc = "Files of values, the last wins."},
                 {.name = "values", .type = Values(), .doc = "Values over those of the files."}}};
}

ObjectSchema MakeEnvironmentTable() {
  const ObjectSchema endpoint{
      .name = "endpoint",
      .doc = "How a system is reached.",
      .fields = {{.name = "url", .type = Type::String(), .required = true, .doc = "Address."}},
      .open = true};
  return {
      .name = "environment",
      .doc = "Where scenarios run.",
      .fields = {
          {.name = "name", .type = Type::String(), .doc = "Its name; in assay.yaml the key."},
          {.name = "type",
           .type = Type::Enum({"process", "compose", "kubernetes", "remote"}),
           .default_text = "process",
           .doc = "How services are started."},
          {.name = "profile",
           .type = Type::Enum(
               {"development", "staging", "pre-production", "disaster-recovery", "multi-region"}),
           .default_text = "development",
           .doc = "What it stands for."},
          {.name = "description", .type = Type::String(), .doc = "More about it."},
          {.name = "services",
           .type = Type::Map(Type::Object(ServiceTable())),
           .doc = "Services by name."},
          {.name = "endpoints",
           .type = Type::Map(Type::AnyOf({Type::Object(endpoint), Type::String()})),
           .doc = "Addresses by name; a text is the URL."},
          {.name = "links",
           .type = Type::Map(Type::Object(LinkTable())),
           .doc = "Proxies between services by name."},
          {.name = "default_endpoint", .type = Type::String(), .doc = "Absent: the first."},
          {.name = "credentials",
           .type = Type::Map(Type::Object(CredentialTable())),
           .doc = "Secrets by name."},
          {.name = "vars", .type = Values(), .doc = "Variables of all scenarios in it."},
          {.name = "env",
           .type = Texts(),
           .doc = "Variables of the process that expressions may read as `env.<name>`."},
          {.name = "compose", .type = Texts(), .doc = "compose: files."},
          {.name = "project",
           .type = Type::String(),
           .doc = "compose: how the name of the project begins, the run's id follows; absent: the "
                  "environment's name."},
          {.name = "compose_command",
           .type = Texts(),
           .doc = "compose: program that reads the files, such as `[docker, compose]`; absent: the "
                  "first that works of podman compose, podman-compose, docker compose, "
                  "docker-compose."},
          {.name = "compose_env",
           .type = Values(),
           .doc = "compose: variables that the files may use."},
          {.name = "manifests",
           .type = Texts(),
           .doc = "kubernetes: files, and folders of files, to apply."},
          {.name = "manifest_vars",
           .type = Values(),
           .doc = "kubernetes: variables that manifests use as `${NAME}`; `$${NAME}` is literal."},
          {.name = "helm",
           .type = Type::List(Type::Object(ChartTable())),
           .doc = "kubernetes: charts to install, after the manifests."},
          {.name = "context",
           .type = Type::String(),
           .doc = "kubernetes: context of kubectl; absent: the current one."},
          {.name = "kubeconfig",
           .type = Type::String(),
           .doc = "kubernetes: file that says how clusters are reached; absent: as kubectl finds "
                  "it."},
          {.name = "namespace",
           .type = Type::String(),
           .doc = "kubernetes: how the name of the run's namespace begins, the run's id follows; "
                  "absent: the environment's name."},
          {.name = "start_timeout",
           .type = Type::Duration(),
           .default_text = "2m",
           .doc = "Limit for all services to be ready."}}};
}

}  // namespace

const ObjectSchema& EnvironmentTable() {
  static const ObjectSchema table = MakeEnvironmentTable();
  return table;
}

}  // namespace assay::scenario
