#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/scenario/build.h"
#include "assay/scenario/tables/tables.h"
#include "assay/scenario/template.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace assay::scenario {
namespace {

using yaml::Node;

const std::vector<yaml::Entry>& EntriesOf(const Node& map, std::string_view key) {
  static const std::vector<yaml::Entry> none;
  const Node* node = map.Find(key);
  return node == nullptr ? none : node->entries();
}

std::vector<Template> ReadTemplates(const Node& map, std::string_view key, Problems& problems) {
  std::vector<Template> templates;
  const yaml::NodePtr node = map.FindShared(key);
  if (node == nullptr || node->is_null()) return templates;
  if (node->is_scalar()) templates.push_back(ParseTemplate(node, problems));
  for (const yaml::NodePtr& item : node->items()) {
    templates.push_back(ParseTemplate(item, problems));
  }
  return templates;
}

std::optional<Probe> ReadProbe(const Node& node, Problems& problems) {
  if (!node.is_map()) return std::nullopt;
  Probe probe;
  probe.span = node.span();
  probe.within = ReadDuration(node, "within").value_or(probe.within);
  probe.every = ReadDuration(node, "every").value_or(probe.every);
  probe.params = EmptyTemplateMap(node.span());
  for (const yaml::Entry& entry : node.entries()) {
    if (entry.key == "within" || entry.key == "every") continue;
    Template value = ParseTemplate(entry.value, problems);
    if (entry.key == "status" || entry.key == "query" || entry.key == "args") {
      probe.params.entries.push_back({entry.key, entry.key_span, std::move(value)});
    } else {
      probe.kind = {entry.key, entry.key_span};
      probe.target = std::move(value);
    }
  }
  if (probe.kind.empty()) return std::nullopt;
  return probe;
}

DependsCondition ConditionOf(const std::string& word) {
  if (word == "started") return DependsCondition::kStarted;
  return word == "completed" ? DependsCondition::kCompleted : DependsCondition::kReady;
}

void ReadPorts(const Node& node, Service& service) {
  for (Text& name : ReadTexts(node, "ports")) {
    service.ports.push_back({std::move(name), std::nullopt});
  }
  for (const yaml::Entry& entry : EntriesOf(node, "ports")) {
    ServicePort port{{entry.key, entry.key_span}, std::nullopt};
    if (entry.value->kind() == yaml::NodeKind::kInt) port.fixed = entry.value->as_int();
    service.ports.push_back(std::move(port));
  }
}

void ReadLimits(const Node& node, Service& service) {
  const Node* limits = node.Find("limits");
  if (limits == nullptr) return;
  if (const Text memory = ReadText(*limits, "memory"); !memory.empty()) {
    if (const auto bytes = base::ParseSize(memory.text)) service.limits.memory_bytes = *bytes;
  }
  if (const Node* cpu = limits->Find("cpu")) service.limits.cpus = cpu->as_double();
  service.limits.files = ReadInt(*limits, "files");
  service.limits.processes = ReadInt(*limits, "processes");
  if (const Text disk = ReadText(*limits, "disk"); !disk.empty()) {
    if (const auto bytes = base::ParseSize(disk.text)) service.limits.disk_bytes = *bytes;
  }
}

Service ReadService(const yaml::Entry& entry, Problems& problems) {
  const Node& node = *entry.value;
  Service service;
  service.name = {entry.key, entry.key_span};
  service.span = entry.key_span;
  service.command =
      ReadTemplate(node, "command", problems).value_or(EmptyTemplateMap(entry.key_span));
  service.args = ReadTemplates(node, "args", problems);
  service.env = ReadNamed(node, "env", problems);
  service.working_directory = ReadTemplate(node, "cwd", problems);
  ReadPorts(node, service);
  if (const Node* probes = node.Find("probes")) {
    for (const yaml::NodePtr& item : probes->items()) {
      if (auto probe = ReadProbe(*item, problems)) service.probes.push_back(std::move(*probe));
    }
  }
  for (Text& name : ReadTexts(node, "depends_on")) {
    service.depends_on.push_back({std::move(name), DependsCondition::kReady});
  }
  for (const yaml::Entry& dependency : EntriesOf(node, "depends_on")) {
    service.depends_on.push_back(
        {{dependency.key, dependency.key_span}, ConditionOf(dependency.value->text())});
  }
  ReadLimits(node, service);
  const std::string restart = ReadText(node, "restart").text;
  if (restart == "always") service.restart = RestartPolicy::kAlways;
  if (restart == "on-failure") service.restart = RestartPolicy::kOnFailure;
  service.max_restarts = ReadInt(node, "max_restarts").value_or(service.max_restarts);
  if (const Node* stop = node.Find("stop")) {
    if (const Text signal = ReadText(*stop, "signal"); !signal.empty()) {
      service.stop_signal = signal.text;
    }
    service.stop_grace = ReadDuration(*stop, "grace").value_or(service.stop_grace);
  }
  service.optional = ReadBool(node, "optional").value_or(false);
  return service;
}

Endpoint ReadEndpoint(const yaml::Entry& entry, Problems& problems) {
  Endpoint endpoint;
  endpoint.name = {entry.key, entry.key_span};
  endpoint.options = EmptyTemplateMap(entry.key_span);
  if (!entry.value->is_map()) {
    endpoint.url = ParseTemplate(entry.value, problems);
    return endpoint;
  }
  for (const yaml::Entry& option : entry.value->entries()) {
    Template value = ParseTemplate(option.value, problems);
    if (option.key == "url") {
      endpoint.url = std::move(value);
    } else {
      endpoint.options.entries.push_back({option.key, option.key_span, std::move(value)});
    }
  }
  return endpoint;
}

Link ReadLink(const yaml::Entry& entry, Problems& problems) {
  const Node& node = *entry.value;
  Link link;
  link.name = {entry.key, entry.key_span};
  link.to = ReadText(node, "to");
  link.port = ReadText(node, "port");
  link.from = ReadText(node, "from");
  if (const Text listen = ReadText(node, "listen"); !listen.empty()) link.listen = listen.text;
  // Services have no colon in their names, and no expression.
  if (link.to.text.contains(':') || link.to.text.contains("${{")) {
    link.address = ReadTemplate(node, "to", problems);
  }
  return link;
}

// A link leads to a service and one of its ports. Those of containers are not known here.
void CheckLinks(const Environment& environment, Problems& problems) {
  std::vector<std::string> names;
  for (const Service& service : environment.services) names.push_back(service.name.text);
  const auto find = [&](const Text& wanted) -> const Service* {
    const auto found = std::ranges::find_if(environment.services, [&](const Service& service) {
      return service.name.text == wanted.text;
    });
    if (found != environment.services.end()) return &*found;
    problems.Add(base::ErrorCode::kNotFound, fmt::format("unknown service \"{}\"", wanted.text),
                 wanted.span, base::SuggestionFor(wanted.text, names));
    return nullptr;
  };
  for (const Link& link : environment.links) {
    if (!link.from.empty()) static_cast<void>(find(link.from));
    if (link.address) continue;
    const Service* to = find(link.to);
    if (to == nullptr || environment.type != EnvironmentType::kProcess) continue;
    std::vector<std::string> ports;
    for (const ServicePort& port : to->ports) ports.push_back(port.name.text);
    if (ports.empty()) {
      problems.Add(
          base::ErrorCode::kInvalid,
          fmt::format("the service \"{}\" has no port that a link could lead to", link.to.text),
          link.to.span, "give it `ports: [NAME]`");
    } else if (!link.port.empty() && std::ranges::find(ports, link.port.text) == ports.end()) {
      problems.Add(
          base::ErrorCode::kNotFound,
          fmt::format("the service \"{}\" has no port \"{}\"", link.to.text, link.port.text),
          link.port.span, base::SuggestionFor(link.port.text, ports));
    }
  }
}

Chart ReadChart(const Node& node, Problems& problems) {
  return {.chart = ReadText(node, "chart"),
          .release = ReadText(node, "release"),
          .version = ReadText(node, "version"),
          .value_files = ReadTexts(node, "value_files"),
          .values = ReadTemplate(node, "values", problems).value_or(EmptyTemplateMap(node.span()))};
}

// Every dependency names a service, and none needs itself.
void CheckDependencies(const Environment& environment, Problems& problems) {
  std::vector<std::string> names;
  for (const Service& service : environment.services) names.push_back(service.name.text);
  for (const Service& service : environment.services) {
    for (const Dependency& dependency : service.depends_on) {
      const Text& on = dependency.service;
      if (on.text == service.name.text) {
        problems.Add(base::ErrorCode::kInvalid,
                     fmt::format("the service \"{}\" depends on itself", on.text), on.span);
      } else if (std::ranges::find(names, on.text) == names.end()) {
        problems.Add(base::ErrorCode::kNotFound, fmt::format("unknown service \"{}\"", on.text),
                     on.span, base::SuggestionFor(on.text, names));
      }
    }
  }
}

}  // namespace

