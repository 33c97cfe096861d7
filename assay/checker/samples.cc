#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "assay/checker/checkers.h"
#include "assay/checker/numbers.h"

namespace assay::checker {
namespace {

constexpr int64_t kMostSamples = int64_t{1} << 40;

// Samples [start, end) of a stream.
struct Segment {
  int64_t start = 0;
  int64_t end = 0;
  const Operation* operation = nullptr;
  cel::Value samples;  // list or bytes; null when only the digest is known
  std::string sha256;
};

std::optional<Segment> SegmentOf(const Operation& operation) {
  const cel::Value* start = operation.value.Find("start");
  if (start == nullptr) return std::nullopt;
  const auto first = WholeOf(*start);
  if (!first || *first < 0 || *first > kMostSamples) return std::nullopt;
  Segment segment{.start = *first, .operation = &operation};
  if (const cel::Value* digest = operation.value.Find("sha256"); digest && digest->is_string()) {
    segment.sha256 = digest->string();
  }
  std::optional<int64_t> count;
  if (const cel::Value* samples = operation.value.Find("samples"); samples != nullptr) {
    if (samples->is_list()) count = static_cast<int64_t>(samples->list().size());
    if (samples->is_bytes()) count = static_cast<int64_t>(samples->bytes().size());
    if (!count) return std::nullopt;
    segment.samples = *samples;
  }
  if (const cel::Value* given = operation.value.Find("count"); given != nullptr) {
    const auto number = WholeOf(*given);
    if (!number || (count && *count != *number)) return std::nullopt;
    count = number;
  }
  if (!count || *count < 0 || *count > kMostSamples) return std::nullopt;
  segment.end = segment.start + *count;
  return segment;
}

// Whether sample `index` is the same bit for bit: a whole double is not the int of that value.
bool SameSample(const Segment& a, const Segment& b, int64_t index) {
  const auto at = [&](const Segment& segment) {
    const auto offset = static_cast<size_t>(index - segment.start);
    if (segment.samples.is_list()) return segment.samples.list()[offset];
    return cel::Value::Int(static_cast<uint8_t>(segment.samples.bytes()[offset]));
  };
  const cel::Value x = at(a);
  const cel::Value y = at(b);
  // JSON writes 1.0 as 1, so that only equality of numbers can be asked of values from there.
  return x.is_number() && y.is_number() ? cel::Equals(x, y) : cel::Identical(x, y);
}

struct Stream {
  cel::Value key;
  std::vector<Segment> sent;      // possible ones
  std::vector<Segment> received;  // acknowledged ones
};

std::string Range(int64_t start, int64_t end) { return fmt::format("[{}, {})", start, end); }

class StreamCheck {
 public:
  StreamCheck(Stream& stream, const SamplesOptions& options, Findings& findings)
      : stream_(stream),
        options_(options),
        findings_(findings),
        name_(stream.key.is_null() ? "the stream" : Show(stream.key)) {
    const auto by_start = [](const Segment& segment) {
      return std::tuple(segment.start, segment.end, segment.operation->attempted.seq);
    };
    std::ranges::sort(stream.sent, {}, by_start);
    std::ranges::sort(stream.received, {}, by_start);
  }

  void Run() {
    Continuity();
    for (const Segment& segment : stream_.sent) {
      if (segment.operation->acknowledged()) Arrived(segment);
    }
    for (const Segment& segment : stream_.received) {
      Explained(segment);
      Exact(segment);
    }
  }

 private:
  void Continuity() {
    const Segment* before = nullptr;
    for (const Segment& segment : stream_.received) {
      if (segment.start == segment.end) continue;
      const int64_t expected =
          before != nullptr ? before->end : options_.first.value_or(segment.start);
      const Operation* previous = before == nullptr ? nullptr : before->operation;
      if (segment.start > expected) {
        findings_.Fail("gaps", name_,
                       fmt::format("{}: samples {} are missing before {}", name_,
                                   Range(expected, segment.start), segment.operation->path),
                       {previous, segment.operation});
      } else if (segment.start < expected) {
        findings_.Fail("overlaps", name_,
                       fmt::format("{}: samples {} came again in {}", name_,
                                   Range(segment.start, std::min(expected, segment.end)),
                                   segment.operation->path),
                       {previous, segment.operation});
      }
      if (before == nullptr || segment.end > before->end) before = &segment;
    }
  }

