#include "assay/fault/connection.h"

#include <array>
#include <utility>
#include <vector>

#include "lib/net/gather.h"

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
                       const base::Clock& clock, Traffic& traffic)
    : client_(std::move(client)),
      server_(std::move(server)),
      clock_(clock),
      conversation_([this](std::string response) {
        downstream_.chain.PutLast({.kind = ChunkKind::kBytes, .bytes = std::move(response)});
        downstream_.chain.PutLast({.kind = ChunkKind::kClose});
        downstream_.changed.Set();
      }),
      upstream_(Direction::kUpstream, seed, &conversation_, client_, server_,
                traffic.bytes_upstream),
      downstream_(Direction::kDownstream, seed, &conversation_, server_, client_,
                  traffic.bytes_downstream) {}

net::Task<void> Connection::Run() {
  std::vector<net::Task<void>> loops;
  for (Link* link : {&upstream_, &downstream_}) {
    loops.push_back(Read(*link));
    loops.push_back(Write(*link));
  }
  co_await net::WhenAll(std::move(loops));
  Close();
}

void Connection::Close() {
  closed_ = true;
  client_.Close();
  server_.Close();
  Wake();
}

void Connection::Reset() {
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
