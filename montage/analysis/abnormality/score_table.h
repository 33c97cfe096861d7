#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.47235,
    .measures = {{
        {.mean = 4.39536, .scale = 0.73397, .weight = 0.20501},  // slow_level
        {.mean = 0.60849, .scale = 0.50807, .weight = 0.51219},  // slow_ratio
        {.mean = 0.42371, .scale = 0.74417, .weight = 1.52891},  // focal_slowing
        {.mean = 0.66486, .scale = 0.76269, .weight = 1.30993},  // posterior_slowing
        {.mean = 0.01547, .scale = 0.10208, .weight = 0.42111},  // suppressed
        {.mean = 0.01369, .scale = 0.10580, .weight = 0.60734},  // epileptiform
        {.mean = 0.04750, .scale = 0.20347, .weight = 1.08918},  // periodic
        {.mean = 0.02117, .scale = 0.13639, .weight = 0.11723},  // seizure
        {.mean = 0.02346, .scale = 0.14731, .weight = 0.58137},  // burst_suppression
    }},
    .recording_intercept = 2.94266,
    .mean_weight = 0.57425,
    .peak_weight = 2.40222,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 2,
};

}  // namespace montage::analysis
