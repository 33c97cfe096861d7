#include "lib/formats/edf/reader.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

/// How much is read at once; small enough for the cache, large enough to hide the system call.
constexpr uint64_t kBlockBytes = uint64_t{1} << 20;
/// A data record that is handed out whole must fit in memory.
constexpr uint64_t kMaxRecordBytes = uint64_t{256} << 20;
constexpr size_t kMaxWarnings = 100;

int32_t Decode16(const uint8_t* at) {
  return static_cast<int16_t>(static_cast<uint16_t>(at[0] | (at[1] << 8)));
}

int32_t Decode24(const uint8_t* at) {
  const auto high = static_cast<uint32_t>(at[0]) << 8 | static_cast<uint32_t>(at[1]) << 16 |
                    static_cast<uint32_t>(at[2]) << 24;
  return static_cast<int32_t>(high) >> 8;
}

template <typename Out, typename Convert>
void Decode(std::span<const uint8_t> bytes, Variant variant, std::span<Out> into, Convert convert) {
  const uint8_t* at = bytes.data();
  if (IsBdf(variant)) {
    for (Out& out : into) {
      out = convert(Decode24(at));
      at += 3;
    }
  } else {
    for (Out& out : into) {
      out = convert(Decode16(at));
      at += 2;
    }
  }
}

/// The scale of ToPhysical, hoisted out of the loop, times a unit factor.
template <typename Out>
auto Scale(const Signal& signal, double factor) {
  const double gain = signal.gain() * factor;
  const double low = signal.physical_min * factor;
  const double digital_min = signal.digital_min;
  return [=](int32_t digital) {
    return static_cast<Out>((static_cast<double>(digital) - digital_min) * gain + low);
  };
}

/// Keeps the order of equal onsets. Not std::stable_sort, which needs the deprecated
/// get_temporary_buffer of libstdc++ 12.
void SortByOnset(std::vector<Annotation>& annotations) {
  std::vector<std::pair<double, size_t>> order;
  order.reserve(annotations.size());
  for (size_t i = 0; i < annotations.size(); ++i) order.emplace_back(annotations[i].onset_s, i);
  std::ranges::sort(order);
  std::vector<Annotation> sorted;
  sorted.reserve(annotations.size());
  for (const auto& [onset_s, index] : order) sorted.push_back(std::move(annotations[index]));
  annotations = std::move(sorted);
}

Result<double> MicrovoltFactor(const Signal& signal) {
  const auto factor = signal.microvolts_per_unit();
  if (factor) return *factor;
  return Fail(ErrorCode::kInvalid,
              fmt::format("the physical dimension of \"{}\" is \"{}\", expected a voltage (uV, mV, "
                          "V, nV)",
                          signal.label, signal.physical_dimension));
}

}  // namespace

void DecodeDigital(std::span<const uint8_t> bytes, Variant variant, std::span<int32_t> into) {
  Decode(bytes, variant, into, [](int32_t digital) { return digital; });
}

Result<Reader> Reader::Open(std::unique_ptr<ByteSource> source, ReaderOptions options) {
  TRY(ParsedHeader parsed, ReadHeader(*source));
  Reader reader;
  reader.source_ = std::move(source);
  reader.options_ = options;
  reader.header_ = std::move(parsed.header);
  reader.warnings_ = std::move(parsed.warnings);
  TRY(reader.Adopt(options));
  return reader;
}

