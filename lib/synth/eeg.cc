#include "lib/synth/eeg.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>

#include <fmt/format.h>

#include "lib/formats/edf/writer.h"
#include "lib/synth/background.h"
#include "lib/synth/overlay.h"
#include "lib/synth/planting.h"

namespace synth {
namespace {

namespace edf = formats::edf;
using base::ErrorCode;
using base::Fail;
using base::Result;

/// Rises when the same seed gives other bytes than before.
constexpr int kGeneratorVersion = 3;
constexpr uint64_t kBlockBytes = uint64_t{256} << 10;
constexpr uint64_t kMaxRecordBytes = uint64_t{16} << 20;
constexpr uint32_t kAnnotationBytes = 120;

edf::Variant VariantOf(EegFormat format) {
  switch (format) {
    case EegFormat::kEdf:
      return edf::Variant::kEdf;
    case EegFormat::kEdfPlus:
      return edf::Variant::kEdfPlusC;
    case EegFormat::kBdf:
      return edf::Variant::kBdf;
    case EegFormat::kBdfPlus:
      return edf::Variant::kBdfPlusC;
  }
  return edf::Variant::kEdf;
}

edf::Signal MakeSignal(const Lead& lead, edf::Variant variant, uint32_t samples_per_record) {
  edf::Signal signal;
  signal.label = lead.kind == LeadKind::kScalp                                  ? "EEG " + lead.name
                 : lead.kind == LeadKind::kEye && !lead.name.starts_with("EOG") ? "EOG " + lead.name
                                                                                : lead.name;
  signal.transducer = "simulated AgAgCl electrode";
  signal.physical_dimension = "uV";
  // Both ranges make one digital step exactly 0.1 uV.
  const bool bdf = edf::IsBdf(variant);
  signal.physical_min = bdf ? -800000 : -3276.8;
  signal.physical_max = bdf ? 800000 : 3276.7;
  signal.digital_min = bdf ? -8000000 : -32768;
  signal.digital_max = bdf ? 8000000 : 32767;
  signal.samples_per_record = samples_per_record;
  return signal;
}

void Pack24(std::span<const int16_t> samples, uint8_t* out) {
  for (const int16_t sample : samples) {
    out[0] = static_cast<uint8_t>(sample);
    out[1] = static_cast<uint8_t>(sample >> 8);
    out[2] = static_cast<uint8_t>(sample < 0 ? 0xff : 0);
    out += 3;
  }
}

void Pack16(std::span<const int16_t> samples, uint8_t* out) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(out, samples.data(), samples.size_bytes());
  } else {
    for (const int16_t sample : samples) {
      *out++ = static_cast<uint8_t>(sample);
      *out++ = static_cast<uint8_t>(sample >> 8);
    }
  }
}

}  // namespace

EegGenerator::EegGenerator() = default;
EegGenerator::EegGenerator(EegGenerator&&) noexcept = default;
EegGenerator& EegGenerator::operator=(EegGenerator&&) noexcept = default;
EegGenerator::~EegGenerator() = default;

Result<void> EegGenerator::CheckSpec() {
  const auto check = [](bool holds, std::string_view field, double value,
                        std::string_view expected) -> Result<void> {
    if (holds) return {};
    return Fail(ErrorCode::kInvalid, fmt::format("{} is {}, expected {}", field, value, expected));
  };
  TRY(check(spec_.rate_hz >= 1 && spec_.rate_hz <= 100'000, "rate", spec_.rate_hz,
            "1 to 100000 Hz"));
  TRY(check(spec_.duration_s > 0 && spec_.duration_s <= 1e9, "duration", spec_.duration_s,
            "more than 0 and at most 1e9 s"));
  TRY(check(spec_.record_duration_s > 0, "record_duration", spec_.record_duration_s,
            "more than 0 s"));
  if (spec_.background_uv) {
    TRY(check(*spec_.background_uv > 0 && *spec_.background_uv <= 200, "background_uv",
              *spec_.background_uv, "more than 0 and at most 200"));
    spec_.subject[static_cast<size_t>(Trait::kBackgroundUv)] = spec_.background_uv;
  }
  for (const TraitRange& range : TraitRanges()) {
    const std::optional<double> value = spec_.subject[static_cast<size_t>(range.trait)];
    if (!value) continue;
    TRY(check(*value >= range.least && *value <= range.most, fmt::format("subject.{}", range.name),
              *value, fmt::format("{} to {}", range.least, range.most)));
  }
  TRY(check(spec_.eyes.empty() || spec_.duration_s <= 1e7, "duration", spec_.duration_s,
            "at most 1e7 s with a plan of the eyes"));
  for (const EyesFor& part : spec_.eyes) {
    const double hops = part.length_s / kEyesGrainS;
    TRY(check(hops >= 1 && hops == std::floor(hops), "a stretch of eyes", part.length_s,
              "a multiple of 3 s"));
  }
  TRY(check(!spec_.channels.empty() && spec_.channels.size() <= 1024, "the number of channels",
            static_cast<double>(spec_.channels.size()), "1 to 1024"));
  const double samples = spec_.rate_hz * spec_.record_duration_s;
  if (samples < 1 || std::abs(samples - std::round(samples)) > 1e-6 || samples > 1e7) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("a data record of {} s at {} Hz has {} samples, expected a whole number up "
                    "to 10 million",
                    spec_.record_duration_s, spec_.rate_hz, samples));
  }
  samples_per_record_ = static_cast<uint32_t>(std::round(samples));
  const double epochs = std::ceil(spec_.duration_s / kEpochSeconds - 1e-9);
  if (!spec_.hypnogram.empty() && static_cast<double>(spec_.hypnogram.size()) != epochs) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("the hypnogram has {} epochs of 30 s, expected {} for a duration of {} s",
                    spec_.hypnogram.size(), epochs, spec_.duration_s));
  }
  const bool plus = spec_.format == EegFormat::kEdfPlus || spec_.format == EegFormat::kBdfPlus;
  if (spec_.annotate && !plus) {
    return Fail(ErrorCode::kInvalid, "annotate is true, but only edf+ and bdf+ hold annotations");
  }
  return {};
}

