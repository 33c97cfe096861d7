#pragma once
// The loop of montage-infer: a frame in, a frame out, until the other side closes.

#include <functional>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/inference/model_card.h"
#include "montage/inference/wire.h"

namespace montage::infer {

/// One probability for each window. Errors refuse the batch; the loop goes on.
using Scorer = std::function<base::Result<std::vector<float>>(const inference::Shape&,
                                                              std::span<const float>)>;

/// Answers frames of `in_fd` on `out_fd`. A batch of another number of channels or samples than the
/// card's, or with a value that is not finite, is refused without asking the scorer; a score
/// outside [0, 1] refuses the batch. Returns when the other side has closed between two frames;
/// kCorrupt after what is no frame, when there is nothing left to synchronise on.
base::Result<void> Serve(int in_fd, int out_fd, const inference::ModelCard& card,
                         const Scorer& scorer);

/// What a model must be able to do before it serves: score a batch of zeros, and twice the same
/// batch of a fixed pattern (sines of 1 to 30 Hz of unit deviation) with equal results, bit by bit.
/// kInvalid says what it did instead.
base::Result<void> TestModel(const inference::ModelCard& card, const Scorer& scorer);

}  // namespace montage::infer
