#pragma once
// Scores of windows by a model that lives in a process of its own.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "montage/analysis/abnormality/window_model.h"
#include "montage/inference/model_process.h"

namespace montage::inference {

struct InferenceOptions {
  ModelProcessOptions process;
  base::Duration start_timeout = std::chrono::seconds(60);
  /// For one frame of windows; a process that needs longer is killed.
  base::Duration frame_timeout = std::chrono::seconds(60);
  /// Gets the time of each call of AbnormalProbabilities that succeeded.
  std::function<void(const ModelCard&, base::Duration)> on_scored = {};
};

/// Frames of several callers take turns. A process that ended is replaced when the
/// next frame comes, and the frame that it ended on is sent once more, to a fresh one.
class InferenceClient final : public analysis::WindowModel {
 public:
  /// Windows of one frame, as far as they fit. Fixed, because libtorch may round differently for
  /// another number of windows: a recording is always cut alike.
  static constexpr uint32_t kWindowsPerFrame = 64;

  /// Starts the process, so that a model that cannot be loaded is known now. Errors of
  /// ModelProcess::Start.
  static base::Result<std::unique_ptr<InferenceClient>> Start(InferenceOptions options,
                                                              base::Deadline deadline);

  /// What the model said of itself; a later process that says otherwise is refused.
  const ModelCard& card() const { return hello_.card; }
  const Hello& hello() const { return hello_; }

  std::string_view name() const override { return card().name; }
  std::string_view version() const override { return card().version; }
  std::span<const std::string> channels() const override { return card().channels; }
  double rate_hz() const override { return card().rate_hz; }
  double window_s() const override { return card().window_s; }
  /// kInvalid: not whole windows, or the model refused them; kUnavailable: the process ended twice,
  /// or did not answer within frame_timeout; kTimeout: the caller's deadline passed; kCorrupt: it
  /// answered nonsense.
  base::Result<std::vector<float>> AbnormalProbabilities(std::span<const float> windows,
                                                         size_t count,
                                                         base::Deadline deadline) override;

  /// Processes that were started so far.
  uint64_t starts() const { return starts_; }

 private:
  explicit InferenceClient(InferenceOptions options) : options_(std::move(options)) {}
  base::Result<void> EnsureProcess(base::Deadline deadline);
  base::Result<std::vector<float>> ScoreFrame(const Shape& shape, std::span<const float> samples,
                                              base::Deadline deadline);

  const InferenceOptions options_;
  Hello hello_;
  std::atomic<uint64_t> starts_ = 0;
  std::timed_mutex mutex_;
  std::optional<ModelProcess> process_;  ///< guarded by mutex_
};

}  // namespace montage::inference
