#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.48655,
    .measures = {{
        {.mean = 4.39126, .scale = 0.72742, .weight = 0.19923},  // slow_level
        {.mean = 0.60870, .scale = 0.50746, .weight = 0.49584},  // slow_ratio
        {.mean = 0.40880, .scale = 0.74834, .weight = 1.53370},  // focal_slowing
        {.mean = 0.66160, .scale = 0.76138, .weight = 1.30614},  // posterior_slowing
        {.mean = 0.01546, .scale = 0.10208, .weight = 0.42075},  // suppressed
        {.mean = 0.01372, .scale = 0.10608, .weight = 0.60980},  // epileptiform
        {.mean = 0.04740, .scale = 0.20321, .weight = 1.09060},  // periodic
        {.mean = 0.02122, .scale = 0.13631, .weight = 0.12856},  // seizure
        {.mean = 0.02344, .scale = 0.14723, .weight = 0.58220},  // burst_suppression
    }},
    .recording_intercept = 2.88416,
    .mean_weight = 0.55460,
    .peak_weight = 2.40216,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 3,
};

}  // namespace montage::analysis
