#include "assay/cli/environment_spec.h"

#include <charconv>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/cel/cel.h"
#include "assay/cel/text.h"
#include "assay/cli/values/late_json.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using environment::LateText;
using environment::Placement;
using scenario::Template;
using scenario::TemplateKind;

/// Literal text, or an expression.
struct Piece {
  std::string literal;
  std::optional<cel::Program> program;
  base::SourceSpan span;
};

cel::Value PortsOf(const environment::ServicePlace& place) {
  cel::MapBuilder ports;
  for (const auto& [name, number] : place.ports) ports.Set(name, cel::Value::Int(number));
  return std::move(ports).Build();
}

cel::Value FactsOf(const environment::ServicePlace& place) {
  return cel::Value::Object({{"port", cel::Value::Int(place.port())},
                             {"ports", PortsOf(place)},
                             {"dir", cel::Value::String(place.directory)}});
}

/// Compiles the texts of one environment.
class Converter {
 public:
  Converter(const scenario::Project& project, const scenario::Environment& source,
            const EnvironmentFacts& facts, scenario::Problems& problems)
      : source_(source), facts_(facts), problems_(problems) {
    for (const char* name : {"port", "ports", "dir", "service", "services", "links", "environment",
                             "project", "vars", "env", "run"}) {
      names_.Variable(name, cel::Type::Dyn());
    }
    globals_->emplace("run", facts.run);
    globals_->emplace("env", facts.env);
    globals_->emplace("project",
                      cel::Value::Object({{"dir", cel::Value::String(facts.project_directory)}}));
    globals_->emplace("environment",
                      cel::Value::Object({{"name", cel::Value::String(source.name.text)},
                                          {"type", cel::Value::String(ToString(source.type))},
                                          {"profile", cel::Value::String(source.profile)},
                                          {"dir", cel::Value::String(facts.shared_directory)},
                                          {"credentials", facts.credentials}}));
    AddVars(project);
  }

  ConvertedEnvironment Convert() {
    environment::EnvironmentSpec& spec = out_.spec;
    out_.placed = placed_;
    spec.name = source_.name.text;
    spec.profile = source_.profile;
    spec.start_timeout = source_.start_timeout;
    switch (source_.type) {
      case scenario::EnvironmentType::kProcess:
        spec.type = environment::EnvironmentType::kProcess;
        break;
      case scenario::EnvironmentType::kCompose:
        spec.type = environment::EnvironmentType::kCompose;
        ConvertCompose();
        break;
      case scenario::EnvironmentType::kKubernetes:
        spec.type = environment::EnvironmentType::kKubernetes;
        ConvertKubernetes();
        break;
      case scenario::EnvironmentType::kRemote:
        spec.type = environment::EnvironmentType::kRemote;
        break;
    }
    for (const scenario::Service& service : source_.services) {
      spec.services.push_back(ConvertService(service));
    }
    for (const scenario::Endpoint& endpoint : source_.endpoints) {
      spec.endpoints.push_back({endpoint.name.text, Text(endpoint.url)});
    }
    for (const scenario::Link& link : source_.links) {
      spec.links.push_back({link.name.text, TargetOf(link), link.listen});
    }
    return std::move(out_);
  }

 private:
  using Globals = std::map<std::string, cel::Value>;

  // Later ones see earlier ones. What cannot be evaluated here (it uses what only scenarios have)
  // is absent.
  void AddVars(const scenario::Project& project) {
    std::vector<std::pair<std::string, cel::Value>> known;
    const auto publish = [&] {
      cel::MapBuilder vars;
      for (const auto& [name, value] : known) vars.Set(name, value);
      (*globals_)["vars"] = std::move(vars).Build();
    };
    publish();
    scenario::Problems ignored;
    for (const auto* list : {&project.vars, &source_.vars}) {
      for (const scenario::NamedTemplate& var : *list) {
        const auto value = Compile(var.value, ignored)(Placement{});
        if (!value) continue;
        known.emplace_back(var.name.text, cel::Value::String(*value));
        publish();
      }
    }
    for (const auto& [name, value] : facts_.overrides) {
      known.emplace_back(name, cel::Value::String(value));
    }
    publish();
  }

  Piece PieceOf(const scenario::Expression& expression, scenario::Problems& problems) const {
    Piece piece{.span = expression.span};
    auto program = cel::Compile(names_, expression.text, expression.span);
    if (program) {
      piece.program = *std::move(program);
    } else {
      problems.Add(std::move(program).error());
    }
    return piece;
  }

