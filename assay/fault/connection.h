#pragma once
// One connection through a proxy: two links, each reading from one side, passing a chain of toxics,
// writing to the other side.
//
//   client --read--> [upstream chain]   --write--> server
//   client <-write-- [downstream chain] <--read--- server
//
// While a chain is clear, bytes go straight from read to write. A side that ends its stream ends
// the other side's input; the other direction goes on. A full chain stops the reading.

#include <cstdint>
#include <memory>
#include <string>

#include "assay/fault/chain.h"
#include "assay/fault/toxics/conversation.h"
#include "lib/base/clock.h"
#include "lib/net/event.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace assay::fault {

/// What a proxy counts over all its connections.
struct Traffic {
  uint64_t accepted = 0;
  uint64_t unreachable = 0;  ///< closed because the upstream could not be reached
  uint64_t open = 0;
  uint64_t bytes_upstream = 0;  ///< received from clients
  uint64_t bytes_downstream = 0;
};

/// Belongs to one loop.
class Connection {
 public:
  /// `clock` and `traffic` outlive it. `seed`: of this connection.
  Connection(net::TcpStream client, net::TcpStream server, uint64_t seed, const base::Clock& clock,
             Traffic& traffic);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Returns when both directions have ended, or the caller is cancelled.
  net::Task<void> Run();
  /// Closes both sides at once.
  void Close();

  void Add(const std::shared_ptr<Toxic>& toxic);
  void Change(const Toxic& toxic);
  void Remove(const Toxic& toxic);

 private:
  struct Link {
    Link(Direction direction, uint64_t seed, Conversation* conversation, net::TcpStream& from,
         net::TcpStream& to, uint64_t& counted)
        : chain(direction, seed, conversation), source(from), sink(to), bytes(counted) {}
    Chain chain;
    net::TcpStream& source;
    net::TcpStream& sink;
    uint64_t& bytes;
    net::Event changed;  ///< there may be something to take
    net::Event space;    ///< the chain is no longer full
    bool writing = false;
  };

  net::Task<void> Read(Link& link);
  net::Task<bool> Relay(Link& link, std::span<const std::byte> bytes);
  net::Task<void> Write(Link& link);
  /// False: the link has come to its end.
  net::Task<bool> Deliver(Link& link, Chunk chunk);
  net::Task<bool> WriteBytes(Link& link, std::span<const std::byte> bytes);
  void PutEnd(Link& link, ChunkKind kind);
  void Reset();
  void Wake();
  Link& LinkOf(Direction direction) {
    return direction == Direction::kUpstream ? upstream_ : downstream_;
  }

  net::TcpStream client_;
  net::TcpStream server_;
  const base::Clock& clock_;
  Conversation conversation_;
  bool observes_ = false;  ///< there is a rule about HTTP
  bool closed_ = false;
  Link upstream_;
  Link downstream_;
};

}  // namespace assay::fault
