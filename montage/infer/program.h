#pragma once
// The program montage-infer apart from its model.

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace montage::infer {

/// What the program ends with. Montage reports it; people read it.
enum ExitCode : int {
  kDone = 0,            ///< the other side closed
  kUsage = 2,           ///< wrong arguments
  kNotLoaded = 3,       ///< the file is missing, too large, not the expected one or no archive
  kContract = 4,        ///< it does not describe itself as model_card.h says, or has no forward
  kSelfTest = 5,        ///< it does not do what TestModel asks for
  kProtocolBroken = 6,  ///< a frame could not be understood or answered
};

struct Arguments {
  std::string model;        ///< path
  std::string sha256 = {};  ///< 64 lower-case hexadecimal digits, or "": any
  int threads = 1;
};

/// `MODEL [--sha256 HEX] [--threads N]`; kInvalid says what is wrong.
base::Result<Arguments> ParseArguments(const std::vector<std::string>& arguments);

inline constexpr uint64_t kMaxModelBytes = uint64_t{1} << 30;

/// The bytes of the model file and their digest. kCorrupt when it is not the expected one.
struct ModelFile {
  std::string bytes;
  std::string sha256;
};
base::Result<ModelFile> ReadModelFile(const Arguments& arguments);

}  // namespace montage::infer
