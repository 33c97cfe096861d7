#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{};

}  // namespace montage::analysis