Result<void> EegGenerator::MakeHeader() {
  TRY(const std::vector<Lead> leads, MakeLeads(spec_.channels));
  header_.variant = VariantOf(spec_.format);
  header_.patient = spec_.patient;
  header_.recording = spec_.recording;
  if (header_.recording.equipment.empty()) header_.recording.equipment = "assay synth";
  header_.patient_text = spec_.patient.code.empty() ? "X X X X" : spec_.patient.code + " X X X";
  header_.recording_text = "Startdate X X X assay_synth";
  header_.start = spec_.start;
  header_.record_duration_s = spec_.record_duration_s;
  const double records = std::ceil(spec_.duration_s / spec_.record_duration_s - 1e-9);
  if (records > 99'999'999) {
    return Fail(
        ErrorCode::kTooLarge,
        fmt::format("the recording has {} data records, expected at most 99999999; use a longer "
                    "record_duration",
                    records));
  }
  header_.record_count = static_cast<int64_t>(records);
  for (const Lead& lead : leads) {
    header_.signals.push_back(MakeSignal(lead, header_.variant, samples_per_record_));
  }
  truth_.seed = spec_.seed;
  truth_.generator_version = kGeneratorVersion;
  truth_.format = ToString(header_.variant);
  truth_.channels = spec_.channels;
  truth_.rate_hz = spec_.rate_hz;
  truth_.duration_s = records * spec_.record_duration_s;
  truth_.hypnogram = spec_.hypnogram;

  truth_.subject = Subject(spec_.seed, spec_.subject);
  truth_.background_alpha_hz = truth_.subject[Trait::kAlphaHz];
  const Eyes eyes(spec_.eyes, spec_.hypnogram, spec_.seed);
  truth_.eyes_open = eyes.OpenStretches(truth_.duration_s);

  overlay_ = std::make_unique<Overlay>(spec_.rate_hz, spec_.seed);
  Planting planting(spec_, leads, truth_.duration_s, *overlay_, truth_);
  PlantSleep(planting);
  TRY(PlantAll(planting));
  overlay_->Seal();
  std::ranges::sort(truth_.events, [](const TruthEvent& a, const TruthEvent& b) {
    return std::tie(a.onset_s, a.kind, a.channels) < std::tie(b.onset_s, b.kind, b.channels);
  });
  background_ = std::make_unique<Background>(leads, spec_.rate_hz, spec_.seed, truth_.subject, eyes,
                                             spec_.hypnogram);
  return {};
}

Result<void> EegGenerator::MakeAnnotations() {
  if (!edf::IsPlus(header_.variant)) return {};
  uint64_t total = 0;
  if (spec_.annotate) {
    for (size_t first = 0; first < spec_.hypnogram.size();) {
      size_t last = first;
      while (last < spec_.hypnogram.size() && spec_.hypnogram[last] == spec_.hypnogram[first])
        ++last;
      // Standard texts of EDF+: "Sleep stage W", "... N1", "... R".
      const SleepStage stage = spec_.hypnogram[first];
      const std::string name = stage == SleepStage::kRem ? "R" : std::string(ToString(stage));
      annotations_.push_back({kEpochSeconds * static_cast<double>(first),
                              kEpochSeconds * static_cast<double>(last - first),
                              "Sleep stage " + name});
      first = last;
    }
    for (const TruthEvent& event : truth_.events) {
      annotations_.push_back({event.onset_s, event.duration_s, std::string(event.kind)});
    }
    for (const edf::Annotation& annotation : annotations_) {
      TRY(const std::string tal, edf::EncodeTal(annotation));
      total += tal.size();
    }
  }
  // Twice the mean, so that all fit although no annotation is split.
  const uint64_t mean = 2 * total / record_count();
  if (mean > kMaxRecordBytes) {
    return Fail(
        ErrorCode::kTooLarge,
        fmt::format("{} bytes of annotations do not fit {} data records", total, record_count()));
  }
  header_.signals.push_back(edf::MakeAnnotationSignal(
      header_.variant, std::max(kAnnotationBytes, static_cast<uint32_t>(mean) + 120)));
  PackAnnotations();
  return {};
}

