#include "montage/inference/inference_client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

/// kTimeout when the lock is not to be had in time.
Result<std::unique_lock<std::timed_mutex>> LockBy(std::timed_mutex& mutex, Deadline deadline) {
  if (deadline.is_never()) return std::unique_lock(mutex);
  std::unique_lock lock(mutex, deadline.time());
  if (!lock.owns_lock())
    return base::Fail(ErrorCode::kTimeout, "the model was busy until the deadline");
  return lock;
}

}  // namespace

Result<std::unique_ptr<InferenceClient>> InferenceClient::Start(InferenceOptions options,
                                                                Deadline deadline) {
  std::unique_ptr<InferenceClient> client(new InferenceClient(std::move(options)));
  TRY(client->EnsureProcess(deadline));
  client->hello_ = client->process_->hello();
  return client;
}

Result<void> InferenceClient::EnsureProcess(Deadline deadline) {
  if (process_ && process_->is_usable()) return {};
  process_.reset();
  TRY(ModelProcess started,
      ModelProcess::Start(options_.process,
                          deadline.Earlier(Deadline::After(options_.start_timeout))));
  ++starts_;
  if (starts_ > 1 && started.hello().card != hello_.card)
    return base::Fail(ErrorCode::kCorrupt, "the model describes itself otherwise than before");
  process_ = std::move(started);
  return {};
}

Result<std::vector<float>> InferenceClient::ScoreFrame(const Shape& shape,
                                                       std::span<const float> samples,
                                                       Deadline deadline) {
  TRY(const auto lock, LockBy(mutex_, deadline));
  for (int attempt = 1;; ++attempt) {
    TRY(EnsureProcess(deadline));
    auto scores =
        process_->Score(shape, samples, deadline.Earlier(Deadline::After(options_.frame_timeout)));
    if (scores || scores.error().code == ErrorCode::kInvalid) return scores;
    process_.reset();
    if (scores.error().code == ErrorCode::kTimeout && !deadline.HasPassed(base::SystemClock())) {
      // Not the caller's time is up but the model's.
      return base::Fail(
          ErrorCode::kUnavailable,
          fmt::format("the model did not score {} windows within {} ms", shape.windows,
                      std::chrono::duration_cast<std::chrono::milliseconds>(options_.frame_timeout)
                          .count()));
    }
    if (attempt == 2 || scores.error().code != ErrorCode::kUnavailable) return scores;
  }
}

Result<std::vector<float>> InferenceClient::AbnormalProbabilities(std::span<const float> windows,
                                                                  size_t count, Deadline deadline) {
  const base::SystemClock clock;
  const base::SteadyTime start = clock.Steady();
  const size_t per_window = card().channels.size() * card().samples();
  if (count == 0 || windows.size() / per_window != count || windows.size() % per_window != 0) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{} values are not {} windows of {} channels x {} samples",
                                  windows.size(), count, card().channels.size(), card().samples()));
  }
  const size_t most =
      std::clamp<size_t>(kMaxPayloadBytes / sizeof(float) / per_window, 1, kWindowsPerFrame);
  std::vector<float> scores;
  scores.reserve(count);
  for (size_t first = 0; first < count; first += most) {
    const size_t some = std::min(most, count - first);
    TRY(const auto part,
        ScoreFrame({.windows = static_cast<uint32_t>(some),
                    .channels = static_cast<uint32_t>(card().channels.size()),
                    .samples = card().samples()},
                   windows.subspan(first * per_window, some * per_window), deadline));
    scores.insert(scores.end(), part.begin(), part.end());
  }
  if (options_.on_scored) options_.on_scored(card(), clock.Steady() - start);
  return scores;
}

}  // namespace montage::inference