Result<void> Reader::Adopt(const ReaderOptions& options) {
  uint64_t offset = 0;
  for (size_t i = 0; i < header_.signals.size(); ++i) {
    offsets_.push_back(offset);
    offset += signal_bytes(i);
    if (!header_.signals[i].is_annotations()) sample_signals_.push_back(i);
  }
  const uint64_t record_bytes = header_.record_bytes();
  const uint64_t present = source_->size() - header_.header_bytes();
  const uint64_t whole = present / record_bytes;
  const uint64_t rest = present % record_bytes;
  if (header_.record_count == -1) {
    header_.record_count = static_cast<int64_t>(whole);
    warnings_.push_back({236, fmt::format("the number of data records is -1 (not closed); the file "
                                          "holds {}",
                                          whole)});
    if (rest > 0) {
      warnings_.push_back(
          {source_->size() - rest, fmt::format("{} bytes after the last whole data record", rest)});
    }
    return {};
  }
  const auto announced = static_cast<uint64_t>(header_.record_count);
  if (announced > whole) {
    const std::string message = fmt::format(
        "the file has {} bytes, expected {}: the header announces {} data records of {} bytes, {} "
        "are there",
        source_->size(),
        static_cast<double>(announced) * static_cast<double>(record_bytes) > 1e18
            ? std::string("far more")
            : std::to_string(header_.header_bytes() + announced * record_bytes),
        announced, record_bytes, whole);
    if (!options.allow_truncated) {
      return Fail(
          base::Error{.code = ErrorCode::kCorrupt,
                      .message = message,
                      .hint = "the file was cut; transfer it again or allow truncated files"});
    }
    warnings_.push_back({236, message});
    header_.record_count = static_cast<int64_t>(whole);
  } else if (const uint64_t extra = present - announced * record_bytes; extra > 0) {
    warnings_.push_back(
        {source_->size() - extra,
         fmt::format("{} bytes after the last of {} data records", extra, announced)});
  }
  return {};
}

uint64_t Reader::signal_bytes(size_t signal) const {
  return uint64_t{header_.signals[signal].samples_per_record} * BytesPerSample(header_.variant);
}

uint64_t Reader::sample_count(size_t signal) const {
  return record_count() * header_.signals[signal].samples_per_record;
}

std::optional<size_t> Reader::FindSignal(std::string_view label) const {
  for (size_t i = 0; i < header_.signals.size(); ++i) {
    if (header_.signals[i].label == label) return i;
  }
  return std::nullopt;
}

Result<void> Reader::CheckRange(size_t signal, uint64_t first, uint64_t count) const {
  if (signal >= header_.signals.size()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no signal {}, expected 0 to {}", signal,
                                                  header_.signals.size() - 1));
  }
  const uint64_t total = sample_count(signal);
  if (first > total || count > total - first) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("samples {} to {} of \"{}\" are wanted, expected within its {} samples",
                            first, first + count, header_.signals[signal].label, total));
  }
  return {};
}

template <typename Out, typename Convert>
Result<void> Reader::Read(size_t signal, uint64_t first, std::span<Out> into,
                          Convert convert) const {
  TRY(CheckRange(signal, first, into.size()));
  const uint64_t per_record = header_.signals[signal].samples_per_record;
  const uint64_t width = BytesPerSample(header_.variant);
  const uint64_t record_bytes = header_.record_bytes();
  const uint64_t start = header_.header_bytes();
  std::vector<uint8_t> block;
  while (!into.empty()) {
    // One read covers as many records as fit a block; in a longer record, only this signal's part.
    const uint64_t record = first / per_record;
    const uint64_t within = first % per_record;
    uint64_t from = start + record * record_bytes + offsets_[signal] + within * width;
    const uint64_t records_left = (within + into.size() + per_record - 1) / per_record;
    const uint64_t records = std::clamp<uint64_t>(kBlockBytes / record_bytes, 1, records_left);
    const uint64_t samples = std::min<uint64_t>({into.size(), records * per_record - within,
                                                 records == 1 ? kBlockBytes / width : UINT64_MAX});
    const uint64_t last = first + samples - 1;
    const uint64_t to = start + last / per_record * record_bytes + offsets_[signal] +
                        (last % per_record + 1) * width;
    block.resize(to - from);
    TRY(source_->ReadAt(from, block));
    const uint64_t base = from;
    for (uint64_t done = 0; done < samples;) {
      const uint64_t sample = first + done;
      const uint64_t count = std::min(samples - done, per_record - sample % per_record);
      from = start + sample / per_record * record_bytes + offsets_[signal] +
             sample % per_record * width;
      Decode(std::span<const uint8_t>(block).subspan(from - base, count * width), header_.variant,
             into.subspan(done, count), convert);
      done += count;
    }
    into = into.subspan(samples);
    first += samples;
  }
  return {};
}

