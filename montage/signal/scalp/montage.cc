#include "montage/signal/scalp/montage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "montage/signal/finite.h"
#include "montage/signal/scalp/weighted_sum.h"

namespace montage::signal {
namespace {

/// One spelling for all that name the same electrode.
std::string Key(std::string_view name) {
  if (auto standard = StandardElectrodeName(name)) return *std::move(standard);
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

/// Where the electrodes of a recording are.
class Labels {
 public:
  Labels(std::span<const std::string> labels, std::span<const bool> usable) {
    for (size_t c = 0; c < labels.size(); ++c) {
      Places& places = places_[Key(labels[c])];
      (usable.empty() || usable[c] ? places.usable : places.unusable).push_back(c);
    }
  }

  /// The channel, or why there is none.
  std::optional<size_t> Find(const std::string& electrode, std::string& reason) const {
    const auto found = places_.find(Key(electrode));
    if (found == places_.end()) {
      reason = fmt::format("electrode {} is not recorded", electrode);
    } else if (found->second.usable.empty()) {
      reason = fmt::format("electrode {} is not usable", electrode);
    } else if (found->second.usable.size() > 1) {
      reason = fmt::format("electrode {} is ambiguous: channels {}", electrode,
                           fmt::join(found->second.usable, ", "));
    } else {
      return found->second.usable.front();
    }
    return std::nullopt;
  }

 private:
  struct Places {
    std::vector<size_t> usable, unusable;
  };
  std::map<std::string, Places> places_;
};

/// The nearest others, nearest first, with their angles.
std::vector<std::pair<double, size_t>> Nearest(std::span<const Position> positions, size_t of,
                                               size_t count) {
  std::vector<std::pair<double, size_t>> others;
  for (size_t i = 0; i < positions.size(); ++i) {
    if (i != of) others.emplace_back(AngleBetween(positions[of], positions[i]), i);
  }
  // Mirrored positions differ in their last bits, which must not decide.
  constexpr double kSame = 1e-9;
  std::ranges::sort(others);
  for (size_t first = 0; first < others.size();) {
    size_t last = first + 1;
    while (last < others.size() && others[last].first - others[first].first < kSame) ++last;
    std::ranges::sort(others.begin() + static_cast<ptrdiff_t>(first),
                      others.begin() + static_cast<ptrdiff_t>(last), {},
                      &std::pair<double, size_t>::second);
    first = last;
  }
  others.resize(count);
  return others;
}

}  // namespace

Montage::Montage(std::string name, std::vector<MontageDerivation> derivations)
    : name_(std::move(name)), derivations_(std::move(derivations)) {}

std::vector<std::string> Montage::Electrodes() const {
  std::vector<std::string> electrodes;
  for (const auto& derivation : derivations_) {
    for (const auto& term : derivation.terms) {
      const auto same = [&](const std::string& known) { return Key(known) == Key(term.electrode); };
      if (std::ranges::none_of(electrodes, same)) electrodes.push_back(term.electrode);
    }
  }
  return electrodes;
}

base::Result<FittedMontage> Montage::Fit(std::span<const std::string> labels,
                                         std::span<const bool> usable) const {
  if (!usable.empty() && usable.size() != labels.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} flags of usable channels for {} labels, expected as many",
                                  usable.size(), labels.size()));
  }
  const Labels recorded(labels, usable);
  FittedMontage fit{.name = name_, .channels = labels.size(), .derived = {}, .impossible = {}};
  for (const auto& derivation : derivations_) {
    FittedDerivation derived{.name = derivation.name, .channels = {}, .weights = {}};
    std::vector<std::string> reasons;
    for (const auto& term : derivation.terms) {
      std::string reason;
      if (const auto channel = recorded.Find(term.electrode, reason)) {
        derived.channels.push_back(*channel);
        derived.weights.push_back(term.weight);
      } else {
        reasons.push_back(std::move(reason));
      }
    }
    if (reasons.empty()) {
      fit.derived.push_back(std::move(derived));
    } else {
      fit.impossible.push_back({derivation.name, fmt::format("{}", fmt::join(reasons, "; "))});
    }
  }
  return fit;
}

