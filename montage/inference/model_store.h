#pragma once
// The model that is configured: whether it may be used now, and how it comes back after damage.
//
//                      file changed, and is not the expected one or does not load
//       .-------.  -------------------------------------------------------------->  .--------.
//       | ready |                                                                   | failed |
//       '-------'  <--------------------------------------------------------------  '--------'
//                      next request: the file is good again, or was fetched
//
// A request that meets a failure is refused; the next one tries to mend it, once for however many
// requests come at the same time. After an attempt that failed there is a pause, so that a source
// that is down is not asked for every request.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "montage/inference/inference_client.h"
#include "montage/inference/model_file.h"

namespace montage::inference {

enum class ModelState { kNone, kReady, kFailed };
/// `none`, `ready`, `failed`.
std::string_view ToString(ModelState state);

struct ModelStoreOptions {
  ModelFileOptions file;       ///< an empty path: no model is configured
  InferenceOptions inference;  ///< model and sha256 are set by the store
  base::Duration fetch_timeout = std::chrono::minutes(5);
  base::Duration pause = std::chrono::seconds(2);  ///< after an attempt to mend that failed
  /// Gets `installed` or `failed` after each attempt to fetch the file.
  std::function<void(std::string_view outcome)> on_fetch = {};
};

/// Why a request that needs the model is refused.
struct Refusal {
  std::string reason;  ///< for the caller: no path, no digest, nothing the model said
  base::Error error;   ///< for the log
  base::Duration retry_after{};
};

struct ModelStatus {
  ModelState state = ModelState::kNone;
  std::optional<Hello> hello = {};      ///< of the model in use
  std::optional<Refusal> failure = {};  ///< with kFailed
  /// The file is another one than was judged: what `state` says holds for the former one.
  bool has_changed = false;
  uint64_t fetches = 0;  ///< attempts to fetch it so far
};

/// Thread-safe.
class ModelStore {
 public:
  ModelStore(ModelStoreOptions options, const base::Clock& clock);

  /// At the start: judges the file, and fetches it when there is none at all. A failure is kept
  /// for the first request.
  void Prepare(base::Deadline deadline);

  /// Before a request that needs the model. Costs two calls of stat(2) when nothing has changed;
  /// otherwise reads and loads the file, or mends a failure that was told before, or waits for
  /// whoever does. Nothing: go on.
  std::optional<Refusal> Admit(base::Deadline deadline);

  ModelStatus status() const;
  /// The model in use; null without one. It stays usable as long as somebody holds it.
  std::shared_ptr<InferenceClient> client() const;
  /// What an analysis works with: null when no model is configured; one that answers every call
  /// with kUnavailable when it failed, because nothing else may answer in its place.
  std::shared_ptr<analysis::WindowModel> model() const;

 private:
  enum class Attempt { kJudge, kMend };
  bool is_configured() const { return !file_.options().model.empty(); }
  /// Runs with the lock open, and closes it again: whoever comes meanwhile waits for the end.
  std::optional<Refusal> Fly(Attempt attempt, std::unique_lock<std::mutex>& lock,
                             base::Deadline deadline);
  base::Result<void> Load(base::Deadline deadline);
  base::Result<void> Mend(base::Deadline deadline);
  bool IsSettled(const FileStamp& stamp) const;

  const ModelStoreOptions options_;
  const ModelFile file_;
  const base::Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable landed_;
  // All below is guarded by mutex_, except that the thread of a flight may read them without.
  bool is_flying_ = false;
  uint64_t flights_ = 0;
  FileStamp judged_;         ///< as it was before the file was last read
  bool is_settled_ = false;  ///< a change after judged_ was taken must show in the next stamp
  std::shared_ptr<InferenceClient> client_;
  std::optional<Refusal> failure_;
  bool is_told_ = false;  ///< somebody was refused because of failure_
  base::SteadyTime mend_from_{};
  uint64_t fetches_ = 0;
};

}  // namespace montage::inference
