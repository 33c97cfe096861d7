#include "assay/importing/scenario_writer.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/shape.h"
#include "assay/importing/slot.h"
#include "assay/importing/step_writer.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

constexpr size_t kMaxEchoes = 4;
constexpr size_t kMaxEchoBytes = 60;

bool HasEndpoint(const Draft& draft, std::string_view name) {
  return std::ranges::find(draft.endpoints, name, &EndpointDraft::name) != draft.endpoints.end();
}

bool HasFile(const Draft& draft, std::string_view path) {
  return std::ranges::find(draft.files, path, &FileDraft::path) != draft.files.end();
}

bool IsBody(const Exchange& exchange) {
  return !std::holds_alternative<std::monostate>(exchange.content);
}

bool IsSameGet(const Exchange& a, const Exchange& b) {
  return a.method == "GET" && b.method == "GET" && a.origin == b.origin && a.path == b.path &&
         a.query == b.query && !IsBody(a) && !IsBody(b) && a.answer && b.answer;
}

/// `status` or `state` at the top of a JSON answer: name and value.
std::pair<std::string, std::string> StateOf(const Answer& answer) {
  const auto parsed = json::Parse(answer.body);
  if (!parsed || !parsed->is_object()) return {};
  for (const char* key : {"status", "state", "phase"}) {
    const auto* member = parsed->get_object().if_contains(key);
    if (member != nullptr && member->is_string()) return {key, std::string(member->get_string())};
  }
  return {};
}

/// The condition that ends a series of polls; "" when the answers do not differ in a way that
/// tells.
std::string EndOf(const std::vector<Exchange>& exchanges, size_t first, size_t last) {
  const Answer& before = *exchanges[first].answer;
  const Answer& after = *exchanges[last].answer;
  const auto [key, value] = StateOf(after);
  if (!key.empty() && StateOf(before).second != value) {
    return fmt::format("status == {} && {} == {}", after.status, CelMember("body", key),
                       CelString(value));
  }
  return before.status != after.status ? fmt::format("status == {}", after.status) : std::string();
}

}  // namespace

std::vector<Exchange> CollapsePolls(std::vector<Exchange> exchanges) {
  std::vector<Exchange> out;
  for (size_t i = 0; i < exchanges.size();) {
    size_t last = i;
    while (last + 1 < exchanges.size() && IsSameGet(exchanges[i], exchanges[last + 1])) ++last;
    const std::string until = last > i ? EndOf(exchanges, i, last) : std::string();
    if (until.empty()) {
      out.push_back(std::move(exchanges[i++]));
      continue;
    }
    Exchange poll = std::move(exchanges[last]);
    poll.options.emplace_back("poll", Yaml::Map({{"every", Yaml::Text("500ms")},
                                                 {"for", Yaml::Text("60s")},
                                                 {"until", Yaml::Text(until)}}));
    out.push_back(std::move(poll));
    i = last + 1;
  }
  return out;
}

ScenarioWriter::ScenarioWriter(Draft& draft) : draft_(draft), secrets_(draft, draft.name) {}

std::string ScenarioWriter::EndpointFor(const std::string& origin) {
  if (origin.empty()) return {};
  const auto known = std::ranges::find(draft_.endpoints, origin, &EndpointDraft::url);
  if (known != draft_.endpoints.end())
    return known == draft_.endpoints.begin() ? std::string() : known->name;
  std::string name = "api";
  if (!draft_.endpoints.empty()) {
    const auto url = http::ParseUrl(origin);
    std::string wish = url ? ToIdentifier(url->host.substr(0, url->host.find('.'))) : "other";
    if (wish.starts_with('v') && url &&
        std::isdigit(static_cast<unsigned char>(url->host.front())) != 0)
      wish = "other";
    name = wish;
    for (int number = 2; HasEndpoint(draft_, name); ++number) {
      name = fmt::format("{}_{}", wish, number);
    }
  }
  draft_.endpoints.push_back({name, origin});
  return draft_.endpoints.size() == 1 ? std::string() : name;
}

