#pragma once
// A TorchScript module. The only folder-internal header between C++17 (libtorch's headers do not
// compile as C++23 with this standard library) and the rest; so it names no type of either side.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace montage::infer {

/// Not thread-safe.
class TorchModel {
 public:
  /// Threads of libtorch's own pool; call before the first Load. Graph rewriting is switched off,
  /// so that the first call computes what the hundredth does.
  static void Configure(int threads);

  /// Reads an archive from memory. On failure null, with `error` set. `card` gets the extra file of
  /// that name, "" when the archive has none.
  static std::unique_ptr<TorchModel> Load(const std::string& archive, const std::string& card_file,
                                          std::string* card, std::string* error);
  ~TorchModel();
  TorchModel(const TorchModel&) = delete;
  TorchModel& operator=(const TorchModel&) = delete;

  /// forward(float32[windows, channels, samples]); a result that is no finite float tensor of one
  /// value a window fails with `error` set. With `is_logit` the values go through the logistic
  /// function.
  bool Score(const float* samples, uint32_t windows, uint32_t channels, uint32_t count,
             bool is_logit, std::vector<float>* scores, std::string* error);

 private:
  struct Module;
  explicit TorchModel(std::unique_ptr<Module> module);
  std::unique_ptr<Module> module_;
};

}  // namespace montage::infer
