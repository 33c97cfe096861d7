#include "bench/model/network.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>

namespace model_example {
namespace {

constexpr size_t kBatch = 32;
constexpr double kWeightDecay = 0.02;

struct Layer {
  int64_t inputs, outputs, width, stride;
};

// Kept here and, as text, in Save.
constexpr int64_t kLast = 32;

std::vector<Layer> LayersFor(size_t channels) {
  return {{static_cast<int64_t>(channels), 24, 11, 4},
          {24, 32, 9, 2},
          {32, 32, 9, 2},
          {32, kLast, 9, 2}};
}

constexpr const char* kForward = R"(
def forward(self, x):
    x = torch.relu(torch.conv1d(x, self.w0, self.b0, 4))
    x = torch.relu(torch.conv1d(x, self.w1, self.b1, 2))
    x = torch.relu(torch.conv1d(x, self.w2, self.b2, 2))
    x = torch.relu(torch.conv1d(x, self.w3, self.b3, 2))
    x = torch.cat([torch.mean(x, 2), torch.amax(x, 2)], 1)
    return torch.matmul(x, self.w4) + self.b4
)";

/// Uniform in [0, 1), the same with every standard library.
double Uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

at::Tensor DrawNormal(const std::vector<int64_t>& shape, double deviation,
                      std::mt19937_64& random) {
  at::Tensor drawn = at::empty(shape, at::kFloat);
  float* values = drawn.data_ptr<float>();
  for (int64_t i = 0; i < drawn.numel(); ++i) {
    // Box, Muller 1958.
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(random)));
    values[i] = static_cast<float>(deviation * radius * std::cos(2 * M_PI * Uniform(random)));
  }
  return drawn;
}

}  // namespace

struct Network::Weights {
  std::vector<at::Tensor> parameters;    ///< w0, b0, ..., w4, b4
  std::vector<at::Tensor> mean, square;  ///< Adam's moments
  int64_t steps = 0;
  int64_t channels = 0, samples = 0;
  std::mt19937_64 random;

  at::Tensor Logits(at::Tensor x) const {
    const auto layers = LayersFor(static_cast<size_t>(channels));
    for (size_t i = 0; i < layers.size(); ++i)
      x = at::relu(at::conv1d(x, parameters[2 * i], parameters[2 * i + 1], layers[i].stride));
    x = at::cat({at::mean(x, {2}), at::amax(x, {2})}, 1);
    return at::matmul(x, parameters[8]) + parameters[9];
  }
};

Network::Network(size_t channels, size_t samples, uint64_t seed)
    : weights_(std::make_unique<Weights>()) {
  Weights& weights = *weights_;
  weights.channels = static_cast<int64_t>(channels);
  weights.samples = static_cast<int64_t>(samples);
  weights.random.seed(seed);
  for (const Layer& layer : LayersFor(channels)) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(layer.inputs * layer.width));
    weights.parameters.push_back(
        DrawNormal({layer.outputs, layer.inputs, layer.width}, deviation, weights.random));
    weights.parameters.push_back(at::zeros({layer.outputs}, at::kFloat));
  }
  weights.parameters.push_back(DrawNormal({2 * kLast}, 1 / std::sqrt(2.0 * kLast), weights.random));
  weights.parameters.push_back(at::zeros({}, at::kFloat));
  for (at::Tensor& parameter : weights.parameters) {
    weights.mean.push_back(at::zeros_like(parameter));
    weights.square.push_back(at::zeros_like(parameter));
    parameter.set_requires_grad(true);
  }
}

Network::~Network() = default;

void Network::UseOneThread() { at::set_num_threads(1); }

size_t Network::parameters() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : weights_->parameters) count += parameter.numel();
  return static_cast<size_t>(count);
}