Result<void> Reader::ReadDigital(size_t signal, uint64_t first, std::span<int32_t> into) const {
  return Read(signal, first, into, [](int32_t digital) { return digital; });
}

Result<void> Reader::ReadPhysical(size_t signal, uint64_t first, std::span<double> into) const {
  TRY(CheckRange(signal, first, into.size()));
  return Read(signal, first, into, Scale<double>(header_.signals[signal], 1));
}

Result<void> Reader::ReadPhysical(size_t signal, uint64_t first, std::span<float> into) const {
  TRY(CheckRange(signal, first, into.size()));
  return Read(signal, first, into, Scale<float>(header_.signals[signal], 1));
}

Result<void> Reader::ReadMicrovolts(size_t signal, uint64_t first, std::span<double> into) const {
  TRY(CheckRange(signal, first, into.size()));
  TRY(const double factor, MicrovoltFactor(header_.signals[signal]));
  return Read(signal, first, into, Scale<double>(header_.signals[signal], factor));
}

Result<void> Reader::ReadMicrovolts(size_t signal, uint64_t first, std::span<float> into) const {
  TRY(CheckRange(signal, first, into.size()));
  TRY(const double factor, MicrovoltFactor(header_.signals[signal]));
  return Read(signal, first, into, Scale<float>(header_.signals[signal], factor));
}

Result<void> Reader::VisitRecords(
    uint64_t first, uint64_t count,
    const std::function<Result<void>(uint64_t, std::span<const uint8_t>)>& visit) const {
  if (first > record_count() || count > record_count() - first) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("data records {} to {} are wanted, expected within {}", first,
                            first + count, record_count()));
  }
  const uint64_t record_bytes = header_.record_bytes();
  if (record_bytes > kMaxRecordBytes) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("a data record has {} bytes, expected at most {}; read single signals "
                            "instead",
                            record_bytes, kMaxRecordBytes));
  }
  const uint64_t at_once = std::max<uint64_t>(1, kBlockBytes / record_bytes);
  std::vector<uint8_t> block;
  for (uint64_t done = 0; done < count;) {
    const uint64_t records = std::min(at_once, count - done);
    block.resize(records * record_bytes);
    TRY(source_->ReadAt(header_.header_bytes() + (first + done) * record_bytes, block));
    for (uint64_t i = 0; i < records; ++i) {
      TRY(visit(first + done + i,
                std::span<const uint8_t>(block).subspan(i * record_bytes, record_bytes)));
    }
    done += records;
  }
  return {};
}

Result<std::vector<std::vector<float>>> Reader::ReadAll(std::span<const size_t> signals) const {
  std::vector<std::vector<float>> out;
  for (const size_t signal : signals) {
    TRY(CheckRange(signal, 0, 0));
    out.emplace_back(sample_count(signal));
  }
  TRY(VisitRecords(0, record_count(), [&](uint64_t record, std::span<const uint8_t> bytes) {
    for (size_t i = 0; i < signals.size(); ++i) {
      const Signal& signal = header_.signals[signals[i]];
      const uint64_t count = signal.samples_per_record;
      Decode(bytes.subspan(offsets_[signals[i]], signal_bytes(signals[i])), header_.variant,
             std::span<float>(out[i]).subspan(record * count, count), Scale<float>(signal, 1));
    }
    return Result<void>();
  }));
  return out;
}

