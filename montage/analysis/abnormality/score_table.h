#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.47640,
    .measures = {{
        {.mean = 4.39977, .scale = 0.71828, .weight = 0.20494},  // slow_level
        {.mean = 0.60965, .scale = 0.51004, .weight = 0.51034},  // slow_ratio
        {.mean = 0.42152, .scale = 0.74324, .weight = 1.52924},  // focal_slowing
        {.mean = 0.66594, .scale = 0.76347, .weight = 1.31054},  // posterior_slowing
        {.mean = 0.01543, .scale = 0.10195, .weight = 0.41850},  // suppressed
        {.mean = 0.01360, .scale = 0.10549, .weight = 0.60569},  // epileptiform
        {.mean = 0.04747, .scale = 0.20343, .weight = 1.08720},  // periodic
        {.mean = 0.02111, .scale = 0.13621, .weight = 0.11823},  // seizure
        {.mean = 0.02340, .scale = 0.14712, .weight = 0.57474},  // burst_suppression
    }},
    .recording_intercept = 2.96097,
    .mean_weight = 0.57067,
    .peak_weight = 2.40971,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 2,
};

}  // namespace montage::analysis
