#include "montage/signal/scalp/electrodes.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace montage::signal {
namespace {

constexpr double kDegree = std::numbers::pi / 180.0;

/// Polar angle from the vertex; azimuth from the nose towards the left ear.
Position OnSphere(double polar_degrees, double azimuth_degrees) {
  const double polar = polar_degrees * kDegree;
  const double azimuth = azimuth_degrees * kDegree;
  return {-std::sin(polar) * std::sin(azimuth), std::sin(polar) * std::cos(azimuth),
          std::cos(polar)};
}

Position Add(const Position& a, const Position& b, double factor) {
  return {a.x + factor * b.x, a.y + factor * b.y, a.z + factor * b.z};
}

double Dot(const Position& a, const Position& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

Position Mirror(const Position& p) { return {-p.x, p.y, p.z}; }

/// Point at `fraction` of the way from `middle` (x = 0) to `end` on the circle that runs through
/// end, middle and the mirror image of end. The circle's plane holds the x axis, its centre has x =
/// 0.
Position OnRow(const Position& middle, const Position& end, double fraction) {
  const Position base{0.0, end.y, end.z};
  const Position up = Add(middle, base, -1.0);
  const double height = std::sqrt(Dot(up, up));
  const double half_chord = std::abs(end.x);
  const double radius = (half_chord * half_chord + height * height) / (2.0 * height);
  const Position centre = Add(middle, up, -radius / height);
  const double whole = std::atan2(half_chord, radius - height);
  const double angle = fraction * whole;
  Position point = Add(centre, up, radius * std::cos(angle) / height);
  point.x = std::copysign(radius * std::sin(angle), end.x);
  return point;
}

struct Row {
  std::string_view prefix;      ///< of the electrodes between
  std::string_view end_prefix;  ///< of the electrode on the circumference
  double midline_polar;         ///< degrees from the vertex, positive to the front
  double end_azimuth;           ///< degrees from the nose to the left
};

// Rows of the 10-10 system from front to back.
constexpr std::array kRows = {Row{"AF", "AF", 54, 36},   Row{"F", "F", 36, 54},
                              Row{"FC", "FT", 18, 72},   Row{"C", "T", 0, 90},
                              Row{"CP", "TP", -18, 108}, Row{"P", "P", -36, 126},
                              Row{"PO", "PO", -54, 144}};
constexpr double kRing = 72;  ///< polar angle of the circumference, degrees

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

struct Electrode {
  std::string name;
  Position position;
};

class Table {
 public:
  Table() {
    Put("Fpz", OnSphere(kRing, 0));
    Put("Oz", OnSphere(kRing, 180));
    Put("Nz", OnSphere(90, 0));
    Put("Iz", OnSphere(90, 180));
    PutPair("Fp", 1, OnSphere(kRing, 18));
    PutPair("O", 1, OnSphere(kRing, 162));
    for (const Row& row : kRows) PutRow(row);
    for (const auto& [prefix, azimuth] :
         {std::pair{"F", 54.0}, {"FT", 72.0}, {"T", 90.0}, {"TP", 108.0}, {"P", 126.0}}) {
      PutPair(prefix, 9, OnSphere(90, azimuth));
    }
    for (const auto& [older, newer] :
         {std::pair{"T3", "T7"}, {"T4", "T8"}, {"T5", "P7"}, {"T6", "P8"}}) {
      const Electrode electrode = by_upper_name_.at(Upper(newer));
      by_upper_name_.emplace(older, electrode);
    }
  }

  const Electrode* Find(std::string_view name) const {
    const auto found = by_upper_name_.find(Upper(name));
    return found == by_upper_name_.end() ? nullptr : &found->second;
  }

 private:
  void Put(const std::string& name, const Position& position) {
    by_upper_name_.insert_or_assign(Upper(name), Electrode{name, position});
  }

  /// Odd numbers are on the left, the next even number is the mirror image.
  void PutPair(std::string_view prefix, int odd, const Position& left) {
    Put(std::string(prefix) + std::to_string(odd), left);
    Put(std::string(prefix) + std::to_string(odd + 1), Mirror(left));
  }

  void PutRow(const Row& row) {
    const Position middle = OnSphere(row.midline_polar, 0);
    const Position end = OnSphere(kRing, row.end_azimuth);
    Put(std::string(row.prefix) + "z", middle);
    PutPair(row.end_prefix, 7, end);
    for (const int odd : {1, 3, 5}) {
      PutPair(row.prefix, odd, OnRow(middle, end, 0.125 * (odd + 1)));
    }
  }

  std::map<std::string, Electrode, std::less<>> by_upper_name_;
};

const Table& Electrodes() {
  static const Table table;
  return table;
}

constexpr std::array<std::string_view, 19> kTenTwenty = {"Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8",
                                                         "T7",  "C3",  "Cz", "C4", "T8", "P7", "P3",
                                                         "Pz",  "P4",  "P8", "O1", "O2"};

constexpr std::array kDoubleBanana = {
    Derivation{"Fp1", "F7"}, Derivation{"F7", "T7"}, Derivation{"T7", "P7"}, Derivation{"P7", "O1"},
    Derivation{"Fp2", "F8"}, Derivation{"F8", "T8"}, Derivation{"T8", "P8"}, Derivation{"P8", "O2"},
    Derivation{"Fp1", "F3"}, Derivation{"F3", "C3"}, Derivation{"C3", "P3"}, Derivation{"P3", "O1"},
    Derivation{"Fp2", "F4"}, Derivation{"F4", "C4"}, Derivation{"C4", "P4"}, Derivation{"P4", "O2"},
    Derivation{"Fz", "Cz"},  Derivation{"Cz", "Pz"}};

constexpr std::array kTransverse = {
    Derivation{"F7", "Fp1"}, Derivation{"Fp1", "Fp2"}, Derivation{"Fp2", "F8"},
    Derivation{"F7", "F3"},  Derivation{"F3", "Fz"},   Derivation{"Fz", "F4"},
    Derivation{"F4", "F8"},  Derivation{"T7", "C3"},   Derivation{"C3", "Cz"},
    Derivation{"Cz", "C4"},  Derivation{"C4", "T8"},   Derivation{"P7", "P3"},
    Derivation{"P3", "Pz"},  Derivation{"Pz", "P4"},   Derivation{"P4", "P8"},
    Derivation{"P7", "O1"},  Derivation{"O1", "O2"},   Derivation{"O2", "P8"}};

}  // namespace

std::optional<Position> FindElectrode(std::string_view name) {
  const Electrode* electrode = Electrodes().Find(name);
  if (electrode == nullptr) return std::nullopt;
  return electrode->position;
}

std::optional<std::string> StandardElectrodeName(std::string_view name) {
  const Electrode* electrode = Electrodes().Find(name);
  if (electrode == nullptr) return std::nullopt;
  return electrode->name;
}

std::span<const std::string_view> TenTwenty() { return kTenTwenty; }

std::span<const Derivation> DoubleBanana() { return kDoubleBanana; }

std::span<const Derivation> TransverseBipolar() { return kTransverse; }

void AverageReference(std::span<const std::span<double>> channels,
                      std::span<const bool> reference) {
  assert(channels.size() == reference.size());
  const auto used = std::ranges::count(reference, true);
  if (used == 0) return;
  constexpr size_t kBlock = 1024;
  const size_t length = channels.front().size();
  std::array<double, kBlock> mean;
  for (size_t first = 0; first < length; first += kBlock) {
    const size_t count = std::min(kBlock, length - first);
    mean.fill(0.0);
    for (size_t c = 0; c < channels.size(); ++c) {
      if (!reference[c]) continue;
      for (size_t i = 0; i < count; ++i) mean[i] += channels[c][first + i];
    }
    for (size_t i = 0; i < count; ++i) mean[i] /= static_cast<double>(used);
    for (const auto& channel : channels) {
      for (size_t i = 0; i < count; ++i) channel[first + i] -= mean[i];
    }
  }
}

void Derive(std::span<const double> first, std::span<const double> second, std::span<double> out) {
  assert(first.size() == second.size() && first.size() == out.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = first[i] - second[i];
}

double AngleBetween(const Position& a, const Position& b) {
  return std::acos(std::clamp(Dot(a, b) / std::sqrt(Dot(a, a) * Dot(b, b)), -1.0, 1.0));
}

}  // namespace montage::signal
