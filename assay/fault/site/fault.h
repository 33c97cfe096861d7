#pragma once
// A fault of a system under test: applied, then undone, with proof of both.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "assay/environment/environment.h"
#include "assay/fault/proxy_set.h"
#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/random.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::fault {

/// Whether something was seen to be so.
struct Proof {
  bool shown = false;
  std::string missing = {};  ///< not shown: what was not seen, for people
  boost::json::object facts = {};
};

/// What faults work on. Everything outlives the faults.
struct Ground {
  const base::Clock& clock;
  environment::Environment* environment = nullptr;  ///< null: no services to break
  environment::Guardian* guardian = nullptr;
  ProxySet* links = nullptr;            ///< by the names of the environment's links; null: none
  std::filesystem::path run_directory;  ///< where copies are kept, absolute
};

/// Applied once and then healed once, also when applying failed half-way.
class Fault {
 public:
  virtual ~Fault() = default;
  /// The service or link.
  virtual std::string target() const = 0;
  /// `pause montage`
  virtual std::string Describe() const = 0;
  virtual net::Task<base::Result<void>> Apply(base::Deadline deadline) = 0;
  /// Undoes it; the proof says whether the system is as it was.
  virtual net::Task<base::Result<Proof>> Heal(base::Deadline deadline) = 0;
  /// What it did so far; final after Heal.
  virtual Proof Effect() const = 0;
};

// --- network ------------------------------------------------------------------------------------

/// Toxics on a link, or the link cut (`down`).
struct NetworkFaultSpec {
  std::string link;
  std::vector<ToxicSpec> toxics;  ///< the names are made unique
  bool down = false;
};
/// kNotFound: no such link.
base::Result<std::unique_ptr<Fault>> MakeNetworkFault(const Ground& ground, NetworkFaultSpec spec);

// --- processes ----------------------------------------------------------------------------------

enum class ProcessFaultKind {
  kKill,     ///< SIGKILL; healed by starting it again
  kTerm,     ///< stopped gracefully; healed by starting it again
  kRestart,  ///< stopped and started at once
  kPause,    ///< SIGSTOP; healed by SIGCONT
  kSlow,     ///< runs only for a share of the time; healed by running all the time
  kFiles,    ///< may open only so many files more; healed by the limit it had
  kMemory,   ///< may reserve only so many bytes more; healed by the limit it had
};
std::string_view ToString(ProcessFaultKind kind);

struct ProcessFaultSpec {
  std::string service;
  ProcessFaultKind kind = ProcessFaultKind::kKill;
  /// kSlow: share of the time, above 0 and below 1. kFiles: descriptors, kMemory: bytes, beyond
  /// what it has now.
  double amount = 0;
};
/// kNotFound: no such service.
base::Result<std::unique_ptr<Fault>> MakeProcessFault(const Ground& ground, ProcessFaultSpec spec);

// --- disk ---------------------------------------------------------------------------------------

enum class DiskFaultKind {
  kFull,      ///< no byte is left on the service's disk (see `limits: {disk}` of a service)
  kFlip,      ///< one bit of a file is another
  kTruncate,  ///< the end of a file is missing
};

struct DiskFaultSpec {
  std::string service;
  DiskFaultKind kind = DiskFaultKind::kFull;
  std::string file;    ///< path or glob below the data directory; of several one is chosen
  uint64_t bytes = 1;  ///< kTruncate: how many are cut
};
/// kNotFound: no such service; kUnsupported: it has no data directory, or none of limited size.
base::Result<std::unique_ptr<Fault>> MakeDiskFault(const Ground& ground, DiskFaultSpec spec,
                                                   uint64_t seed);

}  // namespace assay::fault
