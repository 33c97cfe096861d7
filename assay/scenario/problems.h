#pragma once
// All problems of the files of one load, in the order in which they were found.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/error.h"

namespace assay::scenario {

/// Collects errors (the files cannot be run) and warnings (they can, but should be looked at).
/// Beyond `limit` errors are only counted, so that one hostile file cannot fill a screen or memory.
class Problems {
 public:
  explicit Problems(size_t limit = 1000) : limit_(limit) {}

  void Add(base::Error error) {
    if (errors_.size() < limit_) {
      errors_.push_back(std::move(error));
    } else {
      ++dropped_;
    }
  }
  void Add(base::ErrorCode code, std::string message, base::SourceSpan span,
           std::string hint = {}) {
    Add(base::Error{code, std::move(message), std::move(span), std::move(hint)});
  }
  void Warn(std::string message, base::SourceSpan span, std::string hint = {}) {
    if (warnings_.size() >= limit_) return;
    warnings_.push_back(base::Error{base::ErrorCode::kInvalid, std::move(message), std::move(span),
                                    std::move(hint)});
  }

  bool ok() const { return errors_.empty(); }
  const std::vector<base::Error>& errors() const { return errors_; }
  const std::vector<base::Error>& warnings() const { return warnings_; }
  /// How many errors there are beyond those kept.
  size_t dropped() const { return dropped_; }

 private:
  size_t limit_;
  size_t dropped_ = 0;
  std::vector<base::Error> errors_;
  std::vector<base::Error> warnings_;
};

}  // namespace assay::scenario
