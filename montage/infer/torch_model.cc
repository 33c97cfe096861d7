#include "montage/infer/torch_model.h"

#include <sstream>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>
#include <torch/csrc/jit/serialization/import.h>

namespace montage::infer {
namespace {

/// libtorch appends a stack trace to its messages; the first line says what was wrong.
std::string FirstLine(const std::exception& exception) {
  std::string text = exception.what();
  // "The following operation failed in the TorchScript interpreter." is followed by where, and at
  // last by why.
  const std::string mark = "RuntimeError: ";
  const size_t why = text.rfind(mark);
  if (why != std::string::npos) text = text.substr(why + mark.size());
  const size_t end = text.find('\n');
  return end == std::string::npos ? text : text.substr(0, end);
}

}  // namespace

struct TorchModel::Module {
  torch::jit::Module script;
};

TorchModel::TorchModel(std::unique_ptr<Module> module) : module_(std::move(module)) {}
TorchModel::~TorchModel() = default;

void TorchModel::Configure(int threads) {
  at::set_num_threads(threads);
  torch::jit::getExecutorMode() = false;
  torch::jit::getProfilingMode() = false;
  torch::jit::setGraphExecutorOptimize(false);
  torch::jit::setTensorExprFuserEnabled(false);
}

std::unique_ptr<TorchModel> TorchModel::Load(const std::string& archive,
                                             const std::string& card_file, std::string* card,
                                             std::string* error) {
  try {
    std::istringstream stream(archive);
    torch::jit::ExtraFilesMap extra{{card_file, ""}};
    auto module = std::make_unique<Module>();
    module->script = torch::jit::load(stream, at::Device(at::kCPU), extra);
    module->script.eval();
    if (!module->script.find_method("forward")) {
      *error = "the model has no method forward";
      return nullptr;
    }
    *card = extra[card_file];
    return std::unique_ptr<TorchModel>(new TorchModel(std::move(module)));
  } catch (const std::exception& exception) {
    *error = "the file is no TorchScript archive that can be loaded: " + FirstLine(exception);
    return nullptr;
  }
}

bool TorchModel::Score(const float* samples, uint32_t windows, uint32_t channels, uint32_t count,
                       bool is_logit, std::vector<float>* scores, std::string* error) {
  try {
    const c10::InferenceMode no_gradients;
    // A copy: what a model does to its input stays its own.
    const at::Tensor input =
        at::from_blob(const_cast<float*>(samples),
                      {static_cast<int64_t>(windows), static_cast<int64_t>(channels),
                       static_cast<int64_t>(count)},
                      at::kFloat)
            .clone();
    const c10::IValue value = module_->script.forward({input});
    if (!value.isTensor()) {
      *error = "forward returned a " + value.tagKind() + "; expected a tensor";
      return false;
    }
    at::Tensor output = value.toTensor();
    const bool is_column = output.dim() == 2 && output.size(1) == 1;
    if (output.scalar_type() != at::kFloat || !(output.dim() == 1 || is_column) ||
        output.size(0) != static_cast<int64_t>(windows)) {
      std::ostringstream what;
      what << "forward returned " << output.scalar_type() << output.sizes() << "; expected Float["
           << windows << "] or Float[" << windows << ", 1]";
      *error = what.str();
      return false;
    }
    output = output.reshape({static_cast<int64_t>(windows)}).to(at::kCPU);
    if (is_logit) output = at::sigmoid(output);
    output = output.contiguous();
    scores->assign(output.data_ptr<float>(), output.data_ptr<float>() + windows);
    return true;
  } catch (const std::exception& exception) {
    *error = "forward failed: " + FirstLine(exception);
    return false;
  }
}

}  // namespace montage::infer
