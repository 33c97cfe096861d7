#pragma once
// What Montage counts, and its Prometheus page. Label values are route templates, statuses and
// closed words: never ids, names or other content of requests, so no PHI can get in.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace montage::telemetry {

/// Thread-safe. Every family exists, at zero where it has fixed labels, from construction on.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// http_requests_total{method, route, status} and http_request_duration_seconds{method, route}.
  void CountRequest(std::string_view method, std::string_view route, int status,
                    std::chrono::nanoseconds took);

  /// eeg_processing_duration_seconds{analysis_type, status}: one observation a finished job.
  void CountAnalysis(std::string_view analysis_type, std::string_view status,
                     std::chrono::nanoseconds took);
  /// eeg_active_analyses.
  void AddActiveAnalyses(int change);
  /// model_inference_duration_seconds{model_name, method}.
  void CountInference(std::string_view model_name, std::string_view method,
                      std::chrono::nanoseconds took);

  /// montage_model_fetches_total{outcome}: installed or failed.
  void CountModelFetch(std::string_view outcome);

  /// cache_hits_total and cache_misses_total{cache_type}: l1 or l2.
  void CountCacheHit(std::string_view cache_type);
  void CountCacheMiss(std::string_view cache_type);
  /// cache_failures_total{cache_type}: a level could not be asked, and the call went on without it.
  void CountCacheFailure(std::string_view cache_type);
  /// cache_damaged_total{cache_type}: an entry did not open; it counts as a miss as well.
  void CountCacheDamaged(std::string_view cache_type);

  /// montage_upload_bytes_total.
  void CountUpload(uint64_t bytes);
  /// montage_logins_total{outcome}: accepted, refused or locked.
  void CountLogin(std::string_view outcome);
  /// montage_jobs{status}: how many there are now.
  void SetJobs(std::string_view status, uint64_t count);

  /// The text exposition format 0.0.4, with the process's own figures (CPU, memory, descriptors)
  /// read now.
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// Resident memory, CPU time and open descriptors of this process, from /proc/self.
struct ProcessUsage {
  uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  uint64_t open_descriptors = 0;
  uint64_t threads = 0;
};
ProcessUsage ReadProcessUsage();

}  // namespace montage::telemetry
