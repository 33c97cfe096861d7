#include "lib/net/relay/relay.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

namespace {

using std::chrono::steady_clock;

/// Shared by all links of a relay, so that its size costs nothing for each.
constexpr size_t kBuffer = size_t{256} << 10;
/// Filled buffers that one side may pass on before the others have their turn.
constexpr int kMostAtOnce = 4;
constexpr int kMostEvents = 64;
/// Longer than a server on the same machine takes for a small answer, and about what it costs to
/// put a processor to sleep and to wake it again.
constexpr auto kSpin = std::chrono::microseconds(40);

/// The tag of epoll: which link, and which of its sockets.
constexpr uint64_t TagOf(Relay::Id id, bool second) { return id * 2 + (second ? 1 : 0); }
constexpr uint64_t kWakeTag = 0;

base::Error NoDescriptor(const char* what) {
  return {.code = base::ErrorCode::kUnavailable,
          .message = std::string("cannot ") + what + ": " + std::strerror(errno)};
}

}  // namespace

/// One direction.
struct Relay::Way {
  uint64_t tag = 0;
  int from = -1;
  int to = -1;
  std::atomic<uint64_t>* received = nullptr;
  std::string held = {};  ///< what the receiver had no room for
  bool closing = false;   ///< an event told of an end or an error, which shows no second time
  bool at_end = false;    ///< the sender has ended
  bool ended = false;     ///< and the receiver knows
};

struct Relay::Carried {
  Id id = 0;
  Way forth;
  Way back;
  std::move_only_function<void(Outcome)> over;
};

/// Waits for events: awake for kSpin while waits tend to be shorter, asleep otherwise.
class Relay::Waiting {
 public:
  explicit Waiting(int epoll) : epoll_(epoll) {}

  std::span<const epoll_event> Next(bool at_once) {
    if (at_once) return Poll(0);
    const auto began = steady_clock::now();
    std::span<const epoll_event> events;
    if (short_share_ > kWorthwhile) {
      do {
        events = Poll(0);
      } while (events.empty() && steady_clock::now() - began < kSpin);
    }
    if (events.empty()) events = Poll(-1);
    const bool was_short = steady_clock::now() - began < kSpin;
    short_share_ += ((was_short ? 1.0 : 0.0) - short_share_) / kMemory;
    return events;
  }

 private:
  // A conversation has a short wait for the answer and a long one for the next question. Below one
  // in eight, staying awake costs more than it saves.
  static constexpr double kWorthwhile = 0.125;
  static constexpr double kMemory = 32;

  std::span<const epoll_event> Poll(int timeout) {
    const int ready = ::epoll_wait(epoll_, events_.data(), kMostEvents, timeout);
    return std::span(events_).first(ready > 0 ? static_cast<size_t>(ready) : 0);
  }

  const int epoll_;
  double short_share_ = 0;
  std::array<epoll_event, kMostEvents> events_{};
};

base::Result<std::unique_ptr<Relay>> Relay::Start() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return base::Fail(NoDescriptor("make an epoll"));
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    auto error = NoDescriptor("make an eventfd");
    ::close(epoll);
    return base::Fail(std::move(error));
  }
  epoll_event interest{.events = EPOLLIN, .data = {.u64 = kWakeTag}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &interest);
  return std::unique_ptr<Relay>(new Relay(epoll, wake));
}

Relay::Relay(int epoll, int wake)
    : epoll_(epoll), wake_(wake), buffer_(kBuffer), thread_([this] { Run(); }) {}

Relay::~Relay() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  const uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
  ::close(epoll_);
}

base::Result<Relay::Id> Relay::Carry(Link link) {
  const std::lock_guard lock(mutex_);
  const Id id = next_++;
  auto carried = std::make_unique<Carried>(Carried{.id = id,
                                                   .forth = {.tag = TagOf(id, false),
                                                             .from = link.first,
                                                             .to = link.second,
                                                             .received = link.from_first},
                                                   .back = {.tag = TagOf(id, true),
                                                            .from = link.second,
                                                            .to = link.first,
                                                            .received = link.from_second},
                                                   .over = std::move(link.over)});
  // Edges: what is there already shows as the first.
  epoll_event interest{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {}};
  for (const bool second : {false, true}) {
    interest.data.u64 = TagOf(id, second);
    const int fd = second ? link.second : link.first;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest) == 0) continue;
    auto error = NoDescriptor("watch a socket");
    if (second) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, link.first, nullptr);
    return base::Fail(std::move(error));
  }
  links_.emplace(id, std::move(carried));
  return id;
}

