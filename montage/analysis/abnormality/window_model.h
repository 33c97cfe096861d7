#pragma once
// A learned judge of single windows. Optional: without one, abnormality is scored from features.
//
// What a model gets is made by model_windows.h from every recording in the same way, so that a
// model sees at work what it saw when it was trained:
//
//   channels at any rate -> 0.5 to 45 Hz -> the model's rate -> its channels in its order,
//   missing and bad ones interpolated -> windows of its length -> z-score -> float

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::analysis {

/// Implementations are safe to call from several threads at once.
class WindowModel {
 public:
  virtual ~WindowModel() = default;

  /// How the model is named in results, and which state of it: constant over its life.
  virtual std::string_view name() const = 0;
  virtual std::string_view version() const = 0;
  /// Canonical electrode names (`Fp1`, `T7`) in the order of its input; not empty.
  virtual std::span<const std::string> channels() const = 0;
  /// Rate of its input, 100 to 1000 Hz, a whole number.
  virtual double rate_hz() const = 0;
  /// Length of its input, 2 to 60 s; window_s() * rate_hz() is a whole number of samples.
  virtual double window_s() const = 0;

  /// One probability in [0, 1] a window that it is abnormal. `windows` is [count][channel][sample],
  /// standardised (see model_windows.h), with channels().size() and window_s() * rate_hz() as the
  /// inner two. The same windows give the same probabilities.
  /// Errors: kUnavailable when the model cannot answer now, kTimeout past the deadline, kInvalid
  /// when the span's size does not match `count`. An answer of another length, outside [0, 1] or
  /// not a number is an error too, never passed on.
  virtual base::Result<std::vector<float>> AbnormalProbabilities(std::span<const float> windows,
                                                                 size_t count,
                                                                 base::Deadline deadline) = 0;
};

}  // namespace montage::analysis
