#include "montage/infer/serve.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "montage/inference/byte_stream.h"

namespace montage::infer {
namespace {

using base::ErrorCode;
using base::Result;
using inference::FrameHead;
using inference::FrameKind;
using inference::ModelCard;
using inference::Shape;

Result<std::vector<float>> Score(const ModelCard& card, const Scorer& scorer, const Shape& shape,
                                 std::span<const float> samples) {
  if (shape.channels != card.channels.size() || shape.samples != card.samples()) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("the batch has {} channels x {} samples, the model takes {} x {}",
                    shape.channels, shape.samples, card.channels.size(), card.samples()));
  }
  if (!std::ranges::all_of(samples, [](float value) { return std::isfinite(value); }))
    return base::Fail(ErrorCode::kInvalid, "the batch has values that are not finite");
  TRY(std::vector<float> scores, scorer(shape, samples));
  if (scores.size() != shape.windows) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("the model gave {} scores for {} windows",
                                                       scores.size(), shape.windows));
  }
  // Written so that NaN is out of range.
  const auto wrong =
      std::ranges::find_if(scores, [](float score) { return !(score >= 0.0F && score <= 1.0F); });
  if (wrong != scores.end()) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("the model gave the score {}, which is no probability", *wrong));
  }
  return scores;
}

std::vector<float> Pattern(const ModelCard& card, const Shape& shape) {
  std::vector<float> values;
  values.reserve(shape.values());
  for (uint32_t w = 0; w < shape.windows; ++w) {
    for (uint32_t c = 0; c < shape.channels; ++c) {
      const double hz = 1 + (7 * w + c) % 30;
      for (uint32_t i = 0; i < shape.samples; ++i) {
        const double t = static_cast<double>(i) / card.rate_hz;
        values.push_back(
            static_cast<float>(std::numbers::sqrt2 * std::sin(2 * std::numbers::pi * hz * t)));
      }
    }
  }
  return values;
}

}  // namespace

Result<void> Serve(int in_fd, int out_fd, const ModelCard& card, const Scorer& scorer) {
  const base::Deadline never = base::Deadline::Never();
  std::vector<uint8_t> payload;
  while (true) {
    uint8_t bytes[inference::kHeadBytes];
    // The end of the stream is only an end where a frame could begin.
    if (!inference::ReceiveAll(in_fd, std::span(bytes).first(1), never)) return {};
    TRY(inference::ReceiveAll(in_fd, std::span(bytes).subspan(1), never));
    TRY(const FrameHead head, inference::ParseHead(std::span(bytes)));
    if (head.kind != FrameKind::kWindows)
      return base::Fail(ErrorCode::kCorrupt, "a frame is no request");
    payload.resize(head.payload_bytes);
    TRY(inference::ReceiveAll(in_fd, payload, never));
    const auto scores = Score(card, scorer, head.shape, inference::DecodeFloats(payload));
    TRY(inference::SendAll(out_fd,
                           scores ? inference::EncodeScores(head.request, *scores)
                                  : inference::EncodeError(head.request, scores.error().message),
                           never));
  }
}

Result<void> TestModel(const ModelCard& card, const Scorer& scorer) {
  Shape tested{.windows = 2,
               .channels = static_cast<uint32_t>(card.channels.size()),
               .samples = card.samples()};
  if (!inference::CheckShape(tested)) tested.windows = 1;  // of a window that fills a frame
  const auto zeros = Score(card, scorer, tested, std::vector<float>(tested.values(), 0.0F));
  if (!zeros) return base::Fail(base::Error(zeros.error()).While("scoring zeros"));
  const std::vector<float> pattern = Pattern(card, tested);
  const auto first = Score(card, scorer, tested, pattern);
  if (!first) return base::Fail(base::Error(first.error()).While("scoring the test pattern"));
  TRY(const std::vector<float> second, Score(card, scorer, tested, pattern));
  if (*first != second) {
    return base::Fail(ErrorCode::kInvalid,
                      "the model gave two different scores for the same input; a model must not "
                      "draw random numbers");
  }
  return {};
}

}  // namespace montage::infer
