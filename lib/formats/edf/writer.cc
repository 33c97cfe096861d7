#include "lib/formats/edf/writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// The longest time-keeping TAL: sign, 10 digits of seconds, point, 9 decimals, three delimiters.
constexpr uint64_t kTimekeepingBytes = 24;

constexpr uint64_t kRecordCountOffset = 236;

}  // namespace

Result<Writer> Writer::Create(ByteSink& sink, const Header& header, WriterOptions options) {
  Header complete = header;
  const bool has_annotations = std::ranges::any_of(complete.signals, &Signal::is_annotations);
  if (IsPlus(header.variant) && !has_annotations) {
    complete.signals.push_back(MakeAnnotationSignal(
        header.variant, std::max<uint32_t>(options.annotation_bytes, kTimekeepingBytes)));
  }
  TRY(const std::string bytes, EncodeHeader(complete));
  TRY(ParsedHeader parsed, ParseHeader(AsBytes(bytes)));
  Writer writer;
  writer.sink_ = &sink;
  writer.header_ = std::move(parsed.header);
  uint64_t offset = 0;
  const uint64_t width = BytesPerSample(header.variant);
  for (size_t i = 0; i < writer.header_.signals.size(); ++i) {
    const Signal& signal = writer.header_.signals[i];
    const uint64_t size = signal.samples_per_record * width;
    writer.offsets_.push_back(offset);
    offset += size;
    if (!signal.is_annotations()) {
      writer.sample_signals_.push_back(i);
      continue;
    }
    const bool first = writer.tal_capacity_ == 0;
    if (first && size < kTimekeepingBytes) {
      return Fail(
          ErrorCode::kInvalid,
          fmt::format("the annotation signal has {} bytes a data record, expected at least {}",
                      size, kTimekeepingBytes));
    }
    writer.tal_capacity_ = std::max(writer.tal_capacity_, first ? size - kTimekeepingBytes : size);
  }
  writer.record_.resize(offset);
  writer.buffered_.resize(writer.sample_signals_.size());
  writer.summary_.clipped.resize(writer.header_.signals.size());
  TRY(sink.Write(AsBytes(bytes)));
  writer.summary_.bytes = bytes.size();
  return writer;
}

Result<void> Writer::CheckShape(size_t given) const {
  if (finished_) return Fail(ErrorCode::kConflict, "the recording is finished already");
  if (given == sample_signals_.size()) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("samples of {} signals were given, expected {}",
                                               given, sample_signals_.size()));
}

void Writer::PutSample(uint8_t*& at, int32_t digital) const {
  const auto bits = static_cast<uint32_t>(digital);
  *at++ = static_cast<uint8_t>(bits);
  *at++ = static_cast<uint8_t>(bits >> 8);
  if (IsBdf(header_.variant)) *at++ = static_cast<uint8_t>(bits >> 16);
}

Result<void> Writer::WriteRecord(std::span<const std::span<const double>> values) {
  TRY(CheckShape(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const Signal& signal = header_.signals[sample_signals_[i]];
    if (values[i].size() != signal.samples_per_record) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{} samples of \"{}\" were given, expected {}", values[i].size(),
                              signal.label, signal.samples_per_record));
    }
    const double gain = signal.gain();
    uint8_t* at = record_.data() + offsets_[sample_signals_[i]];
    uint64_t clipped = 0;
    for (size_t k = 0; k < values[i].size(); ++k) {
      if (std::isnan(values[i][k])) {
        return Fail(ErrorCode::kInvalid,
                    fmt::format("sample {} of \"{}\" in data record {} is not a number", k,
                                signal.label, summary_.records + 1));
      }
      const double exact =
          std::round((values[i][k] - signal.physical_min) / gain) + signal.digital_min;
      const double kept = std::clamp<double>(exact, signal.digital_min, signal.digital_max);
      clipped += exact != kept ? 1 : 0;
      PutSample(at, static_cast<int32_t>(kept));
    }
    summary_.clipped[sample_signals_[i]] += clipped;
  }
  return FlushRecord();
}

Result<void> Writer::WriteDigitalRecord(std::span<const std::span<const int32_t>> values) {
  TRY(CheckShape(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const Signal& signal = header_.signals[sample_signals_[i]];
    if (values[i].size() != signal.samples_per_record) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{} samples of \"{}\" were given, expected {}", values[i].size(),
                              signal.label, signal.samples_per_record));
    }
    uint8_t* at = record_.data() + offsets_[sample_signals_[i]];
    for (const int32_t digital : values[i]) {
      if (digital < signal.digital_min || digital > signal.digital_max) {
        return Fail(ErrorCode::kInvalid,
                    fmt::format("a sample of \"{}\" is {}, expected {} to {}", signal.label,
                                digital, signal.digital_min, signal.digital_max));
      }
      PutSample(at, digital);
    }
  }
  return FlushRecord();
}

