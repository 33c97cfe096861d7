#include "montage/analysis/events/scalp_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "montage/analysis/requirements.h"

namespace montage::analysis {
namespace {

constexpr size_t kNeighbours = 4;
/// Channels closer to the midline than this belong to no side (radii of the head).
constexpr double kMidlineX = 0.12;
/// A mirror electrode lies within this angle of the mirrored position.
constexpr double kMirrorRadians = 0.2;

std::optional<signal::Position> MiddleOf(const signal::Position& a, const signal::Position& b) {
  const signal::Position sum{a.x + b.x, a.y + b.y, a.z + b.z};
  const double length = std::sqrt(sum.x * sum.x + sum.y * sum.y + sum.z * sum.z);
  if (length < 1e-6) return std::nullopt;
  return signal::Position{sum.x / length, sum.y / length, sum.z / length};
}

void Place(ScalpRow& row) {
  row.position = signal::FindElectrode(row.name);
  const size_t dash = row.name.find('-');
  if (!row.position && dash != std::string::npos) {
    const auto first = signal::FindElectrode(row.name.substr(0, dash));
    const auto second = signal::FindElectrode(row.name.substr(dash + 1));
    if (first && second) {
      row.position = MiddleOf(*first, *second);
      row.bipolar = true;
    } else if (first) {  // against an ear or a common reference
      row.position = first;
    }
  }
  if (!row.position) return;
  row.side = std::abs(row.position->x) < kMidlineX ? Side::kMidline
             : row.position->x < 0                 ? Side::kLeft
                                                   : Side::kRight;
}

std::string_view RegionOf(const ScalpRow& row) {
  if (!row.position) return "unknown position";
  const auto& [x, y, z] = *row.position;
  const auto pick = [&](std::string_view left, std::string_view middle, std::string_view right) {
    return row.side == Side::kLeft ? left : row.side == Side::kRight ? right : middle;
  };
  if (y < -0.75) return pick("left occipital", "occipital midline", "right occipital");
  if (y > 0.75) return pick("left frontopolar", "frontopolar midline", "right frontopolar");
  if (std::abs(x) > 0.7) return pick("left temporal", "", "right temporal");
  if (y > 0.35) return pick("left frontal", "frontal midline", "right frontal");
  if (y < -0.35) return pick("left parietal", "parietal midline", "right parietal");
  return pick("left central", "vertex", "right central");
}

void FindNeighbours(std::vector<ScalpRow>& rows) {
  for (size_t r = 0; r < rows.size(); ++r) {
    if (!rows[r].position) continue;
    std::vector<std::pair<double, size_t>> others;
    double closest = std::numeric_limits<double>::max();
    const signal::Position mirror{-rows[r].position->x, rows[r].position->y, rows[r].position->z};
    for (size_t o = 0; o < rows.size(); ++o) {
      if (o == r || !rows[o].position) continue;
      others.emplace_back(signal::AngleBetween(*rows[r].position, *rows[o].position), o);
      const double angle = signal::AngleBetween(mirror, *rows[o].position);
      if (rows[r].side != Side::kMidline && angle < std::min(kMirrorRadians, closest)) {
        closest = angle;
        rows[r].opposite = o;
      }
    }
    std::ranges::sort(others);
    others.resize(std::min(others.size(), kNeighbours));
    for (const auto& [angle, other] : others) rows[r].neighbours.push_back(other);
  }
}

bool IsUsable(const QualityReport& quality, const std::string& name) {
  const auto known = std::ranges::find(quality.channels, name, &ChannelQuality::name);
  if (known == quality.channels.end()) return false;
  return std::ranges::all_of(known->faults,
                             [](ChannelFault fault) { return fault == ChannelFault::kDcOffset; });
}

double MostFrequentRate(const RecordingView& recording, std::span<const size_t> channels) {
  std::map<double, size_t> counts;
  for (const size_t c : channels) ++counts[recording.channels[c].rate_hz];
  const auto most = std::ranges::max_element(counts, {}, [](const auto& pair) { return pair.second; });
  return most == counts.end() ? 0.0 : most->first;
}

}  // namespace

ScalpLayout LayOut(const RecordingView& recording, const QualityReport& quality) {
  ScalpLayout layout;
  std::vector<size_t> usable;
  for (const size_t c : CheckRecording(recording).eeg) {
    if (IsUsable(quality, recording.channels[c].name)) usable.push_back(c);
  }
  layout.rate_hz = MostFrequentRate(recording, usable);
  layout.samples = std::numeric_limits<uint64_t>::max();
  for (const size_t c : usable) {
    const Channel& channel = recording.channels[c];
    if (channel.rate_hz != layout.rate_hz) continue;
    ScalpRow row{.channel = c, .name = channel.name};
    Place(row);
    row.region = RegionOf(row);
    const auto mask = std::ranges::find(quality.mask.channels, c);
    if (mask != quality.mask.channels.end()) {
      row.quality = static_cast<size_t>(mask - quality.mask.channels.begin());
    }
    layout.samples = std::min(layout.samples, channel.samples);
    layout.rows.push_back(std::move(row));
  }
  if (layout.rows.empty()) layout.samples = 0;
  FindNeighbours(layout.rows);
  for (size_t r = 0; r < layout.rows.size(); ++r) {
    const ScalpRow& row = layout.rows[r];
    if (!row.position) continue;
    if (row.side == Side::kLeft) layout.left.push_back(r);
    if (row.side == Side::kRight) layout.right.push_back(r);
    if (row.position->y > 0.75) layout.front.push_back(r);
    if (row.position->y < -0.5) layout.posterior.push_back(r);
    if (row.position->z > 0.65) layout.central.push_back(r);
  }
  return layout;
}

}  // namespace montage::analysis