  LateText Compile(const Template& text, scenario::Problems& problems) const {
    std::vector<Piece> pieces;
    if (text.kind == TemplateKind::kLiteral && text.literal != nullptr) {
      pieces.push_back({.literal = text.literal->text(), .program = {}, .span = text.span});
    } else if (text.kind == TemplateKind::kExpression) {
      pieces.push_back(PieceOf(text.expression, problems));
    } else if (text.kind == TemplateKind::kText) {
      for (const scenario::TemplatePart& part : text.parts) {
        if (part.expression) {
          pieces.push_back(PieceOf(*part.expression, problems));
        } else {
          pieces.push_back({.literal = part.literal, .program = {}, .span = text.span});
        }
      }
    }
    return [pieces, globals = globals_, placed = placed_](const Placement& placement) {
      return Complete(pieces, *globals, placement, *placed);
    };
  }

  LateText Text(const Template& text) const { return Compile(text, problems_); }

  LateText TargetOf(const scenario::Link& link) const {
    if (link.address) return Text(*link.address);
    return [port = environment::PortOf(link.to.text, link.port.text)](
               const Placement& placement) -> base::Result<std::string> {
      TRY(const std::string number, port(placement));
      return "127.0.0.1:" + number;
    };
  }

  std::vector<LateText> Texts(const Template& text) const {
    std::vector<LateText> out;
    if (text.kind != TemplateKind::kSequence) {
      out.push_back(Text(text));
      return out;
    }
    for (const Template& item : text.items) out.push_back(Text(item));
    return out;
  }

  static base::Result<std::string> Complete(const std::vector<Piece>& pieces,
                                            const Globals& globals, const Placement& placement,
                                            Placement& placed) {
    placed = placement;
    const cel::MapActivation names = NamesFor(globals, placement);
    std::string out;
    for (const Piece& piece : pieces) {
      if (!piece.program) {
        out += piece.literal;
        continue;
      }
      const cel::Value value = piece.program->Evaluate(names);
      if (value.is_error()) return base::Fail(base::Error(value.error()).At(piece.span));
      out += cel::ToText(value);
    }
    return out;
  }

  static cel::MapActivation NamesFor(const Globals& globals, const Placement& placement) {
    cel::MapActivation names;
    for (const auto& [name, value] : globals) names.Set(name, value);
    cel::MapBuilder services;
    for (const auto& [name, place] : placement.services) services.Set(name, FactsOf(place));
    names.Set("services", std::move(services).Build());
    cel::MapBuilder links;
    for (const auto& [name, number] : placement.links) {
      links.Set(name, cel::Value::Object({{"port", cel::Value::Int(number)}}));
    }
    names.Set("links", std::move(links).Build());
    names.Set("service", cel::Value::String(placement.service));
    if (const environment::ServicePlace* own = placement.own(); own != nullptr) {
      if (!own->ports.empty()) names.Set("port", cel::Value::Int(own->port()));
      names.Set("ports", PortsOf(*own)).Set("dir", cel::Value::String(own->directory));
    }
    return names;
  }

  /// Files of the environment start at the folder of its file.
  std::string PathOf(const scenario::Text& path) const {
    const fs::path file = source_.source != nullptr ? source_.source->name() : "";
    return (fs::path(facts_.project_directory) / file.parent_path() / path.text)
        .lexically_normal()
        .string();
  }

