#pragma once
// All proxies of one server, by name.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/fault/proxy.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/net/event.h"
#include "lib/net/relay/relay.h"
#include "lib/net/task.h"

namespace assay::fault {

/// Belongs to one loop. Changes follow one another, also when several callers make them.
class ProxySet {
 public:
  /// `clock` outlives it.
  ProxySet(uint64_t seed, net::Executor executor, const base::Clock& clock);
  /// Requires: Close has returned, or the loop does not run any more.
  ~ProxySet();
  ProxySet(const ProxySet&) = delete;
  ProxySet& operator=(const ProxySet&) = delete;

  /// By name.
  std::vector<Proxy*> all() const;
  /// kNotFound: `proxy not found`.
  base::Result<Proxy*> Find(std::string_view name) const;

  /// Adds it with its toxics and, when it is enabled, lets it listen: no connection escapes them.
  /// kConflict: `proxy already exists`.
  net::Task<base::Result<Proxy*>> Add(ProxySpec spec);
  /// One with the same addresses stays as it is; one with others is replaced.
  net::Task<base::Result<Proxy*>> AddOrReplace(ProxySpec spec);
  net::Task<base::Result<Proxy*>> Change(std::string name, std::string listen, std::string upstream,
                                         bool enabled);
  net::Task<base::Result<void>> Remove(std::string name);
  /// All listen, without toxics.
  net::Task<base::Result<void>> Reset();
  net::Task<void> Close();

 private:
  base::Result<Proxy*> Insert(ProxySpec spec);

  uint64_t seed_;
  net::Executor executor_;
  const base::Clock& clock_;
  std::map<std::string, std::unique_ptr<Proxy>, std::less<>> proxies_;
  std::shared_ptr<net::Relay> relay_;  ///< from the first proxy on
  net::Semaphore turn_{1};
};

}  // namespace assay::fault
