#pragma once
// Whether a run directory still says what the run wrote.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/crypto/secret.h"

namespace assay::history {

/// One thing that is wrong, with its place in events.jsonl.
struct VerifyProblem {
  uint64_t line = 0;  ///< 1-based; 0 when it is not about a line
  uint64_t seq = 0;   ///< of the event, or of the last good one
  std::string what;
};

/// An input file of the manifest that is not what it was.
struct ChangedInput {
  std::string file;
  std::string recorded;  ///< SHA-256
  std::string now;       ///< "" when the file is gone
};

enum class SignatureState { kAbsent, kValid, kInvalid };

struct VerifyReport {
  uint64_t events = 0;
  uint64_t blobs = 0;  ///< different ones that were checked
  std::string head_hash;
  bool finished = false;  ///< the log ends with run.finished
  SignatureState signature = SignatureState::kAbsent;
  std::string public_key;  ///< hexadecimal; of the signature, when there is one
  /// In order of the log; the first one is where the evidence breaks. Empty: it is whole.
  std::vector<VerifyProblem> problems;
  /// Differences to the files of today: no fault of the log, but a replay may differ.
  std::vector<ChangedInput> changed_inputs;

  bool ok() const { return problems.empty(); }
};

struct VerifyOptions {
  /// The signature must be there and by this key (32 bytes).
  std::optional<std::string> public_key;
  /// Compares the input files of the manifest, which are relative to this.
  std::optional<std::filesystem::path> project_dir;
};

/// Checks the chain (sequence, prev, hash, canonical form), blobs, run.finished, run.json and the
/// signature. An error only when there is no log at all.
base::Result<VerifyReport> Verify(const std::filesystem::path& run_dir,
                                  const VerifyOptions& options = {});

/// Writes run.sig: a signature over the last hash of the log, which covers everything before it.
base::Result<void> SignRun(const std::filesystem::path& run_dir, const crypto::SigningKey& key);

/// SHA-256 of a file, or "" when it cannot be read.
std::string DigestOfFile(const std::filesystem::path& file);

}  // namespace assay::history
