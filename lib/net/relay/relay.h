#pragma once
// Carries the bytes of connections between two sockets each, on a thread of its own: for links that
// nobody looks into, where a coroutine and a turn of the loop for every message cost more than the
// message.
//
//   first --recv--> buffer --send--> second      and back; a socket that is full holds the rest
//
// What a link costs is one wake-up, one recv and one send for each message. After a message the
// thread looks for the answer for some microseconds before it sleeps, as long as answers tend to
// come that soon (see kSpin in relay.cc).

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"

namespace net {

/// Thread-safe.
class Relay {
 public:
  using Id = uint64_t;

  enum class Outcome {
    kEnded,  ///< both sides have sent their end, and each has been passed on
    kReset,  ///< a side is gone without its end
  };

  /// Two connected, non-blocking sockets. They stay the caller's, who closes them after Release or
  /// `over`.
  struct Link {
    int first = -1;
    int second = -1;
    /// Add up what was received from each; they outlive the link.
    std::atomic<uint64_t>* from_first = nullptr;
    std::atomic<uint64_t>* from_second = nullptr;
    /// Called once on the relay's thread, unless the link is released before; must not call the
    /// relay.
    std::move_only_function<void(Outcome)> over;
  };

  /// What a direction is like when a link is given back.
  struct Rest {
    std::string bytes = {};  ///< received and not yet sent on
    bool ended = false;      ///< its end was received and passed on
  };
  struct Rests {
    Rest from_first;
    Rest from_second;
  };

  /// kUnavailable: no descriptors are left.
  static base::Result<std::unique_ptr<Relay>> Start();
  /// Carries nothing more; `over` is not called.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// From now on, with what has already come. kUnavailable: the system watches no more sockets.
  base::Result<Id> Carry(Link link);
  /// Afterwards the relay does not touch the sockets. Nothing: the link is over.
  std::optional<Rests> Release(Id id);

 private:
  struct Way;
  struct Carried;
  class Waiting;

  Relay(int epoll, int wake);
  void Run();
  void Serve(uint64_t tag, uint32_t events);
  bool Pump(Way& way);
  bool Send(Way& way, std::string_view bytes);
  void Drop(Carried& carried);

  const int epoll_;
  const int wake_;
  std::mutex mutex_;
  std::unordered_map<Id, std::unique_ptr<Carried>> links_;
  Id next_ = 1;
  bool stops_ = false;
  std::vector<char> buffer_;
  std::vector<uint64_t> again_;  // sides with more to receive than one turn takes
  std::jthread thread_;          // the last one: it uses the others
};

}  // namespace net
