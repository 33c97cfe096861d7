#include "lib/synth/leads.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/suggest.h"
#include "lib/formats/edf/channel_names.h"

namespace synth {
namespace {

Place PlaceOf(const formats::edf::Electrode& electrode) {
  return {electrode.x, electrode.y, electrode.z};
}

/// Below and beside the eyes (AASM: E1 below the left outer canthus, E2 above the right one).
constexpr Place kLeftEye = {-0.45, 0.80, -0.40};
constexpr Place kRightEye = {0.45, 0.82, -0.30};
constexpr Place kChin = {0, 0.60, -1.2};

double FieldAtPlace(const Place& place, const std::vector<Place>& sites, double spread) {
  double best = 0;
  for (const Place& site : sites) {
    const double ratio = Distance(place, site) / spread;
    const double base = 1 / (1 + ratio * ratio);
    best = std::max(best, base * base);
  }
  return best;
}

}  // namespace

double Distance(const Place& a, const Place& b) {
  const double x = a.x - b.x;
  const double y = a.y - b.y;
  const double z = a.z - b.z;
  return std::sqrt(x * x + y * y + z * z);
}

base::Result<std::vector<Lead>> MakeLeads(const std::vector<std::string>& channels) {
  std::vector<Lead> out;
  for (const std::string& name : channels) {
    if (std::ranges::find(out, name, &Lead::name) != out.end()) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("channel \"{}\" is given twice", name));
    }
    if (name == "E1" || name == "EOG E1") {
      out.push_back({name, LeadKind::kEye, kLeftEye, {}});
    } else if (name == "E2" || name == "EOG E2") {
      out.push_back({name, LeadKind::kEye, kRightEye, {}});
    } else if (name == "EMG chin") {
      out.push_back({name, LeadKind::kMuscle, kChin, {}});
    } else {
      const auto parsed = formats::edf::ParseChannelName(name);
      const auto* first = formats::edf::FindElectrode(parsed.electrode);
      if (first == nullptr) {
        std::vector<std::string> known = {"E1", "E2", "EMG chin"};
        for (const auto& electrode : formats::edf::Electrodes()) known.emplace_back(electrode.name);
        const std::string near = base::Nearest(name, known);
        return base::Fail(base::Error{
            .code = base::ErrorCode::kInvalid,
            .message = fmt::format("unknown channel \"{}\"", name),
            .hint = near.empty()
                        ? "expected a 10-10 electrode (Fp1, O2, ...), a pair (Fpz-Cz), E1, E2 "
                          "or EMG chin"
                        : fmt::format("did you mean \"{}\"?", near)});
      }
      Lead lead{name, LeadKind::kScalp, PlaceOf(*first), {}};
      if (parsed.bipolar) lead.second = PlaceOf(*formats::edf::FindElectrode(parsed.reference));
      out.push_back(std::move(lead));
    }
  }
  return out;
}

double FieldAt(const Lead& lead, const std::vector<Place>& sites, double spread) {
  const double active = FieldAtPlace(lead.active, sites, spread);
  return lead.second ? active - FieldAtPlace(*lead.second, sites, spread) : active;
}

std::vector<Place> PlacesOf(std::string_view electrodes) {
  std::vector<Place> out;
  while (!electrodes.empty()) {
    const size_t end = std::min(electrodes.find(' '), electrodes.size());
    if (const auto* found = formats::edf::FindElectrode(electrodes.substr(0, end))) {
      out.push_back(PlaceOf(*found));
    }
    electrodes.remove_prefix(std::min(end + 1, electrodes.size()));
  }
  return out;
}

}  // namespace synth
