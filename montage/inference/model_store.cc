#include "montage/inference/model_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

// Kernels stamp files with a clock that ticks every 1 to 10 ms: what changes within the same tick
// has the same stamp. A file that changed so shortly before it was read is read once more.
constexpr int64_t kTickNs = 100'000'000;

/// For the caller of the API: no paths, digests or words of the model.
std::string_view ReasonOf(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return "the model file or its SHA-256 is missing";
    case ErrorCode::kCorrupt:
      return "the model file is damaged or not the expected one";
    case ErrorCode::kTimeout:
      return "the model could not be loaded in time";
    default:
      return "the model cannot be loaded";
  }
}

/// Stands where a model should be. Its description only has to be one that windows can be cut for.
class FailedModel final : public analysis::WindowModel {
 public:
  explicit FailedModel(std::string reason) : reason_(std::move(reason)) {}
  std::string_view name() const override { return "unavailable-model"; }
  std::string_view version() const override { return "none"; }
  std::span<const std::string> channels() const override { return channels_; }
  double rate_hz() const override { return 128; }
  double window_s() const override { return 4; }
  Result<std::vector<float>> AbnormalProbabilities(std::span<const float>, size_t,
                                                   Deadline) override {
    return base::Fail(ErrorCode::kUnavailable, "the configured model failed: " + reason_);
  }

 private:
  const std::string reason_;
  const std::vector<std::string> channels_ = {"F3", "F4", "C3", "C4", "O1", "O2"};
};

}  // namespace

std::string_view ToString(ModelState state) {
  switch (state) {
    case ModelState::kNone:
      return "none";
    case ModelState::kReady:
      return "ready";
    case ModelState::kFailed:
      return "failed";
  }
  return "unknown";
}

ModelStore::ModelStore(ModelStoreOptions options, const base::Clock& clock)
    : options_(std::move(options)), file_(options_.file), clock_(clock) {}

bool ModelStore::IsSettled(const FileStamp& stamp) const {
  // Against the system's clock, which stamps files, and not clock_.
  const int64_t now_ns = base::SystemClock().Now().time_since_epoch().count();
  return now_ns - stamp.changed_ns > kTickNs;
}

Result<void> ModelStore::Load(Deadline deadline) {
  const FileStamp stamp = file_.Stamp();
  const bool is_settled = IsSettled(stamp);
  Result<std::string> sha256 = file_.Verify();
  Result<std::unique_ptr<InferenceClient>> started = nullptr;
  const bool is_loaded = sha256 && client_ != nullptr && client_->hello().sha256 == *sha256;
  if (sha256 && !is_loaded) {
    InferenceOptions inference = options_.inference;
    inference.process.model = options_.file.model.string();
    inference.process.sha256 = *sha256;
    started = InferenceClient::Start(std::move(inference), deadline);
  }
  const std::scoped_lock lock(mutex_);
  judged_ = stamp;
  is_settled_ = is_settled;
  if (!sha256) return base::Fail(std::move(sha256).error());
  if (!started) return base::Fail(std::move(started).error());
  if (!is_loaded) client_ = *std::move(started);
  return {};
}

Result<void> ModelStore::Mend(Deadline deadline) {
  // A file with the right digest cannot become better by fetching the same bytes.
  if (!options_.file.source.empty() && !file_.Verify()) {
    const auto fetched = file_.Fetch(deadline.Earlier(Deadline::After(options_.fetch_timeout)));
    if (options_.on_fetch) options_.on_fetch(fetched ? "installed" : "failed");
    {
      const std::scoped_lock lock(mutex_);
      ++fetches_;
    }
    if (!fetched) return base::Fail(base::Error(fetched.error()).While("fetching the model"));
  }
  return Load(deadline);
}

std::optional<Refusal> ModelStore::Fly(Attempt attempt, std::unique_lock<std::mutex>& lock,
                                       Deadline deadline) {
  is_flying_ = true;
  lock.unlock();
  const auto done = attempt == Attempt::kJudge ? Load(deadline) : Mend(deadline);
  lock.lock();
  is_flying_ = false;
  ++flights_;
  is_told_ = false;
  failure_.reset();
  if (!done) {
    client_.reset();
    failure_ = Refusal{.reason = std::string(ReasonOf(done.error())),
                       .error = done.error(),
                       .retry_after = options_.pause};
    mend_from_ = attempt == Attempt::kMend ? clock_.Steady() + options_.pause : clock_.Steady();
  }
  landed_.notify_all();
  return failure_;
}

void ModelStore::Prepare(Deadline deadline) {
  if (!is_configured()) return;
  std::unique_lock lock(mutex_);
  (void)Fly(file_.Stamp().exists ? Attempt::kJudge : Attempt::kMend, lock, deadline);
}

std::optional<Refusal> ModelStore::Admit(Deadline deadline) {
  if (!is_configured()) return std::nullopt;
  std::unique_lock lock(mutex_);
  if (is_flying_) {
    const uint64_t before = flights_;
    const auto landed = [&] { return flights_ != before; };
    if (deadline.is_never()) {
      landed_.wait(lock, landed);
    } else if (!landed_.wait_until(lock, deadline.time(), landed)) {
      return Refusal{.reason = "the model is still being loaded",
                     .error = {ErrorCode::kTimeout, "the model was still being loaded"},
                     .retry_after = options_.pause};
    }
    if (failure_) is_told_ = true;
    return failure_;
  }
  std::optional<Refusal> refusal;
  if (!failure_) {
    if (client_ != nullptr && is_settled_ && file_.Stamp() == judged_) return std::nullopt;
    refusal = Fly(Attempt::kJudge, lock, deadline);
  } else if (is_told_ && clock_.Steady() >= mend_from_) {
    refusal = Fly(Attempt::kMend, lock, deadline);
  } else {
    refusal = failure_;
    refusal->retry_after =
        std::max(base::Duration(mend_from_ - clock_.Steady()), base::Duration(1));
  }
  if (refusal) is_told_ = true;
  return refusal;
}

ModelStatus ModelStore::status() const {
  if (!is_configured()) return {};
  const std::scoped_lock lock(mutex_);
  ModelStatus status{.failure = failure_, .fetches = fetches_};
  status.state = client_ != nullptr && !failure_ ? ModelState::kReady : ModelState::kFailed;
  if (status.state == ModelState::kReady) status.hello = client_->hello();
  status.has_changed = !(file_.Stamp() == judged_);
  return status;
}

std::shared_ptr<analysis::WindowModel> ModelStore::model() const {
  if (!is_configured()) return nullptr;
  const std::scoped_lock lock(mutex_);
  if (client_ != nullptr) return client_;
  return std::make_shared<FailedModel>(failure_ ? failure_->reason : "it was not loaded yet");
}

std::shared_ptr<InferenceClient> ModelStore::client() const {
  const std::scoped_lock lock(mutex_);
  return client_;
}

}  // namespace montage::inference