std::string_view ToString(EnvironmentType type) {
  switch (type) {
    case EnvironmentType::kProcess:
      return "process";
    case EnvironmentType::kCompose:
      return "compose";
    case EnvironmentType::kKubernetes:
      return "kubernetes";
    case EnvironmentType::kRemote:
      return "remote";
  }
  return "process";
}

Environment BuildEnvironment(const Node& root, Source source, Problems& problems) {
  Environment out;
  out.source = std::move(source);
  out.span = root.span();
  out.name = ReadText(root, "name");
  const std::string type = ReadText(root, "type").text;
  if (type == "compose") out.type = EnvironmentType::kCompose;
  if (type == "kubernetes") out.type = EnvironmentType::kKubernetes;
  if (type == "remote") out.type = EnvironmentType::kRemote;
  const Text profile = ReadText(root, "profile");
  out.profile = profile.empty() ? "development" : profile.text;
  out.description = ReadText(root, "description").text;
  for (const yaml::Entry& entry : EntriesOf(root, "services")) {
    out.services.push_back(ReadService(entry, problems));
  }
  CheckDependencies(out, problems);
  for (const yaml::Entry& entry : EntriesOf(root, "endpoints")) {
    out.endpoints.push_back(ReadEndpoint(entry, problems));
  }
  for (const yaml::Entry& entry : EntriesOf(root, "links")) {
    out.links.push_back(ReadLink(entry, problems));
  }
  CheckLinks(out, problems);
  out.default_endpoint = ReadText(root, "default_endpoint");
  for (const yaml::Entry& entry : EntriesOf(root, "credentials")) {
    out.credentials.push_back({{entry.key, entry.key_span},
                               ReadText(*entry.value, "file"),
                               ReadText(*entry.value, "variable"),
                               entry.key_span});
  }
  out.vars = ReadNamed(root, "vars", problems);
  out.allowed_env = ReadWords(root, "env");
  out.compose_files = ReadTexts(root, "compose");
  out.compose_project = ReadText(root, "project");
  out.compose_command = ReadTexts(root, "compose_command");
  out.compose_env = ReadNamed(root, "compose_env", problems);
  out.kubeconfig = ReadText(root, "kubeconfig");
  out.kube_context = ReadText(root, "context");
  out.kube_namespace = ReadText(root, "namespace");
  out.manifests = ReadTexts(root, "manifests");
  out.manifest_vars = ReadNamed(root, "manifest_vars", problems);
  if (const Node* charts = root.Find("helm")) {
    for (const yaml::NodePtr& item : charts->items()) {
      out.charts.push_back(ReadChart(*item, problems));
    }
  }
  out.start_timeout = ReadDuration(root, "start_timeout").value_or(out.start_timeout);
  return out;
}

}  // namespace assay::scenario
