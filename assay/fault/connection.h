#pragma once
// One connection through a proxy: two links, each reading from one side, passing a chain of toxics,
// writing to the other side.
//
//   client --read--> [upstream chain]   --write--> server
//   client <-write-- [downstream chain] <--read--- server
//
// A connection that no toxic has ever been put on is carried by a relay, on its thread. The first
// toxic takes it back for good: what is then on its way has passed already, what comes later meets
// the toxic. While a chain is clear, bytes go straight from read to write. A side that ends its
// stream ends the other side's input; the other direction goes on. A full chain stops the reading.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "assay/fault/chain.h"
#include "assay/fault/toxics/conversation.h"
#include "lib/base/clock.h"
#include "lib/net/event.h"
#include "lib/net/relay/relay.h"
#include "lib/net/task.h"
#include "lib/net/tcp.h"

namespace assay::fault {

/// What a proxy counts over all its connections.
struct Traffic {
  uint64_t accepted = 0;
  uint64_t unreachable = 0;  ///< closed because the upstream could not be reached
  uint64_t open = 0;
  std::atomic<uint64_t> bytes_upstream = 0;  ///< received from clients; also by a relay's thread
  std::atomic<uint64_t> bytes_downstream = 0;
};

/// Belongs to one loop.
class Connection {
 public:
  /// `clock` and `traffic` outlive it. `seed`: of this connection. Without a relay the loop does
  /// everything.
  Connection(net::TcpStream client, net::TcpStream server, uint64_t seed, const base::Clock& clock,
             Traffic& traffic, std::shared_ptr<net::Relay> relay);
  ~Connection();
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
         net::TcpStream& to, std::atomic<uint64_t>& counted)
        : chain(direction, seed, conversation), source(from), sink(to), bytes(counted) {}
    Chain chain;
    net::TcpStream& source;
    net::TcpStream& sink;
    std::atomic<uint64_t>& bytes;
    net::Event changed;  ///< there may be something to take
    net::Event space;    ///< the chain is no longer full
    bool writing = false;
    bool ended = false;  ///< already while it was carried
  };
  /// Of being carried; lives until the relay's last word has come.
  struct Carriage {
    net::Event over;
    std::optional<net::Relay::Outcome> outcome;
  };

  net::Task<void> BeCarried();
  void AdoptStreams();
  void TakeBack();

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
  std::shared_ptr<net::Relay> relay_;
  net::Executor executor_ = {};
  std::optional<net::Relay::Id>
      carried_;  ///< then the two descriptors are all there is of the streams
  int client_descriptor_ = -1;
  int server_descriptor_ = -1;
  std::shared_ptr<Carriage> carriage_;
  Conversation conversation_;
  bool observes_ = false;  ///< there is a rule about HTTP
  bool closed_ = false;
  Link upstream_;
  Link downstream_;
};

}  // namespace assay::fault