std::string ScenarioWriter::FreePath(const std::string& folder, const std::string& stem,
                                     const std::string& ending) const {
  std::string path = folder + stem + ending;
  for (int number = 2; HasFile(draft_, path); ++number) {
    path = fmt::format("{}{}-{}{}", folder, stem, number, ending);
  }
  return path;
}

std::string ScenarioWriter::SchemaFile(const std::string& name, const boost::json::value& schema) {
  const std::string text = json::Pretty(schema) + "\n";
  for (const FileDraft& file : draft_.files) {
    if (file.path.starts_with("schemas/") && file.text == text) return file.path;
  }
  const std::string path = FreePath("schemas/", ToSlug(name), ".json");
  draft_.files.push_back({path, text});
  return path;
}

void ScenarioWriter::Expect(const Exchange& exchange, std::vector<std::string>& expect) {
  if (!exchange.answer) {
    if (expect.empty()) expect.emplace_back("status < 400");
    return;
  }
  const Answer& answer = *exchange.answer;
  expect.push_back(fmt::format("status == {}", answer.status));
  if (answer.headers.Has("Location")) expect.emplace_back("has(headers.location)");
  const auto body =
      answer.body.empty()
          ? base::Result<boost::json::value>(base::Fail(base::ErrorCode::kNotFound, ""))
          : json::Parse(answer.body);
  if (!body || !(body->is_object() || body->is_array())) return;
  const std::string name = fmt::format("{}-{}", exchange.method, ResourceOf(exchange.path));
  const std::string file =
      SchemaFile(fmt::format("{}-{}", name, answer.status), InferSchema(*body));
  expect.push_back(fmt::format("matches_schema(body, {})", CelString(file)));
}

void ScenarioWriter::Write(Outline outline) {
  std::vector<Exchange> exchanges = CollapsePolls(std::move(outline.exchanges));
  for (const Exchange& exchange : exchanges) secrets_.Learn(exchange);
  std::set<std::string> taken;
  for (const auto& [name, value] : outline.vars) taken.insert(name);
  for (const Exchange& exchange : exchanges) {
    for (const auto& [name, expression] : exchange.save) taken.insert(name);
  }
  Captures captures(std::move(taken));
  std::vector<Yaml> steps;
  std::vector<std::vector<std::string>> expectations;
  std::set<std::pair<std::string, std::string>>
      cookies;  // origin, name: the client keeps them itself
  for (size_t i = 0; i < exchanges.size(); ++i) {
    Exchange& exchange = exchanges[i];
    DropKnownCookies(exchange, cookies);
    StepWriter writer(captures, secrets_, draft_);
    steps.push_back(writer.Write(exchange, EndpointFor(exchange.origin)));
    std::vector<std::string> expect = WithoutSecrets(exchange);
    Expect(exchange, expect);
    Echoes(exchange, writer, expect);
    expectations.push_back(std::move(expect));
    captures.Observe(i, exchange);
  }
  for (const Capture& capture : captures.used()) {
    exchanges[capture.exchange].save.emplace_back(capture.name, capture.expression);
    if (IsSensitiveName(capture.key) &&
        std::ranges::find(draft_.redact, capture.key) == draft_.redact.end()) {
      draft_.redact.push_back(capture.key);
    }
  }
  Yaml list = Yaml::List();
  for (size_t i = 0; i < steps.size(); ++i) {
    Yaml expect = Yaml::List();
    expect.Tall();
    for (std::string& one : expectations[i]) expect.Add(Yaml::Text(std::move(one)));
    ToTemplates(steps[i]);
    steps[i].Add("expect", std::move(expect));
    Yaml save = Yaml::Map();
    for (const auto& [name, expression] : exchanges[i].save) save.Add(name, Yaml::Text(expression));
    if (!save.empty()) steps[i].Add("save", std::move(save));
    list.Add(std::move(steps[i]));
  }
  draft_.steps += list.items().size();
  ++draft_.scenarios;
  std::string id = outline.id;
  for (int number = 2; !ids_.insert(id).second; ++number)
    id = fmt::format("{}-{}", outline.id, number);
  Yaml scenario = Yaml::Map();
  for (const std::string& comment : outline.comments) scenario.Comment(comment);
  scenario.Add("id", Yaml::Text(id));
  scenario.Add("title", Yaml::Text(secrets_.Holds(outline.title) ? id : outline.title));
  if (!outline.description.empty() && !secrets_.Holds(outline.description)) {
    scenario.Add("description", Yaml::Text(ToTemplate(outline.description)));
  }
  scenario.Add("category", Yaml::Text(ToSlug(draft_.name)));
  Yaml vars = Yaml::Map(std::move(outline.vars));
  for (auto& [name, value] : vars.entries()) {
    if (value.is_text()) value.set_text(secrets_.Replace(value.text()));
  }
  ToTemplates(vars);
  if (!vars.empty()) scenario.Add("vars", std::move(vars));
  scenario.Add("steps", std::move(list.Tall()));
  draft_.files.push_back({FreePath("", outline.file, ".yaml"), scenario.ToString()});
  for (Note& note : draft_.notes) {
    note.place = ToTitle(secrets_.Replace(note.place));
    note.text = ToTitle(secrets_.Replace(note.text));
  }
}

