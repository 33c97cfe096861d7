#include "montage/jobs/job_queue.h"

#include <array>
#include <span>

#include "lib/base/suggest.h"

namespace montage::jobs {
namespace {

const std::array<std::string, 5> kStatuses = {"pending", "processing", "completed", "failed",
                                              "cancelled"};
const std::array<std::string, 3> kPriorities = {"low", "normal", "high"};

base::Result<size_t> IndexOf(std::string_view text, std::span<const std::string> names,
                             std::string_view what) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return i;
  }
  return base::Fail(base::Error{base::ErrorCode::kInvalid,
                                "unknown " + std::string(what) + " \"" + std::string(text) + "\""}
                        .Hint(base::SuggestionFor(text, names)));
}

}  // namespace

std::string_view ToString(JobStatus status) { return kStatuses[static_cast<size_t>(status)]; }
std::string_view ToString(Priority priority) { return kPriorities[static_cast<size_t>(priority)]; }

base::Result<JobStatus> ParseJobStatus(std::string_view text) {
  TRY(const size_t index, IndexOf(text, kStatuses, "job status"));
  return static_cast<JobStatus>(index);
}

base::Result<Priority> ParsePriority(std::string_view text) {
  TRY(const size_t index, IndexOf(text, kPriorities, "priority"));
  return static_cast<Priority>(index);
}

bool IsFinal(JobStatus status) {
  return status != JobStatus::kPending && status != JobStatus::kProcessing;
}

}  // namespace montage::jobs
