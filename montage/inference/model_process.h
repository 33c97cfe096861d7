#pragma once
// One process of montage-infer: started, greeted, asked, killed.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/process/descriptor.h"
#include "montage/inference/model_card.h"
#include "montage/inference/wire.h"

namespace montage::inference {

/// What a model may use. Under a sanitizer, which maps terabytes, there is no limit of memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MONTAGE_INFERENCE_UNLIMITED 1
#endif
#endif
#ifdef MONTAGE_INFERENCE_UNLIMITED
inline constexpr uint64_t kDefaultMemoryBytes = 0;
#else
inline constexpr uint64_t kDefaultMemoryBytes = uint64_t{4} << 30;
#endif

struct ModelProcessOptions {
  std::string program;  ///< path of montage-infer
  std::string model;    ///< path of the model file
  std::string sha256;   ///< of the file that must be loaded, 64 lower-case hexadecimal digits
  int threads = 1;      ///< of the model's own arithmetic
  uint64_t memory_bytes = kDefaultMemoryBytes;  ///< address space; 0: no limit
};

/// Killed and reaped by its destructor, with whatever it started. Not thread-safe.
class ModelProcess {
 public:
  /// Starts the program with an empty environment, the limit of memory, no core file and no right
  /// to write files, and reads its greeting. kUnavailable with the program's reason, or with how it
  /// ended; kTimeout; kCorrupt when it greets wrongly or with another model; kNotFound and
  /// kForbidden when there is no such program.
  static base::Result<ModelProcess> Start(const ModelProcessOptions& options,
                                          base::Deadline deadline);
  ~ModelProcess() { Kill(); }
  ModelProcess(ModelProcess&& other) noexcept;
  ModelProcess& operator=(ModelProcess&& other) noexcept;

  const Hello& hello() const { return hello_; }
  /// False when it has ended, or says something unasked: then it is of no use any more.
  bool is_usable() const;

  /// One frame and its answer. kInvalid with the words of a refusal, after which the process goes
  /// on. After any other error it is of no use any more: kUnavailable: it ended; kTimeout;
  /// kCorrupt: it answered what is no answer to this.
  base::Result<std::vector<float>> Score(const Shape& shape, std::span<const float> samples,
                                         base::Deadline deadline);

 private:
  ModelProcess(pid_t pid, process::Descriptor stream) : pid_(pid), stream_(std::move(stream)) {}
  base::Result<void> Greet(const std::string& sha256, base::Deadline deadline);
  base::Result<std::vector<float>> Exchange(const Shape& shape, std::span<const float> samples,
                                            base::Deadline deadline);
  void Kill();
  /// Adds how the process ended, if it has.
  base::Error Explain(base::Error error);

  pid_t pid_ = -1;
  process::Descriptor stream_;
  Hello hello_;
  uint64_t request_ = 0;
};

}  // namespace montage::inference
