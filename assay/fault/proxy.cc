#include "assay/fault/proxy.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "lib/base/random.h"
#include "lib/net/timer.h"

namespace assay::fault {

namespace {

using base::ErrorCode;

constexpr base::Duration kConnectTime = std::chrono::seconds(30);
/// After an accept that failed for want of descriptors.
constexpr base::Duration kPause = std::chrono::milliseconds(50);

/// The numeric address to bind for what a listen address names.
std::string AddressOf(const std::string& host) {
  if (host.empty()) return "::";
  return host == "localhost" ? "127.0.0.1" : host;
}

}  // namespace

base::Result<HostAndPort> ParseHostAndPort(std::string_view text) {
  const auto wrong = [&] {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no address such as 127.0.0.1:8080", text));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return wrong();
  }
  const std::string_view digits = text.substr(colon + 1);
  HostAndPort out{.host = std::string(host)};
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return wrong();
  return out;
}

Proxy::Proxy(ProxySpec spec, uint64_t seed, net::Executor executor, const base::Clock& clock,
             std::shared_ptr<net::Relay> relay)
    : name_(std::move(spec.name)),
      listen_(std::move(spec.listen)),
      upstream_(std::move(spec.upstream)),
      seed_(base::StableHash(name_, seed)),
      executor_(std::move(executor)),
      clock_(clock),
      relay_(std::move(relay)) {
  for (ToxicSpec& toxic : spec.toxics) {
    toxics_.push_back(
        std::make_shared<Toxic>(Toxic{.spec = std::move(toxic), .made = clock_.Steady()}));
  }
}

Proxy::~Proxy() = default;

base::Result<void> Proxy::Start() {
  if (is_enabled()) return {};
  TRY(const HostAndPort where, ParseHostAndPort(listen_));
  auto bound = net::Listen(executor_, AddressOf(where.host), where.port);
  if (!bound && bound.error().code == ErrorCode::kConflict) {
    // Somebody else's address; a conflict among our own proxies is one of names.
    bound.error().code = ErrorCode::kUnavailable;
  }
  TRY(auto listener, std::move(bound));
  listen_ = listener.local().ToString();
  listener_ = std::make_shared<net::TcpListener>(std::move(listener));
  tasks_ = std::make_unique<net::TaskGroup>(executor_, [](const base::Error&) {});
  tasks_->Spawn(Accept(listener_));
  return {};
}

net::Task<void> Proxy::Stop() {
  if (!is_enabled()) co_return;
  listener_->Close();
  listener_.reset();
  for (Connection* connection : connections_) connection->Close();
  const std::unique_ptr<net::TaskGroup> tasks = std::move(tasks_);
  co_await net::Shielded([](net::TaskGroup& group) -> net::Task<void> {
    (void)co_await group.Shutdown(base::Deadline::After(base::Duration::zero()));
  }(*tasks));
}

net::Task<base::Result<void>> Proxy::Change(std::string listen, std::string upstream,
                                            bool enabled) {
  if (listen != listen_ || upstream != upstream_) {
    co_await Stop();
    listen_ = std::move(listen);
    upstream_ = std::move(upstream);
  }
  if (enabled) co_return Start();
  co_await Stop();
  co_return base::Result<void>();
}

net::Task<void> Proxy::Accept(std::shared_ptr<net::TcpListener> listener) {
  while (true) {
    auto client = co_await listener->Accept(base::Deadline::Never());
    if (listener != listener_) co_return;
    if (client.has_value()) {
      ++traffic_.accepted;
      tasks_->Spawn(Serve(std::move(*client), next_connection_++));
      continue;
    }
    if (client.error().code == ErrorCode::kCancelled) co_return;
    if (!(co_await net::Sleep(kPause)).has_value()) co_return;
  }
}

net::Task<base::Result<net::TcpStream>> Proxy::ConnectUpstream() const {
  std::string upstream = upstream_;
  if (find_upstream_) {
    CO_TRY(upstream, find_upstream_());
  }
  CO_TRY(HostAndPort where, ParseHostAndPort(upstream));
  co_return co_await net::Connect(std::move(where.host), where.port,
                                  base::Deadline::After(kConnectTime));
}

net::Task<void> Proxy::Serve(net::TcpStream client, uint64_t number) {
  auto server = co_await ConnectUpstream();
  if (!server.has_value()) {
    ++traffic_.unreachable;
    co_return;
  }
  const uint64_t seed = base::StableHash(std::to_string(number), seed_);
  Connection connection(std::move(client), std::move(*server), seed, clock_, traffic_, relay_);
  for (const auto& toxic : toxics_) connection.Add(toxic);
  const auto place = connections_.insert(connections_.end(), &connection);
  ++traffic_.open;
  co_await connection.Run();
  --traffic_.open;
  connections_.erase(place);
}

std::vector<const Toxic*> Proxy::toxics() const {
  std::vector<const Toxic*> all;
  for (const Direction direction : {Direction::kUpstream, Direction::kDownstream}) {
    for (const auto& toxic : toxics_) {
      if (toxic->spec.stream == direction) all.push_back(toxic.get());
    }
  }
  return all;
}

const Toxic* Proxy::FindToxic(std::string_view name) const {
  const auto found =
      std::ranges::find_if(toxics_, [&](const auto& toxic) { return toxic->spec.name == name; });
  return found == toxics_.end() ? nullptr : found->get();
}

base::Result<const Toxic*> Proxy::AddToxic(ToxicSpec spec) {
  if (FindToxic(spec.name) != nullptr) {
    return base::Fail(ErrorCode::kConflict, "toxic already exists");
  }
  toxics_.push_back(
      std::make_shared<Toxic>(Toxic{.spec = std::move(spec), .made = clock_.Steady()}));
  for (Connection* connection : connections_) connection->Add(toxics_.back());
  return toxics_.back().get();
}

base::Result<const Toxic*> Proxy::ChangeToxic(std::string_view name, const ToxicSpec& spec) {
  const auto found =
      std::ranges::find_if(toxics_, [&](const auto& toxic) { return toxic->spec.name == name; });
  if (found == toxics_.end()) return base::Fail(ErrorCode::kNotFound, "toxic not found");
  (*found)->spec.attributes = spec.attributes;
  (*found)->spec.toxicity = spec.toxicity;
  (*found)->spec.window = spec.window;
  for (Connection* connection : connections_) connection->Change(**found);
  return found->get();
}

base::Result<Effect> Proxy::RemoveToxic(std::string_view name) {
  const auto found =
      std::ranges::find_if(toxics_, [&](const auto& toxic) { return toxic->spec.name == name; });
  if (found == toxics_.end()) return base::Fail(ErrorCode::kNotFound, "toxic not found");
  const std::shared_ptr<Toxic> gone = *found;
  toxics_.erase(found);
  for (Connection* connection : connections_) connection->Remove(*gone);
  return gone->effect;
}

void Proxy::RemoveAllToxics() {
  while (!toxics_.empty()) static_cast<void>(RemoveToxic(toxics_.front()->spec.name));
}

}  // namespace assay::fault