  void ConvertCompose() {
    environment::ComposeSpec& compose = out_.spec.compose;
    compose.project = source_.compose_project.text;
    for (const scenario::Text& file : source_.compose_files) {
      compose.files.push_back(PathOf(file));
      std::error_code error;
      if (fs::exists(compose.files.back(), error)) continue;
      problems_.Add(ErrorCode::kNotFound, fmt::format("there is no compose file {}", file.text),
                    file.span, "paths start at the folder of this file");
    }
    if (compose.files.empty()) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("the environment \"{}\" has no compose files", source_.name.text),
                    source_.name.span, "add `compose: compose.yaml`");
    }
    for (const scenario::Text& word : source_.compose_command) {
      compose.command.push_back(word.text);
    }
    for (const scenario::NamedTemplate& variable : source_.compose_env) {
      compose.environment.emplace_back(variable.name.text, Text(variable.value));
    }
  }

  void ConvertKubernetes() {
    environment::KubernetesSpec& kubernetes = out_.spec.kubernetes;
    kubernetes.space = source_.kube_namespace.text;
    kubernetes.context = source_.kube_context.text;
    if (!source_.kubeconfig.empty()) {
      kubernetes.kubeconfig = ExistingPath(source_.kubeconfig, "kubeconfig file");
    }
    for (const scenario::Text& path : source_.manifests) {
      kubernetes.manifests.push_back(ExistingPath(path, "manifest"));
    }
    for (const scenario::NamedTemplate& variable : source_.manifest_vars) {
      kubernetes.variables.emplace_back(variable.name.text, Text(variable.value));
    }
    for (const scenario::Chart& chart : source_.charts) {
      kubernetes.charts.push_back(ConvertChart(chart));
    }
    if (kubernetes.manifests.empty() && kubernetes.charts.empty()) {
      problems_.Add(
          ErrorCode::kInvalid,
          fmt::format("the environment \"{}\" has neither manifests nor charts", source_.name.text),
          source_.name.span, "add `manifests: deploy/`, or `helm: [{ chart: ./chart }]`");
    }
  }

  environment::HelmChart ConvertChart(const scenario::Chart& chart) const {
    environment::HelmChart out{.chart = chart.chart.text,
                               .release = chart.release.text,
                               .version = chart.version.text,
                               .value_files = {}};
    // What is no path is a name in a repository, or a URL.
    std::error_code error;
    if (fs::exists(PathOf(chart.chart), error)) out.chart = PathOf(chart.chart);
    if (out.release.empty()) out.release = fs::path(out.chart).filename().string();
    for (const scenario::Text& file : chart.value_files) {
      out.value_files.push_back(ExistingPath(file, "file of values"));
    }
    out.values = LateJson(
        chart.values,
        [&](const scenario::Expression& expression) {
          return PieceOf(expression, problems_).program;
        },
        [globals = globals_](const Placement& placement) { return NamesFor(*globals, placement); });
    return out;
  }

  std::string ExistingPath(const scenario::Text& path, std::string_view what) const {
    std::string full = PathOf(path);
    std::error_code error;
    if (!fs::exists(full, error)) {
      problems_.Add(ErrorCode::kNotFound, fmt::format("there is no {} {}", what, path.text),
                    path.span, "paths start at the folder of this file");
    }
    return full;
  }

  // Other types than process start their services in their own way.
  void RefuseProcessKeys(const scenario::Service& service) {
    const auto refuse = [&](std::string_view key) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("`{}` of the service \"{}\" does not fit type {}", key,
                                service.name.text, ToString(source_.type)),
                    service.span, "probes and optional do");
    };
    if (service.command.kind != TemplateKind::kMap || !service.command.entries.empty()) {
      refuse("command");
    }
    if (!service.args.empty()) refuse("args");
    if (!service.env.empty()) refuse("env");
    if (!service.ports.empty()) refuse("ports");
    if (!service.depends_on.empty()) refuse("depends_on");
    if (service.working_directory) refuse("cwd");
  }

  environment::ServiceSpec ConvertService(const scenario::Service& service) {
    environment::ServiceSpec out{.name = service.name.text};
    if (source_.type != scenario::EnvironmentType::kProcess) RefuseProcessKeys(service);
    const bool has_command =
        service.command.kind != TemplateKind::kMap || !service.command.entries.empty();
    if (has_command) out.command = Texts(service.command);
    for (const Template& argument : service.args) out.command.push_back(Text(argument));
    if (!has_command && source_.type == scenario::EnvironmentType::kProcess) {
      problems_.Add(ErrorCode::kInvalid,
                    fmt::format("the service \"{}\" has no command", service.name.text),
                    service.span, "give the program, or a list of program and arguments");
    }
    for (const scenario::NamedTemplate& variable : service.env) {
      out.environment.emplace_back(variable.name.text, Text(variable.value));
    }
    if (service.working_directory) {
      out.working_directory = [text = Text(*service.working_directory),
                               root = facts_.project_directory](
                                  const Placement& placement) -> base::Result<std::string> {
        TRY(const std::string path, text(placement));
        return (fs::path(root) / path).lexically_normal().string();
      };
    }
    for (const scenario::ServicePort& port : service.ports) {
      environment::PortSpec made{.name = port.name.text, .fixed = {}};
      if (port.fixed) {
        if (*port.fixed < 1 || *port.fixed > 65535) {
          problems_.Add(ErrorCode::kInvalid,
                        fmt::format("the port {} is not within 1 to 65535", *port.fixed),
                        port.name.span);
          continue;
        }
        made.fixed = static_cast<uint16_t>(*port.fixed);
      }
      out.ports.push_back(std::move(made));
    }
    for (const scenario::Probe& probe : service.probes) AddProbe(probe, out);
    for (const scenario::Dependency& dependency : service.depends_on) {
      out.depends_on.push_back({dependency.service.text, ConditionOf(dependency.condition)});
    }
    AddRules(service, out);
    return out;
  }

  static environment::StartCondition ConditionOf(scenario::DependsCondition condition) {
    switch (condition) {
      case scenario::DependsCondition::kStarted:
        return environment::StartCondition::kStarted;
      case scenario::DependsCondition::kReady:
        return environment::StartCondition::kReady;
      case scenario::DependsCondition::kCompleted:
        return environment::StartCondition::kCompleted;
    }
    return environment::StartCondition::kReady;
  }

  static void AddRules(const scenario::Service& service, environment::ServiceSpec& out) {
    static const std::map<std::string, int, std::less<>> kSignals = {
        {"TERM", SIGTERM}, {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"HUP", SIGHUP},
        {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"KILL", SIGKILL}};
    if (const auto found = kSignals.find(service.stop_signal); found != kSignals.end()) {
      out.stop_signal = found->second;
    }
    out.limits = ToLimits(service.limits);
    if (service.restart == scenario::RestartPolicy::kAlways) {
      out.restart = environment::RestartRule::kAlways;
    } else if (service.restart == scenario::RestartPolicy::kOnFailure) {
      out.restart = environment::RestartRule::kOnFailure;
    }
    out.disk_bytes = service.limits.disk_bytes;
    out.max_restarts = service.max_restarts;
    out.stop_grace = service.stop_grace;
    out.optional = service.optional;
  }

  static environment::ServiceLimits ToLimits(const scenario::ServiceLimits& limits) {
    environment::ServiceLimits out;
    out.memory_bytes = limits.memory_bytes;
    out.cpus = limits.cpus;
    if (limits.files) out.files = static_cast<uint64_t>(*limits.files);
    if (limits.processes) out.processes = static_cast<uint64_t>(*limits.processes);
    return out;
  }

  void AddProbe(const scenario::Probe& probe, environment::ServiceSpec& service) {
    static const std::map<std::string, environment::ProbeKind, std::less<>> kKinds = {
        {"http", environment::ProbeKind::kHttp},
        {"tcp", environment::ProbeKind::kTcp},
        {"sql", environment::ProbeKind::kSql},
        {"websocket", environment::ProbeKind::kWebSocket},
        {"log", environment::ProbeKind::kLog},
        {"exec", environment::ProbeKind::kExec},
        {"file", environment::ProbeKind::kFile},
        {"s3", environment::ProbeKind::kS3},
        {"redis", environment::ProbeKind::kRedis},
        {"amqp", environment::ProbeKind::kAmqp}};
    const auto kind = kKinds.find(probe.kind.text);
    if (kind == kKinds.end()) {
      problems_.Add(ErrorCode::kUnsupported,
                    fmt::format("probes of kind {} cannot be made yet", probe.kind.text),
                    probe.kind.span,
                    "use http, tcp, sql, redis, s3, amqp, websocket, log, exec or file");
      return;
    }
    environment::ProbeSpec out{.kind = kind->second, .within = probe.within, .every = probe.every};
    const bool is_exec = kind->second == environment::ProbeKind::kExec;
    if (is_exec) {
      out.command = Texts(probe.target);
    } else {
      out.target = ProbeTarget(kind->second, probe.target);
    }
    if (const Template* args = probe.params.Find("args"); args != nullptr && is_exec) {
      for (LateText& text : Texts(*args)) out.command.push_back(std::move(text));
    }
    if (const Template* status = probe.params.Find("status");
        status != nullptr && status->literal != nullptr) {
      out.statuses.push_back(static_cast<int>(status->literal->as_int()));
    }
    if (const Template* query = probe.params.Find("query");
        query != nullptr && query->literal != nullptr) {
      out.query = query->literal->text();
    }
    service.probes.push_back(std::move(out));
  }

  // `tcp: 5432` and `tcp: ${{ port }}` are ports of this machine.
  LateText ProbeTarget(environment::ProbeKind kind, const Template& target) const {
    LateText text = Text(target);
    if (kind != environment::ProbeKind::kTcp) return text;
    return [text](const Placement& placement) -> base::Result<std::string> {
      TRY(std::string made, text(placement));
      uint16_t port = 0;
      const auto read = std::from_chars(made.data(), made.data() + made.size(), port);
      const bool is_port = read.ec == std::errc{} && read.ptr == made.data() + made.size();
      return is_port ? ":" + made : made;
    };
  }

  const scenario::Environment& source_;
  const EnvironmentFacts& facts_;
  scenario::Problems& problems_;
  cel::Environment names_;
  std::shared_ptr<Globals> globals_ = std::make_shared<Globals>();
  std::shared_ptr<Placement> placed_ = std::make_shared<Placement>();
  ConvertedEnvironment out_;
};

}  // namespace

ConvertedEnvironment ConvertEnvironment(const scenario::Project& project,
                                        const scenario::Environment& environment,
                                        const EnvironmentFacts& facts,
                                        scenario::Problems& problems) {
  return Converter(project, environment, facts, problems).Convert();
}

}  // namespace assay::cli
