#pragma once
// The journal: what a run started and owns, written before it exists, so that whoever comes after a
// crash can undo it. One JSON object a line, appended and flushed to the disk:
//
//   {"entry":1,"kind":"run","run":"r-7","boot":"...","guardian":{"pid":40,"start":9001}}
//   {"entry":2,"kind":"process","service":"api","pid":41,"start":9002}
//   {"entry":3,"kind":"path","path":"/data/results/r-7/work"}
//   {"entry":4,"kind":"command","argv":["podman",...],"environment":[["PATH","..."]],"seconds":60}
//   {"undone":2}
//   {"undone":"all"}

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "assay/environment/guardian/cleanup.h"
#include "lib/base/result.h"
#include "lib/process/descriptor.h"
#include "lib/process/table.h"

namespace assay::environment {

/// The environment variable that marks everything a run starts, with the run's id as its value.
inline constexpr std::string_view kRunMarker = "ASSAY_RUN_ID";

/// One process that was started directly; its descendants are found from it.
struct JournaledProcess {
  uint64_t entry = 0;
  std::string service;
  process::Identity identity;
};

struct JournaledPath {
  uint64_t entry = 0;
  std::filesystem::path path;
};

struct JournaledCommand {
  uint64_t entry = 0;
  CleanupCommand command;
};

/// What a journal says is still to be undone.
struct JournalState {
  std::string run;
  std::string boot;
  process::Identity guardian;
  std::vector<JournaledProcess> processes;
  std::vector<JournaledPath> paths;
  std::vector<JournaledCommand> commands;
  bool undone = false;
};

/// Appends; every call returns when the disk has it. While it is open the file is locked: a journal
/// that can be locked has no living guardian.
class Journal {
 public:
  /// Creates the file, or fails: a run has exactly one journal.
  static base::Result<Journal> Create(const std::filesystem::path& path, std::string_view run);

  base::Result<uint64_t> AddProcess(std::string_view service, const process::Identity& identity);
  base::Result<uint64_t> AddPath(const std::filesystem::path& path);
  base::Result<uint64_t> AddCommand(const CleanupCommand& command);
  base::Result<void> MarkUndone(uint64_t entry);
  base::Result<void> MarkAllUndone();

 private:
  Journal(process::Descriptor file, std::filesystem::path path)
      : file_(std::move(file)), path_(std::move(path)) {}
  base::Result<void> Append(const boost::json::object& line);

  process::Descriptor file_;
  std::filesystem::path path_;
  uint64_t next_entry_ = 1;
};

/// Reads a journal as far as it is whole: a last line that was cut by a crash names something that
/// was never started.
base::Result<JournalState> ReadJournal(const std::filesystem::path& path);

/// Appends `{"undone":"all"}` to a journal whose guardian is gone.
base::Result<void> CloseJournal(const std::filesystem::path& path);

/// A lock of the journal, or nothing while its guardian lives.
process::Descriptor LockJournal(const std::filesystem::path& path);

}  // namespace assay::environment
