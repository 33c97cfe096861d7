#pragma once
// A small convolutional network, trained with libtorch and written as TorchScript. C++17, as
// libtorch's headers are; see montage/infer/torch_model.h.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace model_example {

/// [n, channels, samples] -> four convolutions with ReLU, each thinning time -> mean and maximum
/// over time -> one logit. About 30,000 parameters.
class Network {
 public:
  /// Weights are drawn from `seed` (He 2015: normal, deviation sqrt(2 / inputs)).
  Network(size_t channels, size_t samples, uint64_t seed);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// One pass over the windows in an order drawn from the seed, in batches of 32, with Adam
  /// (Kingma, Ba 2015; decoupled weight decay 0.02, Loshchilov, Hutter 2019) on the binary
  /// cross-entropy. Half of the windows, drawn, are mirrored: channel c is that of mirror[c].
  /// Returns the mean loss.
  double TrainEpoch(const std::vector<float>& windows, const std::vector<float>& labels,
                    const std::vector<size_t>& mirror, double learning_rate);
  /// Scales and shifts the logits so that probabilities are right for windows that it was not
  /// trained on (Platt 1999, by Newton's method): a network is surer of itself than it should be.
  void Calibrate(const std::vector<float>& windows, const std::vector<float>& labels);
  std::vector<float> Probabilities(const std::vector<float>& windows, size_t count) const;
  size_t parameters() const;

  /// A module with `forward` and copies of the parameters, and one extra file.
  void Save(const std::string& path, const std::string& extra_name,
            const std::string& extra_text) const;

  /// Once, before the first use: one thread, so that sums are added in one order.
  static void UseOneThread();

 private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

}  // namespace model_example
