#include "montage/analysis/sleep/derivations.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "lib/formats/edf/channel_names.h"

namespace montage::analysis {
namespace {

constexpr double kMaxEnvelopeRateHz = 10.0;
constexpr size_t kMost = 2;  ///< derivations of one place

// Nearest to the recommended place first.
constexpr auto kCentral = std::to_array<std::string_view>(
    {"C4", "C3", "Cz", "CP4", "CP3", "FC4", "FC3", "C2", "C1", "CPz", "FCz", "C6",  "C5", "F4",
     "F3", "Fz", "O2", "O1",  "Oz",  "P4",  "P3",  "Pz", "T8", "T7",  "Fp2", "Fp1", "Fpz"});
constexpr auto kFrontal =
    std::to_array<std::string_view>({"F4", "F3", "Fz", "F2", "F1", "AF4", "AF3", "Fp2", "Fp1"});
constexpr auto kOccipital =
    std::to_array<std::string_view>({"O2", "O1", "Oz", "POz", "PO4", "PO3", "Pz", "P4", "P3"});

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return upper;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What a channel is, read once.
struct Lead {
  size_t channel = 0;
  std::string electrode = {};
  bool bipolar = false;
  bool referenced = false;  ///< to an ear or mastoid already
};

class Chooser {
 public:
  Chooser(const RecordingView& recording, const QualityReport* quality)
      : recording_(recording), quality_(quality) {
    for (size_t c = 0; c < recording.channels.size(); ++c) {
      if (recording.channels[c].kind == ChannelKind::kEeg) ReadLead(c);
    }
  }

  SleepDerivations Run() {
    ChooseScalp();
    ChooseEyes();
    ChooseChin();
    return std::move(out_);
  }

 private:
  const Channel& At(size_t channel) const { return recording_.channels[channel]; }

  bool IsGood(size_t channel) const {
    if (At(channel).rate_hz < kMinSleepRateHz || At(channel).samples == 0) return false;
    if (quality_ == nullptr) return true;
    const auto found =
        std::ranges::find(quality_->channels, At(channel).name, &ChannelQuality::name);
    if (found == quality_->channels.end() || !found->bad) return true;
    return std::ranges::all_of(found->faults, [](ChannelFault fault) {
      return fault == ChannelFault::kDcOffset || fault == ChannelFault::kLineNoise;
    });
  }

  void ReadLead(size_t channel) {
    if (!IsGood(channel)) return;
    // The name decides the place; only the label as written tells the reference.
    auto name = formats::edf::ParseChannelName(At(channel).name);
    if (name.electrode.empty()) return;
    const auto label = formats::edf::ParseChannelName(At(channel).label);
    const std::string reference = Upper(label.reference);
    leads_.push_back({channel, name.electrode, name.bipolar,
                      reference == "M1" || reference == "M2" || reference == "LE"});
  }

  const Lead* Find(std::string_view electrode, bool bipolar = false) const {
    const auto found = std::ranges::find_if(leads_, [&](const Lead& lead) {
      return lead.electrode == electrode && lead.bipolar == bipolar;
    });
    return found == leads_.end() ? nullptr : &*found;
  }
  const Lead* FindNamed(std::string_view name) const {
    const auto found = std::ranges::find_if(
        leads_, [&](const Lead& lead) { return At(lead.channel).name == name; });
    return found == leads_.end() ? nullptr : &*found;
  }

  /// Against the mastoid of the other side, or of the same side, when it was recorded.
  Derivation Refer(const Lead& lead) const {
    Derivation out{lead.channel, {}, At(lead.channel).name};
    if (lead.bipolar || lead.referenced) return out;
    const bool left = !lead.electrode.empty() && (lead.electrode.back() - '0') % 2 == 1;
    const std::array<std::string_view, 2> ears = left ? std::array<std::string_view, 2>{"M2", "M1"}
                                                      : std::array<std::string_view, 2>{"M1", "M2"};
    for (const std::string_view ear : ears) {
      const Lead* const mastoid = Find(ear);
      if (mastoid == nullptr || At(mastoid->channel).rate_hz != At(lead.channel).rate_hz) continue;
      out.minus = mastoid->channel;
      out.name += "-" + At(mastoid->channel).name;
      break;
    }
    return out;
  }

  std::vector<Derivation> Choose(std::span<const std::string_view> electrodes) const {
    std::vector<Derivation> out;
    for (const std::string_view electrode : electrodes) {
      const Lead* const lead = Find(electrode);
      if (lead == nullptr) continue;
      out.push_back(Refer(*lead));
      if (out.size() == kMost) break;
    }
    return out;
  }