/// The same greedy packing as edf::Writer: in order, as many as fit behind the time-keeping TAL.
void EegGenerator::PackAnnotations() {
  const uint64_t size =
      header_.signals.back().samples_per_record * uint64_t{edf::BytesPerSample(header_.variant)};
  size_t next = 0;
  for (uint64_t record = 0; next < annotations_.size() && record < record_count(); ++record) {
    const double onset = static_cast<double>(record) * header_.record_duration_s;
    std::string& text = packed_.emplace_back(edf::EncodeTimekeepingTal(onset));
    while (next < annotations_.size()) {
      const std::string tal = edf::EncodeTal(annotations_[next]).value_or("");
      if (text.size() + tal.size() > size) break;
      text += tal;
      ++next;
    }
  }
}

Result<EegGenerator> EegGenerator::Create(EegSpec spec) {
  EegGenerator out;
  out.spec_ = std::move(spec);
  TRY(out.CheckSpec());
  TRY(out.MakeHeader());
  TRY(out.MakeAnnotations());
  // What the file says is what counts: numbers are rounded to their 8 characters.
  TRY(const std::string bytes, edf::EncodeHeader(out.header_));
  TRY(edf::ParsedHeader parsed,
      edf::ParseHeader({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  out.header_ = std::move(parsed.header);
  if (out.header_.record_bytes() > kMaxRecordBytes) {
    return Fail(ErrorCode::kTooLarge, fmt::format("a data record has {} bytes, expected at most {}",
                                                  out.header_.record_bytes(), kMaxRecordBytes));
  }
  out.truth_.bytes = out.header_.header_bytes() + out.record_count() * out.header_.record_bytes();
  return out;
}

void EegGenerator::Render(size_t channel, uint64_t first, std::span<int16_t> into) const {
  background_->Render(channel, first, into);
  overlay_->Apply(channel, first, into);
}

void EegGenerator::RenderRecords(uint64_t first, std::span<uint8_t> into) const {
  const uint64_t record_bytes = header_.record_bytes();
  const uint64_t width = edf::BytesPerSample(header_.variant);
  const uint64_t signal_bytes = samples_per_record_ * width;
  const uint64_t count = into.size() / record_bytes;
  // A channel's samples are rendered for all the records at once: longer runs, fewer calls.
  std::vector<int16_t> row(count * samples_per_record_);
  for (size_t channel = 0; channel < spec_.channels.size(); ++channel) {
    Render(channel, first * samples_per_record_, row);
    for (uint64_t i = 0; i < count; ++i) {
      const auto part =
          std::span<const int16_t>(row).subspan(i * samples_per_record_, samples_per_record_);
      uint8_t* const out = into.data() + i * record_bytes + channel * signal_bytes;
      width == 2 ? Pack16(part, out) : Pack24(part, out);
    }
  }
  if (!edf::IsPlus(header_.variant)) return;
  const uint64_t at = spec_.channels.size() * signal_bytes;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t record = first + i;
    const std::string text =
        record < packed_.size()
            ? packed_[record]
            : edf::EncodeTimekeepingTal(static_cast<double>(record) * header_.record_duration_s);
    uint8_t* const out = into.data() + i * record_bytes + at;
    std::memset(out, 0, record_bytes - at);
    std::ranges::copy(text, out);
  }
}

Result<void> EegGenerator::WriteTo(edf::ByteSink& sink) const {
  TRY(const std::string header, edf::EncodeHeader(header_));
  TRY(sink.Write({reinterpret_cast<const uint8_t*>(header.data()), header.size()}));
  const uint64_t record_bytes = header_.record_bytes();
  const uint64_t at_once = std::max<uint64_t>(1, kBlockBytes / record_bytes);
  std::vector<uint8_t> block(std::min(at_once, record_count()) * record_bytes);
  for (uint64_t record = 0; record < record_count(); record += at_once) {
    const uint64_t count = std::min(at_once, record_count() - record);
    const std::span<uint8_t> part = std::span(block).first(count * record_bytes);
    RenderRecords(record, part);
    TRY(sink.Write(part));
  }
  return {};
}

Result<Truth> GenerateEeg(EegSpec spec, edf::ByteSink& sink) {
  TRY(const EegGenerator generator, EegGenerator::Create(std::move(spec)));
  TRY(generator.WriteTo(sink));
  return generator.truth();
}

}  // namespace synth