base::Result<void> ApplyMontage(const FittedMontage& fit,
                                std::span<const std::span<const double>> channels,
                                std::span<const std::span<double>> out) {
  if (channels.size() != fit.channels || out.size() != fit.derived.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} channels into {} rows, expected {} into {}", channels.size(),
                                  out.size(), fit.channels, fit.derived.size()));
  }
  std::vector<bool> checked(channels.size(), false);
  for (size_t row = 0; row < out.size(); ++row) {
    for (const size_t c : fit.derived[row].channels) {
      if (channels[c].size() != out[row].size()) {
        return base::Fail(base::ErrorCode::kInvalid,
                          fmt::format("channel {} has {} samples, its derivation {} has {}", c,
                                      channels[c].size(), fit.derived[row].name, out[row].size()));
      }
      if (checked[c]) continue;
      checked[c] = true;
      if (auto finite = CheckFinite(channels[c]); !finite) {
        return base::Fail(std::move(finite).error().While(fmt::format("reading channel {}", c)));
      }
    }
  }
  // In blocks that stay in the first level cache over the terms.
  constexpr size_t kBlock = 1024;
  for (size_t row = 0; row < out.size(); ++row) {
    const FittedDerivation& of = fit.derived[row];
    for (size_t first = 0; first < out[row].size(); first += kBlock) {
      const auto block = out[row].subspan(first, std::min(kBlock, out[row].size() - first));
      std::ranges::fill(block, 0.0);
      for (size_t t = 0; t < of.channels.size(); ++t) {
        AddScaled(of.weights[t], channels[of.channels[t]].subspan(first, block.size()), block);
      }
    }
  }
  return {};
}

Montage BipolarMontage(std::string name, std::span<const Derivation> pairs) {
  std::vector<MontageDerivation> derivations;
  for (const auto& [first, second] : pairs) {
    derivations.push_back({fmt::format("{}-{}", first, second),
                           {{std::string(first), 1.0}, {std::string(second), -1.0}}});
  }
  return {std::move(name), std::move(derivations)};
}

Montage ReferencedMontage(std::string name, std::span<const std::string_view> electrodes,
                          std::span<const std::string_view> reference,
                          std::string_view reference_name) {
  std::vector<MontageDerivation> derivations;
  for (const auto electrode : electrodes) {
    MontageDerivation derivation{fmt::format("{}-{}", electrode, reference_name),
                                 {{std::string(electrode), 1.0}}};
    for (const auto of : reference) {
      const double share = 1.0 / static_cast<double>(reference.size());
      if (Key(of) == Key(electrode)) {
        derivation.terms.front().weight -= share;
      } else {
        derivation.terms.push_back({std::string(of), -share});
      }
    }
    derivations.push_back(std::move(derivation));
  }
  return {std::move(name), std::move(derivations)};
}

Montage AverageMontage(std::span<const std::string_view> electrodes) {
  return ReferencedMontage("average", electrodes, electrodes, "avg");
}

base::Result<Montage> LocalLaplacian(std::span<const std::string_view> electrodes,
                                     size_t neighbours, NeighbourWeights weights) {
  if (neighbours == 0 || electrodes.size() <= neighbours) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} neighbours among {} electrodes, expected at least 1 and more "
                                  "electrodes than neighbours",
                                  neighbours, electrodes.size()));
  }
  std::vector<Position> positions;
  for (size_t i = 0; i < electrodes.size(); ++i) {
    const auto position = FindElectrode(electrodes[i]);
    if (!position) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("the position of electrode {} is not known", electrodes[i]));
    }
    for (size_t j = 0; j < i; ++j) {
      if (Key(electrodes[i]) != Key(electrodes[j])) continue;
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("electrode {} is named twice", electrodes[i]));
    }
    positions.push_back(*position);
  }
  std::vector<MontageDerivation> derivations;
  for (size_t i = 0; i < electrodes.size(); ++i) {
    MontageDerivation derivation{fmt::format("{}-lap", electrodes[i]),
                                 {{std::string(electrodes[i]), 1.0}}};
    const auto nearest = Nearest(positions, i, neighbours);
    const auto weight = [&](double angle) {
      return weights == NeighbourWeights::kEqual ? 1.0 : 1.0 / angle;
    };
    double total = 0.0;
    for (const auto& [angle, other] : nearest) total += weight(angle);
    for (const auto& [angle, other] : nearest) {
      derivation.terms.push_back({std::string(electrodes[other]), -weight(angle) / total});
    }
    derivations.push_back(std::move(derivation));
  }
  return Montage("local Laplacian", std::move(derivations));
}

}  // namespace montage::signal
