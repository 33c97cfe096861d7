#pragma once
// What `assay up` leaves on the disk, so that later commands find the environment that is up:
//
//   results/.up/<environment>.json   this state, replaced as a whole at each change; 0600
//   results/.up/<run>/               data directories, logs and events.jsonl; gone after `assay
//   down`
//
// The keeper is the process that holds the environment; where it died its guardian has taken the
// environment down.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "assay/environment/environment.h"
#include "lib/base/result.h"
#include "lib/process/table.h"

namespace assay::cli {

struct UpService {
  std::string name;
  std::string state;  ///< see environment::ServiceState
  int restarts = 0;
  std::string log_file;
  std::string directory;
  std::vector<std::pair<std::string, uint16_t>> ports;
};

struct UpState {
  std::string environment;
  std::string type;
  std::string run;
  process::Identity keeper;
  std::string boot;     ///< the keeper's number means nothing after another start of the machine
  int64_t since_s = 0;  ///< seconds since 1970
  std::vector<UpService> services;
  std::vector<environment::Endpoint> endpoints;  ///< for people: secrets in them are redacted

  bool is_alive() const;
  /// Where the services are, as late texts need it.
  environment::Placement placement() const;
};

std::filesystem::path UpFolder(const std::filesystem::path& results);
std::filesystem::path UpFile(const std::filesystem::path& results, const std::string& environment);

base::Result<void> WriteUpState(const std::filesystem::path& file, const UpState& state);
/// kNotFound when there is none.
base::Result<UpState> ReadUpState(const std::filesystem::path& file);
/// All of them, sorted by name; a file that cannot be read is left out.
std::vector<UpState> ListUpStates(const std::filesystem::path& results);

}  // namespace assay::cli
