#pragma once
// The configured model: from configuration to store, and how it looks from outside.

#include <functional>

#include "montage/api/routes.h"
#include "montage/app/config.h"
#include "montage/app/doctor.h"
#include "montage/inference/model_store.h"
#include "montage/telemetry/metrics.h"

namespace montage::app {

/// What the store needs. Without `metrics` nothing is counted; otherwise they outlive the store.
inference::ModelStoreOptions ModelOptionsOf(const Config& config, telemetry::Metrics* metrics);

/// Loads the configured model once; null when none is configured. For commands without a server.
base::Result<std::shared_ptr<analysis::WindowModel>> LoadModel(const Config& config,
                                                               const base::Clock& clock,
                                                               base::Deadline deadline);

/// The part `model` of /health.
api::ComponentHealth HealthOf(const inference::ModelStore& models);

/// Asks the store before a submission. Refusals go to `log`, each one.
std::optional<api::Unavailable> RefuseByModel(inference::ModelStore& models,
                                              const std::function<void(const base::Error&)>& log,
                                              base::Deadline deadline);

/// Reads and loads the configured model as a service would; fetches and changes nothing.
CheckUp ExamineModel(const Config& config, const base::Clock& clock, base::Deadline deadline);

}  // namespace montage::app
