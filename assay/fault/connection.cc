#include "assay/fault/connection.h"

#include <array>
#include <utility>
#include <vector>

#include "lib/net/gather.h"
#include "lib/net/relay/adopt.h"
#include "lib/net/runtime.h"

namespace assay::fault {

namespace {

/// Read at once. Larger pieces gain nothing on a loopback, and every connection has two buffers.
constexpr size_t kPiece = size_t{64} * 1024;
/// Held in the chain of one direction before the reading stops. It bounds what a delay can have in
/// flight: 8 MiB are 80 MB/s at 100 ms.
constexpr size_t kMostHeld = size_t{8} << 20;

const base::Deadline kNever = base::Deadline::Never();

}  // namespace

Connection::Connection(net::TcpStream client, net::TcpStream server, uint64_t seed,
                       const base::Clock& clock, Traffic& traffic,
                       std::shared_ptr<net::Relay> relay)
    : client_(std::move(client)),
      server_(std::move(server)),
      clock_(clock),
      relay_(std::move(relay)),
      conversation_([this](std::string response) {
        downstream_.chain.PutLast({.kind = ChunkKind::kBytes, .bytes = std::move(response)});
        downstream_.chain.PutLast({.kind = ChunkKind::kClose});
        downstream_.changed.Set();
      }),
      upstream_(Direction::kUpstream, seed, &conversation_, client_, server_,
                traffic.bytes_upstream),
      downstream_(Direction::kDownstream, seed, &conversation_, server_, client_,
                  traffic.bytes_downstream) {}

Connection::~Connection() {
  if (carried_) TakeBack();
}

net::Task<void> Connection::Run() {
  if (relay_ && upstream_.chain.is_empty() && downstream_.chain.is_empty()) co_await BeCarried();
  std::vector<net::Task<void>> loops;
  for (Link* link : {&upstream_, &downstream_}) {
    if (closed_ || link->ended) continue;
    loops.push_back(Read(*link));
    loops.push_back(Write(*link));
  }
  co_await net::WhenAll(std::move(loops));
  Close();
}

// Returns when the connection is closed, or its first toxic has come.
net::Task<void> Connection::BeCarried() {
  executor_ = co_await net::CurrentExecutor();
  carriage_ = std::make_shared<Carriage>();
  client_descriptor_ = client_.Release();
  server_descriptor_ = server_.Release();
  const auto over = [loop = executor_, carriage = carriage_](net::Relay::Outcome outcome) {
    net::Post(loop, [carriage, outcome] {
      carriage->outcome = outcome;
      carriage->over.Set();
    });
  };
  const auto id = relay_->Carry({.first = client_descriptor_,
                                 .second = server_descriptor_,
                                 .from_first = &upstream_.bytes,
                                 .from_second = &downstream_.bytes,
                                 .over = over});
  // The relay has no room: the loop carries it.
  if (!id.has_value()) co_return AdoptStreams();
  carried_ = *id;
  const auto waited = co_await carriage_->over.Wait(kNever);
  if (!waited.has_value()) co_return Close();
  if (!carriage_->outcome) co_return;
  if (*carriage_->outcome == net::Relay::Outcome::kReset) {
    Reset();
  } else {
    Close();
  }
}

void Connection::AdoptStreams() {
  auto client = net::Adopt(executor_, std::exchange(client_descriptor_, -1));
  auto server = net::Adopt(executor_, std::exchange(server_descriptor_, -1));
  closed_ = closed_ || !client.has_value() || !server.has_value();
  if (client) client_ = *std::move(client);
  if (server) server_ = *std::move(server);
}

void Connection::TakeBack() {
  auto rests = relay_->Release(*std::exchange(carried_, std::nullopt));
  AdoptStreams();
  if (!rests) return;  // it is over: the relay's last word is on its way
  const auto give = [](Link& link, net::Relay::Rest& rest) {
    link.ended = rest.ended;
    // It has passed all the toxics that there were.
    if (!rest.bytes.empty()) {
      link.chain.PutLast({.kind = ChunkKind::kBytes, .bytes = std::move(rest.bytes)});
    }
  };
  give(upstream_, rests->from_first);
  give(downstream_, rests->from_second);
  carriage_->over.Set();
}

void Connection::Close() {
  if (carried_) TakeBack();
  closed_ = true;
  client_.Close();
  server_.Close();
  Wake();
}

void Connection::Reset() {
  if (carried_) TakeBack();
  closed_ = true;
  client_.Abort();
  server_.Abort();
  Wake();
}

void Connection::Wake() {
  for (Link* link : {&upstream_, &downstream_}) {
    link->changed.Set();
    link->space.Set();
  }
}

net::Task<void> Connection::Read(Link& link) {
  std::vector<std::byte> buffer(kPiece);
  while (!closed_) {
    if (link.chain.held_bytes() >= kMostHeld) {
      link.space.Reset();
      if (!(co_await link.space.Wait(kNever)).has_value()) co_return;
      continue;
    }
    const auto got = co_await link.source.Read(buffer, kNever);
    if (closed_) co_return;
    if (!got.has_value()) {
      if (got.error().code != base::ErrorCode::kCancelled) PutEnd(link, ChunkKind::kReset);
      co_return;
    }
    if (*got == 0) co_return PutEnd(link, ChunkKind::kEnd);
    link.bytes += *got;
    if (!co_await Relay(link, std::span(buffer).first(*got))) co_return;
  }
}

net::Task<bool> Connection::Relay(Link& link, std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (observes_ && &link == &upstream_) conversation_.Observe(text);
  if (!link.writing && link.chain.is_clear()) co_return co_await WriteBytes(link, bytes);
  const base::SteadyTime now = clock_.Steady();
  link.chain.Put({.kind = ChunkKind::kBytes, .bytes = std::string(text), .arrived = now}, now);
  link.changed.Set();
  co_return true;
}

void Connection::PutEnd(Link& link, ChunkKind kind) {
  const base::SteadyTime now = clock_.Steady();
  link.chain.Put({.kind = kind, .bytes = {}, .arrived = now}, now);
  link.changed.Set();
}

net::Task<bool> Connection::WriteBytes(Link& link, std::span<const std::byte> bytes) {
  link.writing = true;
  const auto wrote = co_await link.sink.Write(bytes, kNever);
  link.writing = false;
  // Also for what came meanwhile and could not be written beside this.
  if (!link.chain.is_clear()) link.changed.Set();
  if (wrote.has_value()) co_return true;
  // Whoever cannot be written to is gone: the sender learns it as it would without a proxy.
  if (!closed_ && wrote.error().code != base::ErrorCode::kCancelled) Reset();
  co_return false;
}

net::Task<void> Connection::Write(Link& link) {
  while (!closed_) {
    link.changed.Reset();
    const base::SteadyTime now = clock_.Steady();
    auto chunk = link.writing ? std::nullopt : link.chain.Take(now);
    if (chunk) {
      if (!co_await Deliver(link, *std::move(chunk))) co_return;
      if (link.chain.held_bytes() < kMostHeld) link.space.Set();
      continue;
    }
    const auto due = link.writing ? std::nullopt : link.chain.due();
    const auto woken =
        co_await link.changed.Wait(due ? base::Deadline::At(*due) : base::Deadline::Never());
    if (!woken.has_value() && woken.error().code == base::ErrorCode::kCancelled) co_return;
  }
}

net::Task<bool> Connection::Deliver(Link& link, Chunk chunk) {
  switch (chunk.kind) {
    case ChunkKind::kBytes:
      co_return co_await WriteBytes(link, std::as_bytes(std::span(chunk.bytes)));
    case ChunkKind::kEnd:
      link.sink.FinishWriting();
      co_return false;
    case ChunkKind::kClose:
      Close();
      co_return false;
    case ChunkKind::kReset:
      Reset();
      co_return false;
  }
  co_return false;
}

void Connection::Add(const std::shared_ptr<Toxic>& toxic) {
  if (carried_) TakeBack();
  if (toxic->spec.type == "http") observes_ = true;
  Link& link = LinkOf(toxic->spec.stream);
  link.chain.Add(toxic, clock_.Steady());
  link.changed.Set();
}

void Connection::Change(const Toxic& toxic) {
  Link& link = LinkOf(toxic.spec.stream);
  link.chain.Change(toxic, clock_.Steady());
  link.changed.Set();
}

void Connection::Remove(const Toxic& toxic) {
  Link& link = LinkOf(toxic.spec.stream);
  link.chain.Remove(toxic, clock_.Steady());
  link.changed.Set();
  link.space.Set();
}

}  // namespace assay::fault