  // The parts of `part` that no segment of `whole` (sorted by start) covers.
  template <typename Missing>
  static void Uncovered(const Segment& part, const std::vector<Segment>& whole,
                        const Missing& missing) {
    int64_t at = part.start;
    for (const Segment& other : whole) {
      if (other.start >= part.end) break;
      if (other.end <= at) continue;
      if (other.start > at) missing(at, other.start);
      at = std::max(at, other.end);
    }
    if (at < part.end) missing(at, part.end);
  }

  void Arrived(const Segment& sent) {
    Uncovered(sent, stream_.received, [&](int64_t from, int64_t to) {
      findings_.Fail("lost", name_,
                     fmt::format("{}: samples {} were acknowledged by {} and never received", name_,
                                 Range(from, to), sent.operation->path),
                     {sent.operation});
    });
  }

  void Explained(const Segment& received) {
    Uncovered(received, stream_.sent, [&](int64_t from, int64_t to) {
      findings_.Fail("unexpected", name_,
                     fmt::format("{}: nobody sent the samples {} in {}", name_, Range(from, to),
                                 received.operation->path),
                     {received.operation});
    });
  }

  void Exact(const Segment& received) {
    for (const Segment& sent : stream_.sent) {
      if (sent.start >= received.end) break;
      if (sent.end <= received.start) continue;
      if (!sent.samples.is_null() && !received.samples.is_null()) {
        Values(sent, received);
      } else if (sent.start == received.start && sent.end == received.end && !sent.sha256.empty() &&
                 !received.sha256.empty()) {
        if (sent.sha256 == received.sha256) continue;
        Altered(sent, received, Range(sent.start, sent.end));
      } else {
        findings_.Doubt("not_comparable", name_,
                        fmt::format("{}: {} and {} share samples, but neither their values nor "
                                    "digests of the same bounds are known",
                                    name_, sent.operation->path, received.operation->path),
                        {sent.operation, received.operation});
      }
    }
  }

  void Values(const Segment& sent, const Segment& received) {
    const int64_t end = std::min(sent.end, received.end);
    for (int64_t i = std::max(sent.start, received.start); i < end; ++i) {
      if (SameSample(sent, received, i)) continue;
      Altered(sent, received, fmt::format("{} (the first)", i));
      return;
    }
  }

  void Altered(const Segment& sent, const Segment& received, const std::string& where) {
    findings_.Fail("altered", name_,
                   fmt::format("{}: {} received other values than {} sent, at sample {}", name_,
                               received.operation->path, sent.operation->path, where),
                   {sent.operation, received.operation});
  }

  Stream& stream_;
  const SamplesOptions& options_;
  Findings& findings_;
  std::string name_;
};

}  // namespace

CheckResult CheckSamples(std::span<const Operation> operations, const SamplesOptions& options) {
  Findings findings(options.witnesses,
                    {"streams", "samples_sent", "samples_received", "gaps", "overlaps", "lost",
                     "unexpected", "altered", "not_comparable", "malformed"});
  std::map<std::string, Stream> streams;
  bool received_any = false;
  for (const Operation& operation : operations) {
    const bool sending = operation.op == "send";
    const bool receiving = operation.op == "receive" && operation.acknowledged();
    if (!receiving && (!sending || !operation.possible())) continue;
    Stream& stream = streams[Identity(operation.key)];
    stream.key = operation.key;
    auto segment = SegmentOf(operation);
    if (!segment) {
      findings.Doubt("malformed", Show(operation.key),
                     fmt::format("{} gave {}, expected {{start, samples}} or {{start, count, "
                                 "sha256}}",
                                 operation.path, Show(operation.value)),
                     {&operation});
      continue;
    }
    received_any = received_any || receiving;
    findings.Count(sending ? "samples_sent" : "samples_received", segment->end - segment->start);
    (sending ? stream.sent : stream.received).push_back(*std::move(segment));
  }
  findings.Set("streams", static_cast<int64_t>(streams.size()));
  if (!received_any) findings.Inconclusive("no segment was received");
  for (auto& [identity, stream] : streams) StreamCheck(stream, options, findings).Run();
  return std::move(findings).Finish();
}

}  // namespace assay::checker
