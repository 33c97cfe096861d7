#include "assay/fault/site/fault_parameters.h"

#include <array>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/units.h"

namespace assay::fault {

namespace {

using base::ErrorCode;
using cel::Value;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::OneOf;
using scenario::Type;

/// From the table of toxics, so that both say the same.
ObjectSchema AttributesTable(const ToxicType& type) {
  ObjectSchema table{.name = std::string(type.name), .doc = std::string(type.doc)};
  for (const Attribute& attribute : type.attributes) {
    Field field{.name = std::string(attribute.name), .doc = std::string(attribute.doc)};
    switch (attribute.kind) {
      case AttributeKind::kInteger:
        field.type = Type::Int();
        field.default_text = fmt::format("{}", attribute.fallback);
        break;
      case AttributeKind::kFraction:
        field.type = Type::Number();
        field.default_text = fmt::format("{}", attribute.fallback);
        break;
      case AttributeKind::kText:
        field.type = Type::String();
        break;
    }
    table.fields.push_back(std::move(field));
  }
  return table;
}

ObjectSchema NetworkTable() {
  ObjectSchema table{
      .name = "network fault",
      .doc = "What happens to the connections of a link; several toxics work one after the other.",
      .fields = {{.name = "link",
                  .type = Type::String(),
                  .required = true,
                  .doc = "A link of the environment."},
                 {.name = "stream",
                  .type = Type::Enum({"upstream", "downstream"}),
                  .default_text = "downstream",
                  .doc = "The direction: upstream is to the server."},
                 {.name = "toxicity",
                  .type = Type::Number(),
                  .default_text = "1",
                  .doc = "Share of the connections that are concerned."},
                 {.name = "down",
                  .type = Type::Bool(),
                  .doc = "Cuts all connections and refuses new ones."}}};
  for (const ToxicType& type : ToxicTypes()) {
    table.fields.push_back({.name = std::string(type.name),
                            .type = Type::Object(AttributesTable(type)),
                            .doc = std::string(type.doc)});
  }
  return table;
}

ObjectSchema ProcessTable() {
  ObjectSchema table{
      .name = "process fault",
      .doc = "What happens to the processes of a service.",
      .fields = {
          {.name = "service", .type = Type::String(), .required = true, .doc = "Its name."},
          {.name = "kill",
           .type = Type::Bool(),
           .doc = "SIGKILL to all that came from it; healed by a start."},
          {.name = "term", .type = Type::Bool(), .doc = "Graceful stop; healed by a start."},
          {.name = "restart", .type = Type::Bool(), .doc = "Stopped and started at once."},
          {.name = "pause", .type = Type::Bool(), .doc = "SIGSTOP; healed by SIGCONT."},
          {.name = "slow",
           .type = Type::Number(),
           .doc = "Runs only for this share of the time, between 0 and 1."},
          {.name = "files", .type = Type::Int(), .doc = "May open so many files and sockets more."},
          {.name = "memory",
           .type = Type::Size(),
           .doc = "May reserve so much address space more."}}};
  table.one_of = {{.names = {"kill", "term", "restart", "pause", "slow", "files", "memory"}}};
  return table;
}

ObjectSchema DiskTable() {
  ObjectSchema table{
      .name = "disk fault",
      .doc = "What happens to the data directory of a service.",
      .fields = {{.name = "service", .type = Type::String(), .required = true, .doc = "Its name."},
                 {.name = "full",
                  .type = Type::Bool(),
                  .doc = "No byte is left; needs `limits: {disk}` of the service."},
                 {.name = "flip",
                  .type = Type::String(),
                  .doc = "File in which one bit becomes another; a glob chooses one."},
                 {.name = "truncate",
                  .type = Type::String(),
                  .doc = "File that loses its end; a glob chooses one."},
                 {.name = "bytes",
                  .type = Type::Size(),
                  .default_text = "1",
                  .doc = "truncate: how much is lost."}}};
  table.one_of = {{.names = {"full", "flip", "truncate"}}};
  return table;
}

ObjectSchema RandomTable() {
  ObjectSchema choice{
      .name = "random fault",
      .doc = "A fault that may be drawn.",
      .fields = {{.name = "network", .type = Type::Object(NetworkTable()), .doc = "Of a link."},
                 {.name = "process", .type = Type::Object(ProcessTable()), .doc = "Of a service."},
                 {.name = "disk", .type = Type::Object(DiskTable()), .doc = "Of a data directory."},
                 {.name = "dependency",
                  .type = Type::String(),
                  .doc = "A link that is cut, or a service that is stopped."},
                 {.name = "weight",
                  .type = Type::Number(),
                  .default_text = "1",
                  .doc = "How often it is drawn, relative to the others."},
                 {.name = "shortest",
                  .type = Type::Duration(),
                  .default_text = "100ms",
                  .doc = "It lasts at least so long."},
                 {.name = "longest",
                  .type = Type::Duration(),
                  .default_text = "5s",
                  .doc = "It lasts at most so long."}}};
  choice.one_of = {{.names = {"network", "process", "disk", "dependency"}}};
  return {.name = "random faults",
          .doc =
              "Faults drawn with the seed of the run, beside each other and one after the other, "
              "of one service or link never two at once.",
          .fields = {{.name = "among",
                      .type = Type::List(Type::Object(std::move(choice))),
                      .required = true,
                      .doc = "What may be drawn."},
                     {.name = "for",
                      .type = Type::Duration(),
                      .default_text = "1m",
                      .doc = "Every fault is to be over by then."},
                     {.name = "faults",
                      .type = Type::Int(),
                      .default_text = "10",
                      .doc = "How many; fewer when they do not fit."},
                     {.name = "calm",
                      .type = Type::Duration(),
                      .default_text = "200ms",
                      .doc = "Between two faults of one service or link."}}};
}

std::string TextAt(const Value& map, std::string_view key) {
  const Value* value = map.Find(key);
  return value == nullptr || value->is_null() ? std::string() : cel::ToText(*value);
}

base::Error Wrong(std::string_view name, std::string_view expected) {
  return {.code = ErrorCode::kInvalid,
          .message = fmt::format("parameter \"{}\" is not {}", name, expected)};
}

base::Result<uint64_t> SizeAt(const Value& map, std::string_view key, uint64_t otherwise) {
  const Value* value = map.Find(key);
  if (value == nullptr || value->is_null()) return otherwise;
  auto size = base::ParseSize(cel::ToText(*value));
  if (size) return size;
  return base::Fail(Wrong(key, "a size such as 64KiB"));
}

/// `x: true` asks for it; `x: false` does not.
bool Asks(const Value& map, std::string_view key) {
  const Value* value = map.Find(key);
  return value != nullptr && value->is_true();
}

base::Result<std::unique_ptr<Fault>> NetworkOf(const Value& map, const Ground& ground) {
  NetworkFaultSpec spec{.link = TextAt(map, "link"), .down = Asks(map, "down")};
  for (const ToxicType& type : ToxicTypes()) {
    const Value* attributes = map.Find(type.name);
    if (attributes == nullptr || attributes->is_null()) continue;
    boost::json::object json = {{"type", type.name}, {"attributes", cel::ToJson(*attributes)}};
    for (const char* name : {"stream", "toxicity"}) {
      if (const Value* value = map.Find(name)) json[name] = cel::ToJson(*value);
    }
    TRY(ToxicSpec toxic, ParseToxic(json));
    spec.toxics.push_back(std::move(toxic));
  }
  if (spec.down != spec.toxics.empty()) {
    return base::Fail(
        base::Error{.code = ErrorCode::kInvalid,
                    .message = spec.down ? "a link that is down carries no toxics"
                                         : "a network fault names no toxic and not `down: true`",
                    .hint = "for example: `network: {link: client, latency: {latency: 200}}`"});
  }
  return MakeNetworkFault(ground, std::move(spec));
}

base::Result<std::unique_ptr<Fault>> ProcessOf(const Value& map, const Ground& ground) {
  ProcessFaultSpec spec{.service = TextAt(map, "service")};
  constexpr std::array kPlain = {std::pair{"kill", ProcessFaultKind::kKill},
                                 std::pair{"term", ProcessFaultKind::kTerm},
                                 std::pair{"restart", ProcessFaultKind::kRestart},
                                 std::pair{"pause", ProcessFaultKind::kPause}};
  for (const auto& [name, kind] : kPlain) {
    if (!Asks(map, name)) continue;
    spec.kind = kind;
    return MakeProcessFault(ground, std::move(spec));
  }
  if (map.Find("slow") != nullptr) {
    spec.kind = ProcessFaultKind::kSlow;
    TRY(spec.amount, NumberAt(map, "slow"));
    if (!(spec.amount > 0 && spec.amount < 1)) {
      return base::Fail(Wrong("slow", "a share between 0 and 1"));
    }
  } else if (map.Find("files") != nullptr) {
    spec.kind = ProcessFaultKind::kFiles;
    TRY(spec.amount, NumberAt(map, "files"));
  } else if (map.Find("memory") != nullptr) {
    spec.kind = ProcessFaultKind::kMemory;
    TRY(const uint64_t bytes, SizeAt(map, "memory", 0));
    spec.amount = static_cast<double>(bytes);
  } else {
    return base::Fail(base::Error{.code = ErrorCode::kInvalid,
                                  .message = "a process fault asks for nothing",
                                  .hint = "for example: `process: {service: api, kill: true}`"});
  }
  return MakeProcessFault(ground, std::move(spec));
}

base::Result<std::unique_ptr<Fault>> DiskOf(const Value& map, const Ground& ground, uint64_t seed) {
  DiskFaultSpec spec{.service = TextAt(map, "service")};
  TRY(spec.bytes, SizeAt(map, "bytes", 1));
  if (map.Find("flip") != nullptr) {
    spec.kind = DiskFaultKind::kFlip;
    spec.file = TextAt(map, "flip");
  } else if (map.Find("truncate") != nullptr) {
    spec.kind = DiskFaultKind::kTruncate;
    spec.file = TextAt(map, "truncate");
  } else if (!Asks(map, "full")) {
    return base::Fail(base::Error{.code = ErrorCode::kInvalid,
                                  .message = "a disk fault asks for nothing",
                                  .hint = "for example: `disk: {service: api, full: true}`"});
  }
  return MakeDiskFault(ground, std::move(spec), seed);
}

/// What a service depends on is gone: its link, if there is one of that name, else the service.
base::Result<std::unique_ptr<Fault>> DependencyOf(const std::string& name, const Ground& ground) {
  if (ground.links != nullptr && ground.links->Find(name)) {
    return MakeNetworkFault(ground, {.link = name, .toxics = {}, .down = true});
  }
  return MakeProcessFault(ground, {.service = name, .kind = ProcessFaultKind::kTerm});
}

}  // namespace

ObjectSchema FaultTable() {
  ObjectSchema table{
      .name = "fault",
      .doc = "One fault, or what ends it.",
      .fields = {
          {.name = "network", .type = Type::Object(NetworkTable()), .doc = "Of a link."},
          {.name = "process", .type = Type::Object(ProcessTable()), .doc = "Of a service."},
          {.name = "disk", .type = Type::Object(DiskTable()), .doc = "Of a data directory."},
          {.name = "dependency",
           .type = Type::String(),
           .doc = "A link that is cut, or a service that is stopped."},
          {.name = "heal",
           .type = Type::String(),
           .doc = "Undoes the fault of this name, or `all` of the scenario."},
          {.name = "random",
           .type = Type::Object(RandomTable()),
           .doc = "Many, drawn at random; `assay shrink` finds those that a failure needs."},
          {.name = "as",
           .type = Type::String(),
           .doc = "Name of the fault; absent: what it is and where."},
          {.name = "after", .type = Type::Duration(), .default_text = "0s", .doc = "Begins later."},
          {.name = "for",
           .type = Type::Duration(),
           .doc = "Undone after this time, and the step lasts as long; absent: the step ends at "
                  "once, and the fault stays until it is healed or the scenario ends."},
          {.name = "every",
           .type = Type::Duration(),
           .doc = "From one beginning to the next; needs `for` and `times`."},
          {.name = "times",
           .type = Type::Int(),
           .default_text = "1",
           .doc = "How often it is applied."}}};
  table.one_of = {{.names = {"network", "process", "disk", "dependency", "heal", "random"}}};
  return table;
}

base::Result<std::optional<base::Duration>> SpanAt(const Value& params, std::string_view key) {
  const Value* value = params.Find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_duration()) return value->duration();
  auto span = value->is_string() ? base::ParseDuration(value->string())
                                 : base::Fail(ErrorCode::kInvalid, "");
  if (span) return *span;
  return base::Fail(Wrong(key, "a duration such as 5s"));
}