double Network::TrainEpoch(const std::vector<float>& windows, const std::vector<float>& labels,
                           const std::vector<size_t>& mirror, double learning_rate) {
  Weights& weights = *weights_;
  const size_t per_window = static_cast<size_t>(weights.channels * weights.samples);
  std::vector<size_t> order(labels.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1],
              order[static_cast<size_t>(Uniform(weights.random) * static_cast<double>(i))]);
  double loss_sum = 0;
  for (size_t first = 0; first < order.size(); first += kBatch) {
    const size_t count = std::min(kBatch, order.size() - first);
    at::Tensor input =
        at::empty({static_cast<int64_t>(count), weights.channels, weights.samples}, at::kFloat);
    at::Tensor wanted = at::empty({static_cast<int64_t>(count)}, at::kFloat);
    for (size_t i = 0; i < count; ++i) {
      const float* window = windows.data() + order[first + i] * per_window;
      const bool is_mirrored = Uniform(weights.random) < 0.5;
      for (size_t c = 0; c < mirror.size(); ++c) {
        const size_t samples = per_window / mirror.size();
        const float* channel = window + (is_mirrored ? mirror[c] : c) * samples;
        std::copy(channel, channel + samples,
                  input.data_ptr<float>() + i * per_window + c * samples);
      }
      wanted.data_ptr<float>()[i] = labels[order[first + i]];
    }
    for (at::Tensor& parameter : weights.parameters) parameter.mutable_grad() = at::Tensor();
    const at::Tensor loss = at::binary_cross_entropy_with_logits(weights.Logits(input), wanted);
    loss.backward();
    loss_sum += loss.item<double>() * static_cast<double>(count);
    ++weights.steps;
    const double correct1 = 1 - std::pow(0.9, static_cast<double>(weights.steps));
    const double correct2 = 1 - std::pow(0.999, static_cast<double>(weights.steps));
    for (size_t p = 0; p < weights.parameters.size(); ++p) {
      const at::Tensor gradient = weights.parameters[p].grad();
      weights.mean[p].mul_(0.9).add_(gradient, 0.1);
      weights.square[p].mul_(0.999).addcmul_(gradient, gradient, 0.001);
      const at::Tensor step =
          weights.mean[p].div(correct1).div_(weights.square[p].div(correct2).sqrt_().add_(1e-8));
      // The values behind the gradient graph.
      weights.parameters[p].data().mul_(1 - learning_rate * kWeightDecay).sub_(step, learning_rate);
    }
  }
  return loss_sum / static_cast<double>(order.size());
}

void Network::Calibrate(const std::vector<float>& windows, const std::vector<float>& labels) {
  std::vector<double> logits;
  for (const float probability : Probabilities(windows, labels.size())) {
    const double p = std::clamp(static_cast<double>(probability), 1e-6, 1 - 1e-6);
    logits.push_back(std::log(p / (1 - p)));
  }
  double scale = 1, shift = 0;
  for (int step = 0; step < 50; ++step) {
    double g0 = 0, g1 = 0, h00 = 1e-9, h01 = 0, h11 = 1e-9;
    for (size_t i = 0; i < logits.size(); ++i) {
      const double p = 1 / (1 + std::exp(-(scale * logits[i] + shift)));
      const double weight = p * (1 - p);
      g0 += (p - static_cast<double>(labels[i])) * logits[i];
      g1 += p - static_cast<double>(labels[i]);
      h00 += weight * logits[i] * logits[i];
      h01 += weight * logits[i];
      h11 += weight;
    }
    const double determinant = h00 * h11 - h01 * h01;
    scale -= (h11 * g0 - h01 * g1) / determinant;
    shift -= (h00 * g1 - h01 * g0) / determinant;
  }
  weights_->parameters[8].data().mul_(scale);
  weights_->parameters[9].data().mul_(scale).add_(shift);
}

std::vector<float> Network::Probabilities(const std::vector<float>& windows, size_t count) const {
  const c10::InferenceMode no_gradients;
  const size_t per_window = static_cast<size_t>(weights_->channels * weights_->samples);
  std::vector<float> probabilities;
  for (size_t first = 0; first < count; first += kBatch) {
    const size_t some = std::min(kBatch, count - first);
    const at::Tensor input = at::from_blob(
        const_cast<float*>(windows.data() + first * per_window),
        {static_cast<int64_t>(some), weights_->channels, weights_->samples}, at::kFloat);
    const at::Tensor output = at::sigmoid(weights_->Logits(input)).contiguous();
    probabilities.insert(probabilities.end(), output.data_ptr<float>(),
                         output.data_ptr<float>() + some);
  }
  return probabilities;
}

void Network::Save(const std::string& path, const std::string& extra_name,
                   const std::string& extra_text) const {
  torch::jit::Module module("EegExample");
  for (size_t p = 0; p < weights_->parameters.size(); ++p) {
    const std::string name = (p % 2 == 0 ? "w" : "b") + std::to_string(p / 2);
    module.register_parameter(name, weights_->parameters[p].detach().clone(), false);
  }
  module.define(kForward);
  module.save(path, {{extra_name, extra_text}});
}

}  // namespace model_example
