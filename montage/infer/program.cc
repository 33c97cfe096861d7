#include "montage/infer/program.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "lib/crypto/hash.h"

namespace montage::infer {
namespace {

using base::ErrorCode;
using base::Result;

constexpr int kMaxThreads = 64;
constexpr size_t kDigestDigits = 64;

bool IsDigest(std::string_view text) {
  return text.size() == kDigestDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Result<Arguments> ParseArguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word != "--sha256" && word != "--threads") {
      if (word.empty() || word.starts_with('-') || !parsed.model.empty()) {
        return base::Fail(ErrorCode::kInvalid,
                          fmt::format("argument \"{}\" is not understood", word));
      }
      parsed.model = word;
      continue;
    }
    if (++i == arguments.size())
      return base::Fail(ErrorCode::kInvalid, fmt::format("{} needs a value", word));
    const std::string& value = arguments[i];
    if (word == "--sha256") {
      if (!IsDigest(value)) {
        return base::Fail(
            ErrorCode::kInvalid,
            fmt::format("--sha256 is \"{}\"; expected 64 lower-case hexadecimal digits", value));
      }
      parsed.sha256 = value;
      continue;
    }
    const auto [end, status] =
        std::from_chars(value.data(), value.data() + value.size(), parsed.threads);
    if (status != std::errc() || end != value.data() + value.size() || parsed.threads < 1 ||
        parsed.threads > kMaxThreads) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("--threads is \"{}\"; expected 1 to {}", value, kMaxThreads));
    }
  }
  if (parsed.model.empty())
    return base::Fail(ErrorCode::kInvalid,
                      "usage: montage-infer MODEL [--sha256 HEX] [--threads N]");
  return parsed;
}

Result<ModelFile> ReadModelFile(const Arguments& arguments) {
  std::ifstream file(arguments.model, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0) return base::Fail(ErrorCode::kNotFound, "the model file cannot be read");
  if (static_cast<uint64_t>(size) > kMaxModelBytes) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("the model file has {} bytes, at most {}", size, kMaxModelBytes));
  }
  ModelFile model;
  model.bytes.resize(static_cast<size_t>(size));
  file.seekg(0);
  if (size > 0 && !file.read(model.bytes.data(), size))
    return base::Fail(ErrorCode::kIo, "the model file cannot be read to its end");
  model.sha256 = crypto::Sha256Hex(model.bytes);
  if (!arguments.sha256.empty() && model.sha256 != arguments.sha256) {
    return base::Fail(ErrorCode::kCorrupt, fmt::format("the model file has SHA-256 {}, expected {}",
                                                       model.sha256, arguments.sha256));
  }
  return model;
}

}  // namespace montage::infer
