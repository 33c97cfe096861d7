#include "assay/action/metrics/metrics_action.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/action/http_action.h"
#include "assay/action/http_request.h"
#include "assay/action/http_transcript.h"
#include "assay/cel/text.h"
#include "lib/formats/prometheus/exposition.h"
#include "lib/http/client.h"

namespace assay::action {
namespace {

namespace prometheus = formats::prometheus;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

constexpr std::string_view kDefaultPath = "/metrics";

std::string TargetOf(const Value& params) {
  const Value* endpoint = params.Find("endpoint");
  std::string text = endpoint == nullptr ? "" : cel::ToText(*endpoint);
  if (text.empty()) return std::string(kDefaultPath);
  const bool has_path = text.starts_with('/') || text.contains(":/");
  return has_path ? text : fmt::format("{}:{}", text, kDefaultPath);
}

/// The parameters of the http request that fetches the page.
Value RequestParams(const Value& params) {
  cel::MapBuilder request;
  request.Set("request", Value::String("GET " + TargetOf(params)));
  for (const char* name : {"query", "headers", "auth", "tls"}) {
    if (const Value* value = params.Find(name)) request.Set(name, *value);
  }
  return std::move(request).Build();
}

Value LabelsValue(const prometheus::Sample& sample) {
  cel::MapBuilder labels;
  for (const prometheus::Label& label : sample.labels) {
    labels.Set(label.name, Value::String(label.value));
  }
  return std::move(labels).Build();
}

Value SampleValue(const prometheus::Sample& sample) {
  return Value::Object(
      {{"labels", LabelsValue(sample)},
       {"value", Value::Double(sample.value)},
       {"timestamp", sample.timestamp ? Value::Timestamp(*sample.timestamp) : Value::Null()}});
}

/// What the families of a page become.
struct PageMaps {
  cel::MapBuilder metrics;
  cel::MapBuilder cumulative;
  cel::MapBuilder types;
  cel::MapBuilder help;
  std::vector<Value> untyped;
  int64_t samples = 0;
};

void AddFamily(const prometheus::Family& family, prometheus::Syntax syntax, PageMaps& maps) {
  if (family.type) {
    maps.types.Set(family.name, Value::String(prometheus::ToString(*family.type, syntax)));
  }
  if (family.help) maps.help.Set(family.name, Value::String(*family.help));
  std::vector<std::pair<std::string, std::vector<Value>>> by_name;
  for (const prometheus::Sample& sample : family.samples) {
    ++maps.samples;
    // The names of a family are a handful, and samples of one name stand together.
    if (by_name.empty() || by_name.back().first != sample.name) {
      const auto known = std::ranges::find(by_name, sample.name,
                                           &std::pair<std::string, std::vector<Value>>::first);
      if (known == by_name.end()) {
        by_name.emplace_back(sample.name, std::vector<Value>());
      } else {
        std::rotate(known, known + 1, by_name.end());
      }
    }
    by_name.back().second.push_back(SampleValue(sample));
    if (family.IsCumulative(sample)) {
      maps.cumulative.Set(sample.Series(), Value::Double(sample.value));
    }
  }
  for (const auto& [name, samples] : by_name) {
    if (!family.type) maps.untyped.push_back(Value::String(name));
  }
  for (auto& [name, samples] : by_name) maps.metrics.Set(name, Value::List(std::move(samples)));
}

void AddPage(const prometheus::Page& page, cel::MapBuilder& outcome) {
  PageMaps maps;
  for (const prometheus::Family& family : page.families) AddFamily(family, page.syntax, maps);
  std::vector<Value> problems;
  for (const prometheus::Problem& problem : page.problems) {
    problems.push_back(Value::String(problem.ToString()));
  }
  outcome.Set("metrics", std::move(maps.metrics).Build());
  outcome.Set("types", std::move(maps.types).Build());
  outcome.Set("help", std::move(maps.help).Build());
  outcome.Set("untyped", Value::List(std::move(maps.untyped)));
  outcome.Set("cumulative", std::move(maps.cumulative).Build());
  outcome.Set("samples", Value::Int(maps.samples));
  outcome.Set("problems", Value::List(std::move(problems)));
}

base::Result<Value> OutcomeValue(const http::ClientResponse& response) {
  const std::string type(response.headers.Get("Content-Type").value_or(""));
  cel::MapBuilder outcome;
  outcome.Set("status", Value::Int(response.status));
  outcome.Set("content_type", Value::String(type));
  outcome.Set("text", Value::String(response.body));
  outcome.Set("size", Value::Int(static_cast<int64_t>(response.body_bytes)));
  const bool page = response.status >= 200 && response.status < 300;
  TRY(const prometheus::Page parsed,
      prometheus::Parse(page ? response.body : "", prometheus::SyntaxOf(page ? type : "")));
  AddPage(parsed, outcome);
  return std::move(outcome).Build();
}

std::vector<Field> ParamFields() {
  std::vector<Field> fields = {
      {.name = "endpoint",
       .type = Type::String(),
       .doc = "Name of an endpoint, `name:/path`, a path on the default endpoint, or a URL; "
              "without a path `/metrics`."}};
  // The page is fetched as the http action would.
  const HttpAction http;
  for (const char* name : {"query", "headers", "auth", "tls"}) {
    fields.push_back(*http.schema().params.Find(name));
  }
  return fields;
}

std::vector<Field> OutcomeFields() {
  const ObjectSchema sample{
      .name = "sample",
      .doc = "One value of a metric.",
      .fields = {
          {.name = "labels", .type = Type::Map(Type::String()), .doc = "Values by label."},
          {.name = "value", .type = Type::Number(), .doc = "May be NaN or infinite."},
          {.name = "timestamp", .type = Type::Any(), .doc = "Of the sample; null: none given."}}};
  return {
      {.name = "status", .type = Type::Int(), .doc = "Status code; only a 2xx is read as a page."},
      {.name = "metrics",
       .type = Type::Map(Type::List(Type::Object(sample))),
       .doc = "Samples by name, suffixes such as `_bucket` included: "
              "`metrics['http_requests_total'].filter(s, s.labels.status == '500')`."},
      {.name = "types",
       .type = Type::Map(Type::String()),
       .doc = "Type of each family that has a TYPE line: counter, gauge, histogram, summary..."},
      {.name = "help",
       .type = Type::Map(Type::String()),
       .doc = "Text of each family that has a HELP line."},
      {.name = "untyped",
       .type = Type::List(Type::String()),
       .doc = "Names of samples whose family has no TYPE line."},
      {.name = "cumulative",
       .type = Type::Map(Type::Number()),
       .doc = "Values of what only grows (counters, counts, sums, buckets) by series, "
              "`name{label=\"value\"}` with sorted labels, to compare two scrapes."},
      {.name = "samples", .type = Type::Int(), .doc = "How many samples the page has."},
      {.name = "problems",
       .type = Type::List(Type::String()),
       .doc = "What breaks the format, with line and column; at most 100; empty: the page is "
              "valid."},
      {.name = "content_type", .type = Type::String(), .doc = "Media type of the answer."},
      {.name = "text", .type = Type::String(), .doc = "The page as it is."},
      {.name = "size", .type = Type::Int(), .doc = "Bytes of the page."}};
}

Outcome Failed(base::Error error) {
  const bool interrupted = error.code == base::ErrorCode::kCancelled;
  return {.disposition = interrupted ? Disposition::kInterrupted : Disposition::kError,
          .value = Value::Object({}),
          .error = std::move(error)};
}

}  // namespace

MetricsAction::MetricsAction() {
  schema_ = {.name = "metrics",
             .doc = "Reads a page of metrics: the Prometheus text format 0.0.4 or OpenMetrics.",
             .shorthand = "endpoint",
             .shorthand_doc = "name of an endpoint"};
  schema_.params = {
      .name = "metrics", .doc = "Where the page is, and how to ask.", .fields = ParamFields()};
  schema_.outcome = OutcomeFields();
}

std::string MetricsAction::Head(const Value& params) const { return "scrape " + TargetOf(params); }

net::Task<Outcome> MetricsAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto request = BuildRequest(RequestParams(params), context);
  if (!request) co_return Failed(std::move(request).error());
  if (!request->headers.Has("Accept")) {
    request->headers.Set("Accept",
                         "application/openmetrics-text; version=1.0.0, text/plain; "
                         "version=0.0.4; q=0.5, */*; q=0.1");
  }
  const http::ClientRequest sent = *request;
  auto response = co_await context.http.Send(*std::move(request), context.deadline);
  auto transcript = RecordTranscript(sent, response ? &*response : nullptr,
                                     response ? "" : response.error().message, context.blobs);
  if (!transcript) co_return Failed(std::move(transcript).error());
  base::Result<Value> value =
      response ? OutcomeValue(*response) : base::Fail(std::move(response).error());
  Outcome outcome = value
                        ? Outcome{.disposition = Disposition::kAnswered, .value = *std::move(value)}
                        : Failed(std::move(value).error());
  outcome.duration = context.clock.Steady() - started;
  outcome.transcript = *transcript;
  outcome.blobs = {*std::move(transcript)};
  co_return outcome;
}

}  // namespace assay::action
