#include "montage/recordings/edf_recording.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "lib/formats/edf/channel_names.h"
#include "montage/recordings/spool.h"

namespace montage::recordings {
namespace {

using base::ErrorCode;
using base::Result;
using formats::edf::SignalKind;

/// Analyses keep tables of the whole span, so that a few bytes must not be able to claim a century.
constexpr double kMaxSpanS = 31.0 * 86'400;

/// What the bytes of a recording say is the uploader's fault; what reading them met is not.
base::Error AsRefusal(base::Error error) {
  if (error.code != ErrorCode::kIo && error.code != ErrorCode::kTimeout)
    error.code = ErrorCode::kInvalid;
  return error;
}

analysis::ChannelKind KindOf(SignalKind kind) {
  switch (kind) {
    case SignalKind::kEeg:
      return analysis::ChannelKind::kEeg;
    case SignalKind::kEog:
      return analysis::ChannelKind::kEog;
    case SignalKind::kEmg:
      return analysis::ChannelKind::kEmg;
    case SignalKind::kEcg:
      return analysis::ChannelKind::kEcg;
    case SignalKind::kRespiration:
      return analysis::ChannelKind::kRespiration;
    default:
      return analysis::ChannelKind::kOther;
  }
}

std::string UniqueName(const analysis::RecordingView& view, const std::string& name) {
  std::string unique = name;
  for (int count = 2; view.IndexOf(unique) != view.channels.size(); ++count)
    unique = fmt::format("{}#{}", name, count);
  return unique;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

}  // namespace

Validation EdfValidation(std::filesystem::path spool_folder) {
  return [folder = std::move(spool_folder)](objects::ByteSource& content,
                                            base::Deadline deadline) -> Result<std::string> {
    TRY(const auto recording, EdfRecording::Open(content, folder, deadline));
    return LowerCase(formats::edf::ToString(recording->reader().header().variant));
  };
}

Result<std::unique_ptr<EdfRecording>> EdfRecording::Open(
    std::unique_ptr<formats::edf::ByteSource> source) {
  auto reader = formats::edf::Reader::Open(std::move(source));
  if (!reader) return base::Fail(AsRefusal(std::move(reader).error()));
  std::unique_ptr<EdfRecording> recording(new EdfRecording(std::move(*reader)));
  auto described = recording->Describe();
  if (!described) return base::Fail(AsRefusal(std::move(described).error()));
  return recording;
}

Result<std::unique_ptr<EdfRecording>> EdfRecording::Open(objects::ByteSource& content,
                                                         const std::filesystem::path& spool_folder,
                                                         base::Deadline deadline) {
  TRY(auto source, SpoolAll(content, spool_folder, deadline));
  return Open(std::move(source));
}

Result<void> EdfRecording::Describe() {
  TRY(segments_, reader_.Segments());
  double end_s = 0;
  for (const auto& segment : segments_) end_s = std::max(end_s, segment.start_s + segment.length_s);
  start_s_ = segments_.empty() ? 0 : segments_.front().start_s;
  view_.duration_s = segments_.empty() ? 0 : end_s - start_s_;
  if (formats::edf::IsDiscontinuous(reader_.header().variant) && view_.duration_s > kMaxSpanS) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("the recording spans {:.0f} s with its gaps, expected at most {:.0f} "
                    "s (31 days)",
                    view_.duration_s, kMaxSpanS));
  }
  view_.source = this;
  for (const size_t signal : reader_.sample_signals()) AddChannel(signal);
  if (!formats::edf::IsPlus(reader_.header().variant)) return {};
  TRY(auto list, reader_.Annotations());
  for (auto& annotation : list.annotations) {
    view_.annotations.push_back({annotation.onset_s - start_s_, annotation.duration_s.value_or(0),
                                 std::move(annotation.text)});
  }
  return {};
}

void EdfRecording::AddChannel(size_t signal) {
  const formats::edf::Signal& described = reader_.header().signals[signal];
  const formats::edf::ChannelName name = formats::edf::ParseChannelName(described.label);
  const bool is_voltage = described.microvolts_per_unit().has_value();
  analysis::Channel channel{.name = UniqueName(view_, name.canonical),
                            .label = described.label,
                            .kind = KindOf(name.kind),
                            .rate_hz = reader_.rate_hz(signal)};
  // An EEG in degrees or without any unit has no amplitude that could be judged.
  if (!is_voltage && channel.kind == analysis::ChannelKind::kEeg)
    channel.kind = analysis::ChannelKind::kOther;
  channel.samples = formats::edf::IsDiscontinuous(reader_.header().variant)
                        ? static_cast<uint64_t>(std::llround(view_.duration_s * channel.rate_hz))
                        : reader_.sample_count(signal);
  view_.channels.push_back(std::move(channel));
  signals_.push_back(signal);
  is_voltage_.push_back(is_voltage);
}

Result<void> EdfRecording::Read(size_t channel, uint64_t first, std::span<double> out,
                                base::Deadline /*deadline*/) {
  const size_t signal = signals_[channel];
  const auto read = [&](uint64_t from, std::span<double> into) {
    return is_voltage_[channel] ? reader_.ReadMicrovolts(signal, from, into)
                                : reader_.ReadPhysical(signal, from, into);
  };
  if (!formats::edf::IsDiscontinuous(reader_.header().variant)) return read(first, out);

  std::ranges::fill(out, std::numeric_limits<double>::quiet_NaN());
  const uint64_t per_record = reader_.header().signals[signal].samples_per_record;
  const uint64_t end = first + out.size();
  for (const auto& segment : segments_) {
    const auto starts = static_cast<uint64_t>(
        std::llround((segment.start_s - start_s_) * view_.channels[channel].rate_hz));
    const uint64_t from = std::max(first, starts);
    const uint64_t to = std::min(end, starts + segment.record_count * per_record);
    if (from >= to) continue;
    TRY(read(segment.first_record * per_record + (from - starts),
             out.subspan(from - first, to - from)));
  }
  return {};
}

}  // namespace montage::recordings
