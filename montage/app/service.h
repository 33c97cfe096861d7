#pragma once
// Montage as one process: stores, API, workers, housekeeping, in the right order.
//
//   Open:  locks -> keys -> database -> migrate -> buckets -> sweep leftovers -> recover jobs
//   Run:   model -> workers -> entrance opens -> "ready" -> ... stop ... -> no new connections ->
//          requests finish -> workers finish, or give their jobs back -> closed
//
// On SQLite, recovery and sweeps belong to the one server with workers; others only serve. On
// PostgreSQL any number of servers and workers share the jobs: who was lost is seen by its lease,
// and objects without a row are swept once they are old, because another machine may be at it.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"
#include "lib/net/task.h"
#include "montage/app/config.h"
#include "montage/app/dispatch.h"
#include "montage/app/entrance.h"
#include "montage/app/interposers.h"
#include "montage/app/log.h"

namespace montage::app {

inline constexpr std::string_view kVersion = MONTAGE_VERSION;

class Service {
 public:
  /// kInvalid for URLs that cannot be used, kUnavailable while the database cannot be reached,
  /// kConflict when another server with workers has the directory. A worker answers only /health
  /// and /metrics. `log` and `clock` outlive it.
  static base::Result<std::unique_ptr<Service>> Open(const Config& config, Log& log,
                                                     const base::Clock& clock,
                                                     Role role = Role::kServer,
                                                     const Interposers& interposers = {});
  ~Service();

  /// Serves at the entrance, on its loop, until `stop` is requested; then drains and closes it.
  /// `ready` gets the URL.
  net::Task<void> Run(Entrance& entrance, const net::Cancellation& stop,
                      std::function<void(const std::string& url)> ready);

  /// The description of the API.
  boost::json::object OpenApi() const;

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// kUnsupported naming the key when the configuration asks for what this version does not have.
base::Result<void> CheckSupported(const Config& config);

}  // namespace montage::app
