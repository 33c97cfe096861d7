#pragma once
// Internal to the generator: where a channel's electrodes are and how strongly it sees a place.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace synth {

enum class LeadKind { kScalp, kEye, kMuscle };

struct Place {
  double x = 0;
  double y = 0;
  double z = 0;
};
/// Straight distance in radii of the head.
double Distance(const Place& a, const Place& b);

/// One channel.
struct Lead {
  std::string name;
  LeadKind kind = LeadKind::kScalp;
  Place active;
  std::optional<Place> second;  ///< bipolar: subtracted
};

/// `O1`, `Fpz-Cz`, `E1`, `EMG chin`; unknown names are errors with a suggestion.
base::Result<std::vector<Lead>> MakeLeads(const std::vector<std::string>& channels);

/// The part of a field centred on the nearest of `sites` that arrives at `lead`: 1 at the site,
/// 1 / (1 + (distance / spread)^2)^2 around it.
double FieldAt(const Lead& lead, const std::vector<Place>& sites, double spread);

/// The electrodes of a list such as "Fp1 Fp2".
std::vector<Place> PlacesOf(std::string_view electrodes);

}  // namespace synth
