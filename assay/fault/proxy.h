#pragma once
// A proxy: listens on one address, connects each client to one upstream, and applies its toxics to
// all connections, those that are open too.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/fault/connection.h"
#include "assay/fault/toxics/toxic.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/net/relay/relay.h"
#include "lib/net/task_group.h"
#include "lib/net/tcp.h"

namespace assay::fault {

struct ProxySpec {
  std::string name;
  std::string listen;    ///< `127.0.0.1:8080`, `localhost:0`, `:0`; port 0: a free one
  std::string upstream;  ///< `host:port`
  bool enabled = true;
  std::vector<ToxicSpec> toxics = {};  ///< there from the first connection on
};

struct HostAndPort {
  std::string host;
  uint16_t port = 0;
};
/// `host:port` or `[address]:port`. kInvalid names the text.
base::Result<HostAndPort> ParseHostAndPort(std::string_view text);

/// Where a client is connected to; asked for each connection.
using FindUpstream = std::function<base::Result<std::string>()>;

/// Belongs to one loop. The random choices of the n-th connection depend only on the seed, the
/// proxy's name and n.
class Proxy {
 public:
  /// Does not listen yet. `clock` outlives it. `relay` carries connections without toxics; null:
  /// the loop does. Requires: the toxics have different names.
  Proxy(ProxySpec spec, uint64_t seed, net::Executor executor, const base::Clock& clock,
        std::shared_ptr<net::Relay> relay);
  /// Requires: Stop has returned, or the loop does not run any more.
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  const std::string& name() const { return name_; }
  /// With the port that was chosen, once it has listened.
  const std::string& listen() const { return listen_; }
  const std::string& upstream() const { return upstream_; }
  bool is_enabled() const { return listener_ != nullptr; }
  uint16_t port() const { return listener_ == nullptr ? uint16_t{0} : listener_->port(); }
  /// Instead of the fixed upstream.
  void SetFindUpstream(FindUpstream find) { find_upstream_ = std::move(find); }

  /// Listens, unless it does. An address that was chosen freely is kept.
  base::Result<void> Start();
  /// Listens no more and closes all connections.
  net::Task<void> Stop();
  /// As Toxiproxy: changed addresses stop it, then it is started or stopped.
  net::Task<base::Result<void>> Change(std::string listen, std::string upstream, bool enabled);

  /// In the order in which they work: upstream first, then downstream.
  std::vector<const Toxic*> toxics() const;
  const Toxic* FindToxic(std::string_view name) const;
  /// kConflict: the name is taken.
  base::Result<const Toxic*> AddToxic(ToxicSpec spec);
  /// kNotFound. Name, type and stream stay what they were.
  base::Result<const Toxic*> ChangeToxic(std::string_view name, const ToxicSpec& spec);
  /// What it did until now, as its last word.
  base::Result<Effect> RemoveToxic(std::string_view name);
  void RemoveAllToxics();

  const Traffic& traffic() const { return traffic_; }

 private:
  net::Task<void> Accept(std::shared_ptr<net::TcpListener> listener);
  net::Task<void> Serve(net::TcpStream client, uint64_t number);
  net::Task<base::Result<net::TcpStream>> ConnectUpstream() const;

  std::string name_;
  std::string listen_;
  std::string upstream_;
  FindUpstream find_upstream_;
  uint64_t seed_;
  net::Executor executor_;
  const base::Clock& clock_;
  std::shared_ptr<net::Relay> relay_;
  std::vector<std::shared_ptr<Toxic>> toxics_;
  std::list<Connection*> connections_;
  uint64_t next_connection_ = 0;
  Traffic traffic_;
  std::shared_ptr<net::TcpListener> listener_;
  std::unique_ptr<net::TaskGroup> tasks_;
};

}  // namespace assay::fault
