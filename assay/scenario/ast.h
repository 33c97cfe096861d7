#pragma once
// What the files of a project say, checked against the schema tables, nothing evaluated yet.
//
//   files --(yaml)--> Node --(schema tables)--> ast --(assay/plan)--> plan --(assay/run)--> history
//
// Everything keeps its place in the file for diagnostics. Scalars that are missing in the file hold
// their defaults.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/scenario/yaml/node.h"
#include "lib/base/clock.h"
#include "lib/base/span.h"

namespace assay::scenario {

/// A text and where it stands.
struct Text {
  std::string text;
  base::SourceSpan span;

  bool empty() const { return text.empty(); }
};

/// CEL source, without `${{ }}`.
struct Expression {
  std::string text;
  base::SourceSpan span;
};

/// A piece of a text with `${{ }}`: literal text, or an expression.
struct TemplatePart {
  std::string literal;
  std::optional<Expression> expression;
};

enum class TemplateKind {
  kLiteral,     ///< a scalar without expressions: `literal` (its kind and text)
  kExpression,  ///< exactly one `${{ expr }}`: keeps the type of its value
  kText,        ///< text with expressions in it: a string
  kSequence,
  kMap,
  kCondition,  ///< bare CEL (a parameter of type Expression); not evaluated with its siblings
};

struct TemplateEntry;

/// A YAML value in which scalars may hold `${{ expr }}`; `$${{` stands for a literal `${{`.
struct Template {
  TemplateKind kind = TemplateKind::kLiteral;
  base::SourceSpan span;
  yaml::NodePtr literal;               ///< kLiteral; never null there
  Expression expression;               ///< kExpression, kCondition
  std::vector<TemplatePart> parts;     ///< kText
  std::vector<Template> items;         ///< kSequence
  std::vector<TemplateEntry> entries;  ///< kMap, in file order

  /// The value of a kMap's key, or null.
  const Template* Find(std::string_view key) const;
  /// No expression anywhere in it.
  bool is_constant() const;
};

struct TemplateEntry {
  std::string key;
  base::SourceSpan key_span;
  Template value;
};

struct NamedTemplate {
  Text name;
  Template value;
};

struct NamedExpression {
  Text name;
  Expression expression;
};

enum class Priority { kCritical, kHigh, kNormal, kLow };
std::string_view ToString(Priority priority);

enum class OnFailure { kStop, kContinue };

enum class Backoff { kConstant, kExponential };

struct Retry {
  int64_t times = 1;  ///< further attempts after the first
  base::Duration every = std::chrono::seconds(1);
  Backoff backoff = Backoff::kConstant;
  base::SourceSpan span;
};

/// Repeats the action until `until` holds on its outcome, at most for `limit`.
struct Poll {
  base::Duration every = std::chrono::seconds(1);
  std::optional<base::Duration> limit;  ///< key `for`; assay/plan demands it or a step timeout
  Expression until;
  base::SourceSpan span;
};

/// `record: { ledger: uploads, op: add, key: ..., value: ... }`
struct Record {
  Text ledger;
  Text op;
  std::optional<Template> key;
  std::optional<Template> value;
  base::SourceSpan span;
};

struct Step;

/// A list of steps inside an action: the body of group, for_each, ..., or one task of a workload.
struct StepBlock {
  std::string path;  ///< where it stands in the parameters: `steps`, `tasks[0].steps`
  Text name;         ///< `name` of the table that holds it, for workload tasks; else empty
  std::vector<Step> steps;
};

struct Step {
  Text name;
  Text id;
  std::optional<Expression> when;
  std::optional<base::Duration> timeout;
  std::optional<Retry> retry;
  std::optional<Poll> poll;
  bool background = false;
  bool optional = false;
  Text at;  ///< named environment; empty: the run's
  std::vector<Expression> expect;
  std::vector<NamedExpression> save;
  std::vector<Text> verifies;
  OnFailure on_failure = OnFailure::kStop;
  std::optional<Record> record;

  Text action;        ///< name in the SchemaRegistry
  Template params;    ///< a kMap; shorthand and sibling keys are merged; step lists are taken out
  yaml::NodePtr raw;  ///< the whole step as written
  std::vector<StepBlock> blocks;
  base::SourceSpan span;

