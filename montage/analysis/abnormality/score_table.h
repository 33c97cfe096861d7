#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.48620,
    .measures = {{
        {.mean = 4.39155, .scale = 0.72846, .weight = 0.19976},  // slow_level
        {.mean = 0.60804, .scale = 0.50690, .weight = 0.49919},  // slow_ratio
        {.mean = 0.41220, .scale = 0.74720, .weight = 1.53338},  // focal_slowing
        {.mean = 0.66201, .scale = 0.76096, .weight = 1.30700},  // posterior_slowing
        {.mean = 0.01546, .scale = 0.10207, .weight = 0.42115},  // suppressed
        {.mean = 0.01379, .scale = 0.10623, .weight = 0.60940},  // epileptiform
        {.mean = 0.04742, .scale = 0.20329, .weight = 1.09017},  // periodic
        {.mean = 0.02123, .scale = 0.13636, .weight = 0.12505},  // seizure
        {.mean = 0.02344, .scale = 0.14723, .weight = 0.58076},  // burst_suppression
    }},
    .recording_intercept = 2.91921,
    .mean_weight = 0.57387,
    .peak_weight = 2.40446,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 3,
};

}  // namespace montage::analysis
