#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.47851,
    .measures = {{
        {.mean = 4.39617, .scale = 0.73293, .weight = 0.20412},  // slow_level
        {.mean = 0.60783, .scale = 0.50802, .weight = 0.51245},  // slow_ratio
        {.mean = 0.42218, .scale = 0.74348, .weight = 1.52883},  // focal_slowing
        {.mean = 0.66384, .scale = 0.76256, .weight = 1.30981},  // posterior_slowing
        {.mean = 0.01544, .scale = 0.10199, .weight = 0.42098},  // suppressed
        {.mean = 0.01366, .scale = 0.10570, .weight = 0.60698},  // epileptiform
        {.mean = 0.04743, .scale = 0.20338, .weight = 1.08778},  // periodic
        {.mean = 0.02113, .scale = 0.13626, .weight = 0.11826},  // seizure
        {.mean = 0.02342, .scale = 0.14718, .weight = 0.58122},  // burst_suppression
    }},
    .recording_intercept = 2.94741,
    .mean_weight = 0.56986,
    .peak_weight = 2.40672,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 2,
};

}  // namespace montage::analysis