  const StepBlock* FindBlock(std::string_view path) const;
};

/// `for_each: { row: ${{ csv('cohort.csv') }} }` of a scenario.
struct ForEach {
  Text variable;
  Template items;
};

/// A fixture is made by the action `generate` with these parameters before the first step.
struct Fixture {
  Text name;
  Template params;
};

struct Scenario {
  std::shared_ptr<const base::SourceText> source;  ///< name() is the path from the project root
  base::SourceSpan span;
  Text id;
  Text title;
  Text description;
  Text system;
  std::vector<Text> category;
  std::vector<Text> tags;
  Priority priority = Priority::kNormal;
  std::vector<Text> verifies;
  std::vector<Text> environments;  ///< empty: all
  std::vector<Text> needs;
  std::vector<Text> after;
  bool exclusive = false;
  bool optional = false;
  std::optional<base::Duration> timeout;
  std::optional<base::Duration> estimated;  ///< longer than that: marked late in the report
  int64_t retries = 0;
  std::vector<NamedTemplate> vars;
  std::vector<Fixture> fixtures;
  std::optional<ForEach> for_each;
  std::vector<Step> steps;
  std::vector<Step> cleanup;
  std::vector<Expression> success;
  Template scale;  ///< factors of a scaled run, a kMap or a null literal
};

enum class InputType { kAny, kString, kInt, kDouble, kBool, kDuration, kList, kMap };

struct FragmentInput {
  Text name;
  InputType type = InputType::kAny;
  bool required = true;              ///< false when it has a default
  std::optional<Template> fallback;  ///< key `default`
  std::string doc;
};

/// A reusable list of steps: `use: name` with `with: {inputs}`.
struct Fragment {
  std::shared_ptr<const base::SourceText> source;
  base::SourceSpan span;
  Text name;
  Text description;
  std::vector<FragmentInput> inputs;
  std::vector<Step> steps;
  std::vector<NamedExpression> outputs;
};

/// One entry of requirements.yaml.
struct Requirement {
  Text id;
  Text text;
  std::string section;
  std::string
      kind;  ///< functional, interface, performance, reliability, security, compliance, process
  std::string risk;  ///< high, medium, low
  std::string side;  ///< assay, montage, both
  std::string accept;
  std::string note;
};

struct RequirementCatalogue {
  std::shared_ptr<const base::SourceText> source;
  Text system;
  Text prefix;
  std::string origin;  ///< key `source`
  std::vector<Requirement> requirements;
};

// --- environments -------------------------------------------------------------------------------

enum class EnvironmentType { kProcess, kCompose, kKubernetes, kRemote };
std::string_view ToString(EnvironmentType type);

enum class DependsCondition { kStarted, kReady, kCompleted };

struct Dependency {
  Text service;
  DependsCondition condition = DependsCondition::kReady;
};

/// `{ http: /health, within: 30s, every: 500ms }`: `kind` is the key that says how to probe.
struct Probe {
  Text kind;        ///< http, tcp, sql, redis, s3, amqp, websocket, log, exec, file
  Template target;  ///< the value of that key
  Template params;  ///< a kMap: the other keys
  base::Duration within = std::chrono::seconds(30);
  base::Duration every = std::chrono::milliseconds(250);
  base::SourceSpan span;
};

struct ServiceLimits {
  std::optional<uint64_t> memory_bytes;
  std::optional<double> cpus;
  std::optional<int64_t> files;
  std::optional<int64_t> processes;
  std::optional<uint64_t> disk_bytes;  ///< the data directory is a file system of this size
};

enum class RestartPolicy { kNever, kOnFailure, kAlways };

struct ServicePort {
  Text name;                     ///< `${{ ports.<name> }}`; the first is also `${{ port }}`
  std::optional<int64_t> fixed;  ///< absent: a free one is chosen
};

struct Service {
  Text name;
  Template command;  ///< text, or a list (program and arguments)
  std::vector<Template> args;
  std::vector<NamedTemplate> env;
  std::optional<Template> working_directory;
  std::vector<ServicePort> ports;
  std::vector<Probe> probes;
  std::vector<Dependency> depends_on;
  ServiceLimits limits;
  RestartPolicy restart = RestartPolicy::kNever;
  int64_t max_restarts = 3;
  std::string stop_signal = "TERM";
  base::Duration stop_grace = std::chrono::seconds(10);
  bool optional = false;
  base::SourceSpan span;
};

/// `{ url: ..., auth... }`: how a system is reached.
struct Endpoint {
  Text name;
  Template url;
  Template options;  ///< a kMap of further keys, given to clients as they are
};

/// A proxy between a client and a service, which faults of the network work on.
struct Link {
  Text name;
  Text to;                          ///< a service, when `address` is null
  Text port;                        ///< of the service; empty: the first
  std::optional<Template> address;  ///< `host:port`
  Text from;                        ///< the service that uses it, for readers; empty: whoever likes
  std::string listen = "127.0.0.1";
};

/// Read from a file or an environment variable when the run starts; always redacted.
struct Credential {
  Text name;
  Text file;
  Text variable;
  base::SourceSpan span;
};

/// A Helm chart of an environment of type kubernetes.
struct Chart {
  Text chart;
  Text release;  ///< empty: the last part of `chart`
  Text version;
  std::vector<Text> value_files;
  Template values;  ///< a kMap
};

struct Environment {
  std::shared_ptr<const base::SourceText> source;
  base::SourceSpan span;
  Text name;
  EnvironmentType type = EnvironmentType::kProcess;
  std::string profile;
  std::string description;
  std::vector<Service> services;
  std::vector<Endpoint> endpoints;
  Text default_endpoint;  ///< empty: the first
  std::vector<Credential> credentials;
  std::vector<NamedTemplate> vars;
  std::vector<std::string> allowed_env;  ///< process environment that expressions may read
  std::vector<Text> compose_files;
  Text compose_project;
  std::vector<Text> compose_command;       ///< empty: found out
  std::vector<NamedTemplate> compose_env;  ///< variables of the compose files
  Text kubeconfig;
  Text kube_context;
  Text kube_namespace;
  std::vector<Text> manifests;
  std::vector<NamedTemplate> manifest_vars;
  std::vector<Chart> charts;
  base::Duration start_timeout = std::chrono::minutes(2);
  std::vector<Link> links;
};

// --- plans and projects -------------------------------------------------------------------------

/// What `select` and the flags of the command line choose; empty lists choose everything.
struct Selection {
  std::vector<Text> ids;  ///< globs with `*` and `?`
  std::vector<Text> tags;
  std::vector<Text> categories;
  std::vector<Text> systems;
  std::vector<Text> priorities;
  std::vector<Text> verifies;  ///< globs of requirement ids
  std::vector<Text> exclude;   ///< globs of ids
};

struct Stage {
  Text id;
  Text title;
  Selection select;
  Text environment;
  std::vector<Text> after;
  std::optional<int64_t> jobs;
  bool fresh_environment = false;
  std::optional<base::Duration> planned;
  std::optional<base::Duration> timeout;
  std::vector<Expression> gate;
  base::SourceSpan span;
};

struct Criterion {
  Text name;
  std::vector<Text> scenarios;
  std::optional<Expression> holds;
  Text manual;
};

struct Plan {
  std::shared_ptr<const base::SourceText> source;
  base::SourceSpan span;
  Text id;
  Text title;
  Text environment;
  std::vector<std::string> levels;
  std::string setting;
  std::vector<std::string> scopes;
  bool stop_on_first_failure = false;
  std::optional<int64_t> jobs;
  std::vector<NamedTemplate> vars;
  std::vector<Stage> stages;
  std::vector<Criterion> criteria;
};

struct ProjectDefaults {
  base::Duration step_timeout = std::chrono::seconds(30);
  base::Duration scenario_timeout = std::chrono::minutes(5);
  int64_t jobs = 5;
  int64_t retries = 0;
  std::vector<std::string> redact_keys;      ///< names of fields and headers, case-insensitive
  std::vector<std::string> redact_patterns;  ///< RE2
  std::vector<std::string> report_formats = {"terminal"};
  std::string results_directory = "results";
};

/// A project as loaded: every file it names.
struct Project {
  std::string root;
  std::shared_ptr<const base::SourceText> source;  ///< assay.yaml; null when there is none
  Text name;
  Text default_environment;
  ProjectDefaults defaults;
  std::vector<NamedTemplate> vars;
  std::vector<Environment> environments;
  std::vector<Scenario> scenarios;  ///< sorted by path
  std::vector<Fragment> fragments;
  std::vector<RequirementCatalogue> catalogues;
  std::vector<Plan> plans;
  /// Every file that was read, for the digests of the run's manifest.
  std::vector<std::shared_ptr<const base::SourceText>> inputs;
};

}  // namespace assay::scenario
