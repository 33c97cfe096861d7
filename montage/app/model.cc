#include "montage/app/model.h"

#include <filesystem>

#include <fmt/format.h>

namespace montage::app {
namespace {

constexpr std::string_view kProgram = "montage-infer";

/// Beside this program, as they are built and installed.
std::string ProgramOf(const Config& config) {
  if (!config.infer_program.empty()) return config.infer_program;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (error ? std::filesystem::path(kProgram) : self.parent_path() / kProgram).string();
}

std::string Describe(const inference::Hello& hello) {
  return fmt::format("{} {}, SHA-256 {}{}", hello.card.name, hello.card.version,
                     hello.sha256.substr(0, 12), hello.confined ? "" : ", not confined");
}

}  // namespace

inference::ModelStoreOptions ModelOptionsOf(const Config& config, telemetry::Metrics* metrics) {
  inference::ModelStoreOptions options{
      .file = {.model = config.model_path,
               .sha256 = config.model_sha256,
               .source = config.model_source},
      .inference = {.process = {.program = ProgramOf(config),
                                .memory_bytes = inference::kDefaultMemoryBytes == 0
                                                    ? 0
                                                    : config.model_memory_bytes}}};
  if (metrics == nullptr) return options;
  options.inference.on_scored = [metrics](const inference::ModelCard& card, base::Duration took) {
    metrics->CountInference(card.name, "abnormal_probabilities", took);
  };
  options.on_fetch = [metrics](std::string_view outcome) { metrics->CountModelFetch(outcome); };
  return options;
}

base::Result<std::shared_ptr<analysis::WindowModel>> LoadModel(const Config& config,
                                                               const base::Clock& clock,
                                                               base::Deadline deadline) {
  inference::ModelStore models(ModelOptionsOf(config, nullptr), clock);
  models.Prepare(deadline);
  if (auto failure = models.status().failure)
    return base::Fail(std::move(failure->error).While("loading the model"));
  return models.model();
}

api::ComponentHealth HealthOf(const inference::ModelStore& models) {
  const inference::ModelStatus status = models.status();
  api::ComponentHealth health{.name = "model", .state = std::string(ToString(status.state))};
  switch (status.state) {
    case inference::ModelState::kNone:
      health.detail = "none, feature-based methods answer";
      return health;
    case inference::ModelState::kReady:
      health.detail = Describe(*status.hello);
      break;
    case inference::ModelState::kFailed:
      health.ok = false;
      health.detail = status.failure ? status.failure->error.ToString() : "it was not loaded yet";
      return health;
  }
  if (status.has_changed) {
    health.ok = false;
    health.detail = "the file has changed since it was loaded; the next submission judges it";
  }
  return health;
}

std::optional<api::Unavailable> RefuseByModel(inference::ModelStore& models,
                                              const std::function<void(const base::Error&)>& log,
                                              base::Deadline deadline) {
  const auto refusal = models.Admit(deadline);
  if (!refusal) return std::nullopt;
  log(base::Error(refusal->error).While("initializing the model"));
  return api::Unavailable{.message = "Model initialization failed: " + refusal->reason,
                          .retry_after = refusal->retry_after};
}

CheckUp ExamineModel(const Config& config, const base::Clock& clock, base::Deadline deadline) {
  Config without_source = config;
  without_source.model_source.clear();
  inference::ModelStore models(ModelOptionsOf(without_source, nullptr), clock);
  models.Prepare(deadline);
  const api::ComponentHealth health = HealthOf(models);
  return {.name = "model", .ok = health.ok, .detail = health.detail};
}

}  // namespace montage::app