base::Result<double> NumberAt(const Value& map, std::string_view key) {
  const Value* value = map.Find(key);
  if (value != nullptr && value->is_int()) return static_cast<double>(value->int_value());
  if (value != nullptr && value->is_double()) return value->double_value();
  return base::Fail(Wrong(key, "a number"));
}

base::Result<FaultTimes> TimesOf(const Value& params) {
  FaultTimes times;
  TRY(const auto after, SpanAt(params, "after"));
  times.after = after.value_or(base::Duration::zero());
  TRY(times.lasts, SpanAt(params, "for"));
  TRY(times.every, SpanAt(params, "every"));
  if (const Value* count = params.Find("times")) {
    if (!count->is_int() || count->int_value() < 1) return base::Fail(Wrong("times", "above 0"));
    times.times = count->int_value();
  }
  TRY((Window{.after = times.after, .lasts = times.lasts, .every = times.every}).Check());
  if (times.every.has_value() == (times.times > 1)) return times;
  return base::Fail(base::Error{.code = ErrorCode::kInvalid,
                                .message = "\"every\" and \"times\" belong together",
                                .hint = "for example: `for: 1s, every: 10s, times: 3`"});
}

base::Result<std::unique_ptr<Fault>> FaultOf(const Value& params, const Ground& ground,
                                             uint64_t seed) {
  if (const Value* map = params.Find("network")) return NetworkOf(*map, ground);
  if (const Value* map = params.Find("process")) return ProcessOf(*map, ground);
  if (const Value* map = params.Find("disk")) return DiskOf(*map, ground, seed);
  return DependencyOf(TextAt(params, "dependency"), ground);
}

std::string HeadOf(const Value& params) {
  if (const std::string name = TextAt(params, "heal"); !name.empty()) return "heal " + name;
  if (const std::string name = TextAt(params, "dependency"); !name.empty()) return name + " down";
  if (params.Find("random") != nullptr) return "random faults";
  for (const char* kind : {"network", "process", "disk"}) {
    const Value* map = params.Find(kind);
    if (map == nullptr || !map->is_map()) continue;
    std::string words;
    for (const auto& [key, value] : map->map().entries()) {
      const std::string name = cel::ToText(key);
      if (name == "link" || name == "service" || name == "stream" || name == "toxicity") continue;
      words += (words.empty() ? "" : ", ") + name;
    }
    const std::string at = TextAt(*map, kind == std::string_view("network") ? "link" : "service");
    return fmt::format("{} {}", words, at);
  }
  return "fault";
}

}  // namespace assay::fault
