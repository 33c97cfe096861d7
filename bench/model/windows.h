#pragma once
// Labelled windows from the train split of the generated corpora, as a model gets them at work.

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "montage/inference/model_card.h"

namespace model_example {

struct LabelledWindows {
  std::vector<float> samples = {};       ///< [window][channel][sample]
  std::vector<float> labels = {};        ///< 1: something abnormal is in the window; else 0
  std::vector<std::string> groups = {};  ///< of the corpus, one a window
  size_t count() const { return labels.size(); }
};

struct Part {
  size_t first = 0;  ///< of the recordings of each group
  size_t many = 1;
};

/// Windows of about 100 s of each recording. A window is labelled by what is planted in it, not by
/// its recording; one that something abnormal only touches is left out. The seeds are those of the
/// train split: 1 to 9999.
base::Result<LabelledWindows> MakeWindows(const montage::inference::ModelCard& card,
                                          const Part& part);

}  // namespace model_example
