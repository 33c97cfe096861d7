#include "assay/fault/proxy_set.h"

#include <utility>

namespace assay::fault {

namespace {

using base::ErrorCode;

/// Releases a turn when a change ends, however it ends.
class Turn {
 public:
  explicit Turn(net::Semaphore& turn) : turn_(turn) {}
  ~Turn() { turn_.Release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  net::Semaphore& turn_;
};

}  // namespace

ProxySet::ProxySet(uint64_t seed, net::Executor executor, const base::Clock& clock)
    : seed_(seed), executor_(std::move(executor)), clock_(clock) {}

ProxySet::~ProxySet() = default;

std::vector<Proxy*> ProxySet::all() const {
  std::vector<Proxy*> all;
  for (const auto& [name, proxy] : proxies_) all.push_back(proxy.get());
  return all;
}

base::Result<Proxy*> ProxySet::Find(std::string_view name) const {
  const auto found = proxies_.find(name);
  if (found == proxies_.end()) return base::Fail(ErrorCode::kNotFound, "proxy not found");
  return found->second.get();
}

base::Result<Proxy*> ProxySet::Insert(ProxySpec spec) {
  const bool enabled = spec.enabled;
  if (relay_ == nullptr) {
    TRY(relay_, net::Relay::Start());
  }
  auto proxy = std::make_unique<Proxy>(std::move(spec), seed_, executor_, clock_, relay_);
  if (enabled) TRY(proxy->Start());
  Proxy* const added = proxy.get();
  proxies_[proxy->name()] = std::move(proxy);
  return added;
}

net::Task<base::Result<Proxy*>> ProxySet::Add(ProxySpec spec) {
  CO_TRY(co_await turn_.Acquire(base::Deadline::Never()));
  const Turn turn(turn_);
  if (proxies_.contains(spec.name)) {
    co_return base::Fail(ErrorCode::kConflict, "proxy already exists");
  }
  co_return Insert(std::move(spec));
}

net::Task<base::Result<Proxy*>> ProxySet::AddOrReplace(ProxySpec spec) {
  CO_TRY(co_await turn_.Acquire(base::Deadline::Never()));
  const Turn turn(turn_);
  const auto found = proxies_.find(spec.name);
  if (found != proxies_.end()) {
    Proxy& existing = *found->second;
    if (existing.listen() == spec.listen && existing.upstream() == spec.upstream) {
      co_return &existing;
    }
    co_await existing.Stop();
    proxies_.erase(found);
  }
  co_return Insert(std::move(spec));
}

net::Task<base::Result<Proxy*>> ProxySet::Change(std::string name, std::string listen,
                                                 std::string upstream, bool enabled) {
  CO_TRY(co_await turn_.Acquire(base::Deadline::Never()));
  const Turn turn(turn_);
  CO_TRY(Proxy * proxy, Find(name));
  CO_TRY(co_await proxy->Change(std::move(listen), std::move(upstream), enabled));
  co_return proxy;
}

net::Task<base::Result<void>> ProxySet::Remove(std::string name) {
  CO_TRY(co_await turn_.Acquire(base::Deadline::Never()));
  const Turn turn(turn_);
  CO_TRY(Proxy * proxy, Find(name));
  co_await proxy->Stop();
  proxies_.erase(proxies_.find(name));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ProxySet::Reset() {
  CO_TRY(co_await turn_.Acquire(base::Deadline::Never()));
  const Turn turn(turn_);
  for (const auto& [name, proxy] : proxies_) {
    CO_TRY(proxy->Start());
    proxy->RemoveAllToxics();
  }
  co_return base::Result<void>();
}

net::Task<void> ProxySet::Close() {
  for (const auto& [name, proxy] : proxies_) co_await proxy->Stop();
  proxies_.clear();
}

}  // namespace assay::fault