Result<double> Reader::RecordOnset(uint64_t record) const {
  for (size_t i = 0; i < header_.signals.size(); ++i) {
    if (!header_.signals[i].is_annotations()) continue;
    const uint64_t at = header_.header_bytes() + record * header_.record_bytes() + offsets_[i];
    // The time-keeping TAL comes first and is short, unless texts follow in the same TAL.
    std::vector<uint8_t> bytes;
    for (const uint64_t size : {uint64_t{64}, uint64_t{65536}}) {
      bytes.resize(std::min(signal_bytes(i), size));
      TRY(source_->ReadAt(at, bytes));
      const TalRecord tals = ParseTals(bytes, true);
      if (tals.record_onset_s) return *tals.record_onset_s;
    }
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("data record {} at byte {} does not begin with a time-keeping annotation "
                    "(+seconds 0x14 0x14 0x00)",
                    record + 1, at));
  }
  return Fail(ErrorCode::kCorrupt, "there is no annotation signal");
}

Result<std::vector<Segment>> Reader::Segments() const {
  std::vector<Segment> out;
  if (record_count() == 0) return out;
  if (!IsDiscontinuous(header_.variant)) {
    double start = 0;
    if (IsPlus(header_.variant)) start = RecordOnset(0).value_or(0);
    out.push_back({start, duration_s(), 0, record_count()});
    return out;
  }
  const double length = header_.record_duration_s;
  for (uint64_t record = 0; record < record_count(); ++record) {
    TRY(const double onset, RecordOnset(record));
    if (!out.empty()) {
      Segment& last = out.back();
      const double end = last.start_s + last.length_s;
      // Onsets are decimal text; less than a microsecond is rounding, not a gap.
      if (std::abs(onset - end) < 1e-6) {
        ++last.record_count;
        last.length_s = static_cast<double>(last.record_count) * length;
        continue;
      }
      if (onset < end) {
        return Fail(
            ErrorCode::kCorrupt,
            fmt::format("data record {} starts at {} s, before the end of the one before at "
                        "{} s",
                        record + 1, FormatSeconds(onset), FormatSeconds(end)));
      }
    }
    out.push_back({onset, length, record, 1});
  }
  return out;
}

std::vector<Gap> GapsBetween(std::span<const Segment> segments) {
  std::vector<Gap> out;
  for (size_t i = 1; i < segments.size(); ++i) {
    const double end = segments[i - 1].start_s + segments[i - 1].length_s;
    out.push_back({end, segments[i].start_s - end});
  }
  return out;
}

Result<AnnotationList> Reader::Annotations() const {
  AnnotationList out;
  bool timekeeping = true;
  for (size_t i = 0; i < header_.signals.size(); ++i) {
    if (!header_.signals[i].is_annotations()) continue;
    if (signal_bytes(i) > kMaxRecordBytes) {
      return Fail(ErrorCode::kTooLarge,
                  fmt::format("the annotations of a data record have {} bytes, expected at most {}",
                              signal_bytes(i), kMaxRecordBytes));
    }
    std::vector<uint8_t> bytes(signal_bytes(i));
    for (uint64_t record = 0; record < record_count(); ++record) {
      const uint64_t at = header_.header_bytes() + record * header_.record_bytes() + offsets_[i];
      TRY(source_->ReadAt(at, bytes));
      TalRecord tals = ParseTals(bytes, timekeeping);
      for (auto& [offset, message] : tals.problems) {
        if (out.warnings.size() < kMaxWarnings) {
          out.warnings.push_back({at + offset, std::move(message)});
        }
      }
      if (out.annotations.size() + tals.annotations.size() > options_.max_annotations) {
        return Fail(ErrorCode::kTooLarge,
                    fmt::format("there are more than {} annotations", options_.max_annotations));
      }
      std::ranges::move(tals.annotations, std::back_inserter(out.annotations));
    }
    timekeeping = false;
  }
  SortByOnset(out.annotations);
  return out;
}

}  // namespace formats::edf
