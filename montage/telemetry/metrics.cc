#include "montage/telemetry/metrics.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

namespace montage::telemetry {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

using Buckets = Histogram::BucketBoundaries;

// An API answers in well under 5 ms, an upload may take seconds.
const Buckets kRequestSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                 0.25,   0.5,   1,      2.5,   5,    10,    30};
// A quick analysis takes milliseconds, a whole night seconds, the allowed maximum is two minutes.
const Buckets kAnalysisSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                  1,     2.5,  5,     10,   30,  60,   120};

double Seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

Family<Counter>& MakeCounter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

Family<Histogram>& MakeHistogram(prometheus::Registry& registry, const char* name,
                                 const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  Family<Counter>& requests = MakeCounter(
      registry, "http_requests_total", "Requests answered, by method, route template and status");
  Family<Histogram>& request_seconds = MakeHistogram(registry, "http_request_duration_seconds",
                                                     "Time from request line to end of the answer");
  Family<Histogram>& analysis_seconds = MakeHistogram(registry, "eeg_processing_duration_seconds",
                                                      "Duration of finished analysis jobs");
  Gauge& active_analyses =
      MakeGauge(registry, "eeg_active_analyses", "Analyses running in this process").Add({});
  Family<Histogram>& inference_seconds =
      MakeHistogram(registry, "model_inference_duration_seconds",
                    "Duration of one model or feature method on one recording");
  Family<Counter>& model_fetches = MakeCounter(registry, "montage_model_fetches_total",
                                               "Attempts to fetch the model from its source");
  Family<Counter>& cache_hits =
      MakeCounter(registry, "cache_hits_total", "Reads answered by a cache level");
  Family<Counter>& cache_misses =
      MakeCounter(registry, "cache_misses_total", "Reads that a cache level could not answer");
  Family<Counter>& cache_failures = MakeCounter(
      registry, "cache_failures_total", "Calls to a cache level that failed and were passed over");
  Family<Counter>& cache_damaged = MakeCounter(
      registry, "cache_damaged_total", "Cache entries that were damaged and counted as a miss");
  Counter& upload_bytes =
      MakeCounter(registry, "montage_upload_bytes_total", "Bytes of accepted uploads").Add({});
  Family<Counter>& logins =
      MakeCounter(registry, "montage_logins_total", "Attempts to get a token");
  Family<Gauge>& jobs = MakeGauge(registry, "montage_jobs", "Analysis jobs by status");
  Gauge& resident = MakeGauge(registry, "process_resident_memory_bytes", "Resident memory").Add({});
  Gauge& cpu =
      MakeGauge(registry, "process_cpu_seconds", "User and system CPU time since the start")
          .Add({});
  Gauge& descriptors = MakeGauge(registry, "process_open_fds", "Open file descriptors").Add({});
  Gauge& threads = MakeGauge(registry, "process_threads", "Threads").Add({});

  Families() {
    for (const char* level : {"l1", "l2"}) {
      cache_hits.Add({{"cache_type", level}});
      cache_misses.Add({{"cache_type", level}});
      cache_failures.Add({{"cache_type", level}});
      cache_damaged.Add({{"cache_type", level}});
    }
    for (const char* outcome : {"accepted", "refused", "locked"})
      logins.Add({{"outcome", outcome}});
    for (const char* outcome : {"installed", "failed"}) model_fetches.Add({{"outcome", outcome}});
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::CountRequest(std::string_view method, std::string_view route, int status,
                           std::chrono::nanoseconds took) {
  const std::string verb(method);
  const std::string path(route);
  families_->requests.Add({{"method", verb}, {"route", path}, {"status", std::to_string(status)}})
      .Increment();
  families_->request_seconds.Add({{"method", verb}, {"route", path}}, kRequestSeconds)
      .Observe(Seconds(took));
}

void Metrics::CountAnalysis(std::string_view analysis_type, std::string_view status,
                            std::chrono::nanoseconds took) {
  families_->analysis_seconds
      .Add({{"analysis_type", std::string(analysis_type)}, {"status", std::string(status)}},
           kAnalysisSeconds)
      .Observe(Seconds(took));
}

void Metrics::AddActiveAnalyses(int change) { families_->active_analyses.Increment(change); }

void Metrics::CountInference(std::string_view model_name, std::string_view method,
                             std::chrono::nanoseconds took) {
  families_->inference_seconds
      .Add({{"model_name", std::string(model_name)}, {"method", std::string(method)}},
           kAnalysisSeconds)
      .Observe(Seconds(took));
}

void Metrics::CountModelFetch(std::string_view outcome) {
  families_->model_fetches.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::CountCacheHit(std::string_view cache_type) {
  families_->cache_hits.Add({{"cache_type", std::string(cache_type)}}).Increment();
}

void Metrics::CountCacheMiss(std::string_view cache_type) {
  families_->cache_misses.Add({{"cache_type", std::string(cache_type)}}).Increment();
}

void Metrics::CountCacheFailure(std::string_view cache_type) {
  families_->cache_failures.Add({{"cache_type", std::string(cache_type)}}).Increment();
}

void Metrics::CountCacheDamaged(std::string_view cache_type) {
  families_->cache_damaged.Add({{"cache_type", std::string(cache_type)}}).Increment();
}

void Metrics::CountUpload(uint64_t bytes) {
  families_->upload_bytes.Increment(static_cast<double>(bytes));
}

void Metrics::CountLogin(std::string_view outcome) {
  families_->logins.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::SetJobs(std::string_view status, uint64_t count) {
  families_->jobs.Add({{"status", std::string(status)}}).Set(static_cast<double>(count));
}

std::string Metrics::Text() const {
  const ProcessUsage usage = ReadProcessUsage();
  families_->resident.Set(static_cast<double>(usage.resident_bytes));
  families_->cpu.Set(usage.cpu_seconds);
  families_->descriptors.Set(static_cast<double>(usage.open_descriptors));
  families_->threads.Set(static_cast<double>(usage.threads));
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  // proc(5): fields behind the command name in brackets; utime is field 14, stime 15, threads 20,
  // rss 24.
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 2, line.size())));
  std::string field;
  uint64_t ticks = 0;
  for (int number = 3; fields >> field; ++number) {
    if (number == 14 || number == 15) ticks += std::stoull(field);
    if (number == 20) usage.threads = std::stoull(field);
    if (number == 24)
      usage.resident_bytes = std::stoull(field) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  usage.cpu_seconds = static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ++usage.open_descriptors;
  }
  return usage;
}

}  // namespace montage::telemetry
