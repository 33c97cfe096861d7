#pragma once
// The methods that look at one epoch of one channel at a time.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Fixed limits by the channel's kind, see artifact_limits.h. Rows may be EEG, EOG and EMG.
MethodFindings FindByThreshold(const RecordingView& recording, const EpochTable& table);

/// Robust z over the epochs of each row of the logarithms of variance, high-frequency deviation
/// (20 to 100 Hz without mains) and gradient (mean difference of neighbouring samples), and of the
/// kurtosis: the parameters of FASTER, steps 2 and 3. Only increases count, and for the variance
/// falls. `rows` of the table are judged; `kurtosis` has [row of the table][epoch].
MethodFindings FindByStatistics(const RecordingView& recording, const EpochTable& table,
                                std::span<const size_t> rows, std::span<const float> kurtosis,
                                const StatisticalLimits& limits);

/// Excess kurtosis of every epoch of the table; missing samples count as 0, as in MeasureEpochs.
base::Result<std::vector<float>> MeasureKurtosis(const RecordingView& recording,
                                                 const EpochTable& table, const Control& control);

}  // namespace montage::analysis
