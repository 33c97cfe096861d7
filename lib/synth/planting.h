#pragma once
// Internal to the generator: turns plants and the sleep plan into overlay operations and truth.

#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/synth/eeg_spec.h"
#include "lib/synth/leads.h"
#include "lib/synth/overlay.h"
#include "lib/synth/truth.h"

namespace synth {

/// Which channels see something, and how much of it.
struct Field {
  std::vector<float> gains;        ///< by channel
  std::vector<uint32_t> channels;  ///< those that see at least half
};

/// One thing to place; its truth bears `kind`.
struct Placed {
  std::string_view kind;
  uint32_t op = 0;
  double onset_s = 0;
  uint64_t length = 0;  ///< samples
  double amplitude_uv = 0;
  std::optional<double> hz;
  const std::vector<uint32_t>* channels = nullptr;  ///< null: not part of the truth
};

/// Where plants go: the recording's leads, overlay and truth.
class Planting {
 public:
  Planting(const EegSpec& spec, const std::vector<Lead>& leads, double duration_s, Overlay& overlay,
           Truth& truth)
      : spec_(spec), leads_(leads), duration_s_(duration_s), overlay_(overlay), truth_(truth) {}

  const EegSpec& spec() const { return spec_; }
  const std::vector<Lead>& leads() const { return leads_; }
  double duration_s() const { return duration_s_; }
  Overlay& overlay() { return overlay_; }
  Truth& truth() { return truth_; }
  const Subject& subject() const { return truth_.subject; }

  uint64_t Samples(double seconds) const;
  void Place(const Placed& placed);
  /// A field around electrodes; eyes and chin see what reaches them.
  Field FieldAround(const std::vector<synth::Place>& sites, double spread) const;
  /// A shape seen through a field.
  uint32_t AddShape(Shape shape, const Field& field);

 private:
  const EegSpec& spec_;
  const std::vector<Lead>& leads_;
  double duration_s_;
  Overlay& overlay_;
  Truth& truth_;
};

/// Everything of EegSpec::plants.
base::Result<void> PlantAll(Planting& planting);
/// Spindles, K complexes, slow waves, eye movements, ... of every epoch of the hypnogram, and
/// blinks while the eyes are open.
void PlantSleep(Planting& planting);

}  // namespace synth