std::vector<std::string> ScenarioWriter::WithoutSecrets(const Exchange& exchange) {
  std::vector<std::string> out;
  for (const std::string& one : exchange.expect) {
    if (secrets_.Holds(one)) {
      draft_.notes.push_back(
          {exchange.place, "an expectation compares with a secret and is left out"});
    } else {
      out.push_back(one);
    }
  }
  return out;
}

void ScenarioWriter::DropKnownCookies(Exchange& exchange,
                                      std::set<std::pair<std::string, std::string>>& known) {
  if (const auto field = exchange.headers.Get("Cookie")) {
    std::string kept;
    for (const auto& [name, value] : ParseCookies(*field)) {
      if (known.contains({exchange.origin, name})) continue;
      kept += fmt::format("{}{}={}", kept.empty() ? "" : "; ", name, value);
    }
    exchange.headers.Remove("Cookie");
    if (!kept.empty()) exchange.headers.Add("Cookie", kept);
  }
  if (!exchange.answer) return;
  for (const std::string_view field : exchange.answer->headers.GetAll("Set-Cookie")) {
    known.emplace(exchange.origin, ParseSetCookie(field).first);
  }
}

void ScenarioWriter::Echoes(const Exchange& exchange, StepWriter& writer,
                            std::vector<std::string>& expect) {
  const auto* text = std::get_if<std::string>(&exchange.content);
  if (text == nullptr || !exchange.answer || exchange.answer->status >= 300) return;
  const auto sent = json::Parse(*text);
  const auto got = json::Parse(exchange.answer->body);
  if (!sent || !got || !sent->is_object() || !got->is_object()) return;
  size_t count = 0;
  for (const auto& [key, value] : sent->get_object()) {
    const auto* answered = got->get_object().if_contains(key);
    const bool short_text = value.is_string() && value.get_string().size() <= kMaxEchoBytes;
    if (!(short_text || value.is_bool()) || answered == nullptr || *answered != value ||
        IsSensitiveName(key))
      continue;
    if (++count > kMaxEchoes) return;
    const std::string expected = value.is_bool()
                                     ? (value.get_bool() ? "true" : "false")
                                     : ToExpression(writer.Vary(value.get_string(), key));
    expect.push_back(fmt::format("{} == {}", CelMember("body", key), expected));
  }
}

}  // namespace assay::importing