std::optional<Relay::Rests> Relay::Release(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = links_.find(id);
  if (found == links_.end()) return std::nullopt;
  Carried& carried = *found->second;
  Rests rests{.from_first = {.bytes = std::move(carried.forth.held), .ended = carried.forth.ended},
              .from_second = {.bytes = std::move(carried.back.held), .ended = carried.back.ended}};
  Drop(carried);
  return rests;
}

void Relay::Drop(Carried& carried) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, carried.forth.from, nullptr);
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, carried.back.from, nullptr);
  links_.erase(carried.id);
}

void Relay::Run() {
  Waiting waiting(epoll_);
  bool more = false;
  while (true) {
    const auto events = waiting.Next(more);
    const std::lock_guard lock(mutex_);
    if (stops_) return;
    for (const uint64_t tag : std::exchange(again_, {})) Serve(tag, EPOLLIN);
    for (const epoll_event& event : events) Serve(event.data.u64, event.events);
    more = !again_.empty();
  }
}

// Events of links that were given back meanwhile find nothing.
void Relay::Serve(uint64_t tag, uint32_t events) {
  const auto found = links_.find(tag / 2);
  if (found == links_.end()) return;
  Carried& carried = *found->second;
  Way& from_it = tag % 2 == 0 ? carried.forth : carried.back;
  Way& to_it = tag % 2 == 0 ? carried.back : carried.forth;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) from_it.closing = true;
  bool goes_on = true;
  if ((events & EPOLLOUT) != 0 && !to_it.held.empty()) goes_on = Pump(to_it);
  if (goes_on && (events & ~uint32_t{EPOLLOUT}) != 0) goes_on = Pump(from_it);
  // Also of a side whose end was received long ago: it refuses what it is sent.
  if ((events & EPOLLERR) != 0) goes_on = false;
  if (goes_on && !(carried.forth.ended && carried.back.ended)) return;
  auto over = std::move(carried.over);
  const Outcome outcome = goes_on ? Outcome::kEnded : Outcome::kReset;
  Drop(carried);
  over(outcome);
}

// Sends what is held, then `bytes`; holds what the receiver has no room for. False: it is gone.
bool Relay::Send(Way& way, std::string_view bytes) {
  const std::string_view first = way.held.empty() ? bytes : std::string_view(way.held);
  const ssize_t sent = ::send(way.to, first.data(), first.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
  const size_t left = first.size() - (sent < 0 ? 0 : static_cast<size_t>(sent));
  std::string rest(first.substr(first.size() - left));
  way.held = std::move(rest);
  return true;
}

// Moves what there is. False: a side is gone.
bool Relay::Pump(Way& way) {
  for (int turn = 0; turn < kMostAtOnce; ++turn) {
    if (!way.held.empty()) {
      // Until the receiver says itself that it is full, no event tells of room.
      const size_t before = way.held.size();
      if (!Send(way, {})) return false;
      if (way.held.size() == before) return true;
      continue;
    }
    if (way.at_end && !way.ended) ::shutdown(way.to, SHUT_WR);
    way.ended = way.at_end;
    if (way.ended) return true;
    const ssize_t got = ::recv(way.from, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
    way.received->fetch_add(bytes.size(), std::memory_order_relaxed);
    way.at_end = bytes.empty();
    if (!bytes.empty() && !Send(way, bytes)) return false;
    // A buffer that was not filled emptied the socket; an event tells of more.
    if (!way.at_end && !way.closing && way.held.empty() && bytes.size() < buffer_.size())
      return true;
  }
  again_.push_back(way.tag);
  return true;
}

}  // namespace net
