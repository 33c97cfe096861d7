#pragma once
// The log of a merged run: a chain of its own, whose events keep their time.

#include <filesystem>
#include <string>

#include "assay/history/event.h"
#include "assay/history/event_log.h"
#include "lib/base/result.h"

namespace assay::sharding {

class MergedLog {
 public:
  /// A new file; kConflict when it exists.
  static base::Result<MergedLog> Create(const std::filesystem::path& file);

  /// Takes kind, path, data, blobs, time and elapsed of the event; its place in the chain is new.
  /// `elapsed` never goes back.
  base::Result<void> Append(history::Event event);
  /// Everything is on stable storage.
  base::Result<void> Finish();

  const std::string& head() const { return head_; }
  base::Duration elapsed() const { return elapsed_; }
  uint64_t count() const { return count_; }

 private:
  explicit MergedLog(history::FileLog file) : file_(std::move(file)), head_(history::FirstPrev()) {}

  history::FileLog file_;
  std::string head_;
  std::string queued_;
  base::Duration elapsed_{};
  uint64_t count_ = 0;
};

}  // namespace assay::sharding
