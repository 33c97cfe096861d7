#include "assay/action/monitor/sampler.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "assay/action/metrics/metrics_action.h"
#include "assay/action/parameters.h"
#include "assay/action/sql/sql_action.h"
#include "assay/cel/text.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

constexpr size_t kMostProblems = 10;
// The proportional set size costs the kernel a walk over all mappings.
constexpr base::Duration kBetweenPss = std::chrono::seconds(1);

// Transcripts of a look a second would outgrow everything else in the log.
class NoBlobs final : public BlobSink {
 public:
  base::Result<std::string> Put(std::string_view) override { return std::string(64, '0'); }
};

ActionContext WithoutBlobs(const ActionContext& context) {
  static NoBlobs nothing;
  return {.clock = context.clock,
          .deadline = context.deadline,
          .blobs = nothing,
          .http = context.http,
          .cookies = context.cookies,
          .work_dir = context.work_dir,
          .source_dir = context.source_dir,
          .seed = context.seed,
          .find_endpoint = context.find_endpoint,
          .process_environment = context.process_environment};
}

bool HasLabels(const Value& sample, const Value& labels) {
  if (!labels.is_map()) return true;
  const Value* own = sample.Find("labels");
  return std::ranges::all_of(labels.map().entries(), [&](const auto& entry) {
    const Value* value = own == nullptr ? nullptr : own->Find(entry.key.string());
    return value != nullptr && cel::ToText(*value) == cel::ToText(entry.value);
  });
}

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

base::Result<Sampler> Sampler::Make(const Value& params, const ActionContext& context) {
  Sampler sampler(context);
  if (const Value* processes = params.Find("processes"); processes && processes->is_map()) {
    for (const auto& [name, pid] : processes->map().entries()) {
      if (!pid.is_int() || pid.int_value() < 1) {
        return Wrong("processes." + std::string(name.string()),
                     fmt::format("a process id, found {}", cel::DebugString(pid)));
      }
      sampler.processes_.push_back(
          {.name = std::string(name.string()), .pid = static_cast<pid_t>(pid.int_value())});
    }
  }
  const auto entries = [&](std::string_view parameter) -> std::span<const cel::Map::Entry> {
    const Value* value = params.Find(parameter);
    if (value == nullptr || !value->is_map()) return {};
    return value->map().entries();
  };
  for (const auto& [name, page] : entries("metrics")) {
    const Value* labels = page.Find("labels");
    sampler.pages_.push_back(
        {.name = std::string(name.string()),
         .params = Value::Object({{"endpoint", Value::String(TextOf(page.Find("endpoint")))}}),
         .metric = TextOf(page.Find("metric")),
         .labels = labels == nullptr ? Value::Null() : *labels});
  }
  for (const auto& [name, query] : entries("sql")) {
    sampler.queries_.push_back({.name = std::string(name.string()), .params = query});
  }
  if (sampler.processes_.empty() && sampler.pages_.empty() && sampler.queries_.empty()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "there is nothing to monitor: give processes, metrics or sql");
  }
  return sampler;
}

void Sampler::Note(const std::string& name, const std::string& quantity, std::string_view unit,
                   base::Duration at, double value) {
  Measured& measured = measured_[name][quantity];
  measured.unit = unit;
  measured.series.Add(at, value);
}

void Sampler::Problem(std::string text) {
  const bool known = std::ranges::find(problems_, text) != problems_.end();
  if (!known && problems_.size() < kMostProblems) problems_.push_back(std::move(text));
}

void Sampler::NoteRates(const Watched& watched, const ProcessReading& now, base::Duration at) {
  const ProcessReading& before = *watched.before;
  const double seconds = Seconds(at - watched.before_at);
  if (seconds <= 0) return;
  Note(watched.name, "cpu", "cores", at, Seconds(now.cpu - before.cpu) / seconds);
  const auto rate = [&](const char* quantity, const std::optional<uint64_t>& then,
                        const std::optional<uint64_t>& later) {
    if (!then || !later || *later < *then) return;
    Note(watched.name, quantity, "bytes/s", at, static_cast<double>(*later - *then) / seconds);
  };
  rate("read", before.read_bytes, now.read_bytes);
  rate("write", before.write_bytes, now.write_bytes);
}

void Sampler::LookAtProcess(Watched& watched, base::Duration at) {
  if (watched.gone) return;
  const bool with_pss = !watched.before || at - watched.pss_at >= kBetweenPss;
  const auto now = ReadProcess(watched.pid, with_pss);
  const bool another = now && watched.before && now->start_ticks != watched.before->start_ticks;
  if (!now || another) {
    watched.gone = true;
    Problem(fmt::format("{}: process {} ended", watched.name, watched.pid));
    return;
  }
  if (with_pss) watched.pss_at = at;
  const auto note = [&](const char* quantity, const char* unit, uint64_t value) {
    Note(watched.name, quantity, unit, at, static_cast<double>(value));
  };
  note("rss", "bytes", now->rss_bytes);
  note("threads", "", now->threads);
  if (now->pss_bytes) note("pss", "bytes", *now->pss_bytes);
  if (now->fds) note("fds", "", *now->fds);
  if (watched.before) NoteRates(watched, *now, at);
  watched.before = *now;
  watched.before_at = at;
}

void Sampler::NotePage(const Asked& asked, const Outcome& outcome, base::Duration at) {
  const Value* metrics = outcome.value.Find("metrics");
  const Value* samples = metrics == nullptr ? nullptr : metrics->Find(asked.metric);
  if (samples == nullptr || !samples->is_list()) {
    Problem(fmt::format(
        "{}: {}", asked.name,
        outcome.error ? outcome.error->message : fmt::format("no metric {}", asked.metric)));
    return;
  }
  double sum = 0;
  bool any = false;
  for (const Value& sample : samples->list()) {
    const Value* value = sample.Find("value");
    if (value == nullptr || !value->is_double() || !HasLabels(sample, asked.labels)) continue;
    sum += value->double_value();
    any = true;
  }
  if (any) {
    Note(asked.name, "value", "", at, sum);
  } else {
    Problem(fmt::format("{}: no sample of {} has the labels", asked.name, asked.metric));
  }
}

void Sampler::NoteRow(const Asked& asked, const Outcome& outcome, base::Duration at) {
  const Value* value = outcome.value.Find("value");
  const auto number = value == nullptr ? std::nullopt : value->AsDouble();
  if (number) {
    Note(asked.name, "value", "", at, *number);
  } else {
    Problem(fmt::format("{}: {}", asked.name,
                        outcome.error ? outcome.error->message : "the query gives no number"));
  }
}

net::Task<void> Sampler::Look(base::Duration at) {
  for (Watched& watched : processes_) LookAtProcess(watched, at);
  const ActionContext context = WithoutBlobs(context_);
  for (const Asked& asked : pages_) {
    NotePage(asked, co_await MetricsAction().Run(asked.params, context), at);
  }
  for (const Asked& asked : queries_) {
    NoteRow(asked, co_await SqlAction().Run(asked.params, context), at);
  }
}

}  // namespace assay::action
