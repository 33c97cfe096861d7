#pragma once
// Written by bench/detection/fit_abnormality; do not edit.

#include "montage/analysis/abnormality/scoring.h"

namespace montage::analysis {

inline constexpr ScoreTable kScoreTable{
    .intercept = -1.47716,
    .measures = {{
        {.mean = 4.39976, .scale = 0.71827, .weight = 0.21056},  // slow_level
        {.mean = 0.60963, .scale = 0.51003, .weight = 0.50539},  // slow_ratio
        {.mean = 0.42151, .scale = 0.74322, .weight = 1.52918},  // focal_slowing
        {.mean = 0.66591, .scale = 0.76347, .weight = 1.30971},  // posterior_slowing
        {.mean = 0.01543, .scale = 0.10194, .weight = 0.42030},  // suppressed
        {.mean = 0.01494, .scale = 0.11026, .weight = 0.60187},  // epileptiform
        {.mean = 0.04732, .scale = 0.20323, .weight = 1.07709},  // periodic
        {.mean = 0.02120, .scale = 0.13641, .weight = 0.12388},  // seizure
        {.mean = 0.02340, .scale = 0.14711, .weight = 0.57362},  // burst_suppression
    }},
    .recording_intercept = 2.81965,
    .mean_weight = 0.53415,
    .peak_weight = 2.36692,
    .corpus = "bench/detection AbnormalityCorpus, train split, 339 recordings",
    .seeds = "3000 to 3999",
    .generator_version = 2,
};

}  // namespace montage::analysis