Result<void> Writer::Append(std::span<const std::span<const double>> values) {
  TRY(CheckShape(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    buffered_[i].insert(buffered_[i].end(), values[i].begin(), values[i].end());
  }
  return WriteBuffered();
}

Result<void> Writer::WriteBuffered() {
  if (buffered_.empty()) return {};
  uint64_t ready = UINT64_MAX;
  for (size_t i = 0; i < buffered_.size(); ++i) {
    const uint64_t count = header_.signals[sample_signals_[i]].samples_per_record;
    ready = std::min(ready, buffered_[i].size() / count);
  }
  std::vector<std::span<const double>> one(buffered_.size());
  for (uint64_t record = 0; record < ready; ++record) {
    for (size_t i = 0; i < buffered_.size(); ++i) {
      const size_t count = header_.signals[sample_signals_[i]].samples_per_record;
      one[i] = std::span<const double>(buffered_[i]).subspan(record * count, count);
    }
    TRY(WriteRecord(one));
  }
  for (size_t i = 0; i < buffered_.size(); ++i) {
    const size_t count = header_.signals[sample_signals_[i]].samples_per_record;
    buffered_[i].erase(buffered_[i].begin(),
                       buffered_[i].begin() + static_cast<std::ptrdiff_t>(ready * count));
  }
  return {};
}

Result<void> Writer::Annotate(const Annotation& annotation) {
  if (!IsPlus(header_.variant)) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} cannot hold annotations, expected EDF+ or BDF+",
                            ToString(header_.variant)));
  }
  TRY(std::string tal, EncodeTal(annotation));
  if (tal.size() > tal_capacity_) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("annotation \"{}\" takes {} bytes, expected at most {}",
                            annotation.text, tal.size(), tal_capacity_));
  }
  tals_.push_back(std::move(tal));
  return {};
}

Result<void> Writer::SetNextOnset(double onset_s) {
  if (IsDiscontinuous(header_.variant)) {
    if (summary_.records > 0 && onset_s < next_onset_s_ - 1e-9) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("the next data record starts at {} s, expected {} s or later",
                              FormatSeconds(onset_s), FormatSeconds(next_onset_s_)));
    }
  } else if (!IsPlus(header_.variant) || summary_.records > 0 || onset_s < 0 || onset_s >= 1) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("data record {} of {} starts at {} s, expected {}",
                            summary_.records + 1, ToString(header_.variant), FormatSeconds(onset_s),
                            "a contiguous recording (use EDF+D or BDF+D for gaps)"));
  }
  next_onset_s_ = onset_s;
  return {};
}

Result<void> Writer::PutAnnotations() {
  bool first = true;
  for (size_t i = 0; i < header_.signals.size(); ++i) {
    if (!header_.signals[i].is_annotations()) continue;
    uint8_t* const begin = record_.data() + offsets_[i];
    uint64_t room =
        header_.signals[i].samples_per_record * uint64_t{BytesPerSample(header_.variant)};
    std::memset(begin, 0, room);
    uint8_t* at = begin;
    const auto put = [&](const std::string& tal) {
      std::ranges::copy(tal, at);
      at += tal.size();
      room -= tal.size();
    };
    if (first) {
      const std::string tal = EncodeTimekeepingTal(next_onset_s_);
      if (tal.size() > kTimekeepingBytes) {
        return Fail(ErrorCode::kTooLarge,
                    fmt::format("a data record starts at {} s, expected fewer digits",
                                FormatSeconds(next_onset_s_)));
      }
      put(tal);
    }
    first = false;
    while (!tals_.empty() && tals_.front().size() <= room) {
      put(tals_.front());
      tals_.pop_front();
    }
  }
  return {};
}

Result<void> Writer::FlushRecord() {
  TRY(PutAnnotations());
  TRY(sink_->Write(record_));
  ++summary_.records;
  summary_.bytes += record_.size();
  // From the product, not by repeated addition, so that a day of 0.1 s records does not drift.
  if (IsDiscontinuous(header_.variant)) {
    next_onset_s_ += header_.record_duration_s;
    return {};
  }
  if (summary_.records == 1) first_onset_s_ = next_onset_s_;
  next_onset_s_ =
      first_onset_s_ + static_cast<double>(summary_.records) * header_.record_duration_s;
  return {};
}

Result<WriteSummary> Writer::Finish() {
  if (finished_) return Fail(ErrorCode::kConflict, "the recording is finished already");
  uint64_t longest = 0;  // records that the fullest buffer needs
  for (size_t i = 0; i < buffered_.size(); ++i) {
    const uint64_t count = header_.signals[sample_signals_[i]].samples_per_record;
    longest = std::max(longest, (buffered_[i].size() + count - 1) / count);
  }
  for (size_t i = 0; longest > 0 && i < buffered_.size(); ++i) {
    const Signal& signal = header_.signals[sample_signals_[i]];
    const size_t wanted = longest * signal.samples_per_record;
    const double nothing = std::clamp(0.0, std::min(signal.physical_min, signal.physical_max),
                                      std::max(signal.physical_min, signal.physical_max));
    const double last = buffered_[i].empty() ? nothing : buffered_[i].back();
    summary_.padded_samples += wanted - buffered_[i].size();
    buffered_[i].resize(wanted, last);
  }
  TRY(WriteBuffered());
  while (!tals_.empty() && sample_signals_.empty()) TRY(FlushRecord());
  finished_ = true;
  if (!tals_.empty()) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("{} annotations found no room in {} data records; give the annotation "
                            "signal more than {} bytes",
                            tals_.size(), summary_.records, tal_capacity_));
  }
  if (header_.record_count < 0) {
    if (sink_->can_patch()) {
      const std::string count = fmt::format("{:<8}", summary_.records);
      TRY(sink_->Patch(kRecordCountOffset, AsBytes(count)));
    }
  } else if (static_cast<uint64_t>(header_.record_count) != summary_.records) {
    return Fail(ErrorCode::kConflict,
                fmt::format("{} data records were written, expected the {} that "
                            "the header announces",
                            summary_.records, header_.record_count));
  }
  return summary_;
}

}  // namespace formats::edf