  void ChooseScalp() {
    out_.central = Choose(kCentral);
    if (out_.central.empty()) return ChooseBipolar();
    out_.frontal = Choose(kFrontal);
    out_.occipital = Choose(kOccipital);
    const Lead* const vertex = Find("Cz");
    out_.vertex = vertex != nullptr ? Refer(*vertex) : out_.central.front();
    const std::string& name = At(out_.central.front().active).name;
    if (!name.starts_with('C')) {
      out_.notes.push_back(fmt::format("no usable central electrode; {} stands in", name));
    }
    if (out_.occipital.empty()) out_.notes.emplace_back("no usable posterior electrode for alpha");
  }

  void ChooseBipolar() {
    const auto add = [&](const Lead& lead, std::vector<Derivation>& to) {
      if (to.size() < kMost) to.push_back(Refer(lead));
    };
    out_.bipolar = true;
    for (const std::string_view name : {"Fpz-Cz", "Fz-Cz", "C4-P4", "C3-P3"}) {
      if (const Lead* const lead = FindNamed(name)) add(*lead, out_.central);
    }
    for (const std::string_view name : {"Pz-Oz", "Cz-Oz", "P4-O2", "P3-O1"}) {
      if (const Lead* const lead = FindNamed(name)) add(*lead, out_.occipital);
    }
    for (const Lead& lead : leads_) {
      const bool taken = std::ranges::find(out_.occipital, lead.channel, &Derivation::active) !=
                         out_.occipital.end();
      if (out_.central.empty() && lead.bipolar && !taken) add(lead, out_.central);
    }
    if (out_.central.empty()) {
      out_.central = out_.occipital;
      if (!out_.central.empty()) out_.notes.emplace_back("only posterior leads are usable");
    }
    if (!out_.central.empty()) out_.vertex = out_.central.front();
  }

  void ChooseEyes() {
    std::vector<size_t> left, right, single;
    for (size_t c = 0; c < recording_.channels.size(); ++c) {
      const Channel& channel = At(c);
      if (channel.kind != ChannelKind::kEog || channel.rate_hz < kMinSleepRateHz ||
          channel.samples == 0) {
        continue;
      }
      const std::string name = Upper(channel.name);
      const bool is_left = Contains(name, "E1") || Contains(name, "LOC") || Contains(name, "LEFT");
      const bool is_right =
          Contains(name, "E2") || Contains(name, "ROC") || Contains(name, "RIGHT");
      const bool vertical = Contains(name, "VERT") || Contains(name, "VEOG");
      if (vertical) continue;
      (is_left && !is_right ? left : is_right && !is_left ? right : single).push_back(c);
    }
    if (!left.empty() && !right.empty() && At(left[0]).rate_hz == At(right[0]).rate_hz) {
      out_.eyes = Derivation{left[0], right[0], At(left[0]).name + " - " + At(right[0]).name};
      return;
    }
    for (const auto& choice : {single, left, right}) {
      if (choice.empty()) continue;
      out_.eyes = Derivation{choice[0], {}, At(choice[0]).name};
      out_.eyes_see_brain = !Contains(Upper(At(choice[0]).name), "HORIZ");
      return;
    }
    out_.notes.emplace_back("no eye channel: REM sleep is told from N1 by the EEG alone");
  }

  void ChooseChin() {
    for (size_t c = 0; c < recording_.channels.size(); ++c) {
      const Channel& channel = At(c);
      const std::string name = Upper(channel.name);
      const bool leg = Contains(name, "TIB") || Contains(name, "LEG") || Contains(name, "LAT") ||
                       Contains(name, "RAT");
      if (channel.kind != ChannelKind::kEmg || leg || channel.samples == 0) continue;
      const bool envelope = channel.rate_hz <= kMaxEnvelopeRateHz;
      if (!envelope && channel.rate_hz < kMinSleepRateHz) continue;
      out_.chin = Derivation{c, {}, channel.name};
      out_.chin_is_envelope = envelope;
      return;
    }
    out_.notes.emplace_back("no chin electromyogram: muscle tone is not known");
  }

  const RecordingView& recording_;
  const QualityReport* quality_;
  std::vector<Lead> leads_;
  SleepDerivations out_;
};

}  // namespace

SleepDerivations ChooseDerivations(const RecordingView& recording, const QualityReport* quality) {
  return Chooser(recording, quality).Run();
}

}  // namespace montage::analysis
