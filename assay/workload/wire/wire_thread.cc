#include "assay/workload/wire/wire_thread.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/units.h"

namespace assay::workload {
namespace {

using base::Duration;
using Result = http::wire::Connection::Result;

constexpr size_t kBuffer = 64 * 1024;
constexpr auto kExpiryEvery = std::chrono::milliseconds(20);
constexpr int kMostEvents = 256;

Duration ThreadCpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

int64_t ShareOf(int64_t total, size_t number, size_t parts) {
  const auto n = static_cast<int64_t>(number);
  const auto p = static_cast<int64_t>(parts);
  return total / p + (n < total % p ? 1 : 0);
}

/// The status of an answer, then what the scenario knows.
class StatusScope final : public cel::Activation {
 public:
  StatusScope(int status, const cel::Activation& outer) : status_(status), outer_(outer) {}
  std::optional<cel::Value> Find(std::string_view name) const override {
    if (name == "status") return cel::Value::Int(status_);
    return outer_.Find(name);
  }

 private:
  int status_;
  const cel::Activation& outer_;
};

}  // namespace

WireThread::WireThread(const Load& load, const WirePlan& plan, Flow& flow, Collector& collector,
                       size_t number, size_t threads)
    : load_(load),
      plan_(plan),
      flow_(flow),
      collector_(collector),
      number_(number),
      threads_(threads),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      mix_(*Mix::Create(load.Weights(), load.seed)),
      tally_(load.tasks.size()),
      judged_(load.tasks.size()),
      buffer_(kBuffer) {
  epoll_event interest{};
  interest.events = EPOLLIN;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &interest);
}

WireThread::~WireThread() {
  seats_.clear();
  ::close(wake_);
  ::close(epoll_);
}

void WireThread::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
}

void WireThread::Cancel() {
  cancelled_.store(true, std::memory_order_release);
  Wake();
}

void WireThread::Run() {
  // Timers of the kernel are 50 us late by default; arrivals are due to the microsecond.
  ::prctl(PR_SET_TIMERSLACK, 1000UL);
  cpu_before_ = ThreadCpu();
  SteadyTime now = delivered_ = Now();
  next_tick_ = flow_.start() + std::chrono::seconds(1);
  next_expiry_ = now + kExpiryEvery;
  Open();
  while (!Over(now)) {
    BeginDue(now);
    Wait(now);
    now = Now();
    if (now >= next_expiry_) Expire(now);
    if (now >= next_tick_) Deliver(now);
  }
  for (const auto& seat : seats_) {
    if (seat->busy) Interrupt(*seat);
    if (seat->there) Depart(*seat);
  }
  Deliver(Now());
}

void WireThread::Open() {
  const Executor& executor = load_.executor;
  const auto step = static_cast<int64_t>(threads_);
  const auto add = [&](int64_t vu) {
    seats_.push_back(std::make_unique<Seat>(*plan_.server, epoll_, buffer_, load_.UserNumber(vu)));
    return seats_.back().get();
  };
  if (executor.is_open()) {
    room_ = static_cast<size_t>(ShareOf(executor.max_vus, number_, threads_));
    const int64_t there = ShareOf(executor.pre_allocated_vus, number_, threads_);
    for (int64_t i = 0; i < there; ++i) {
      Seat* seat = add(static_cast<int64_t>(number_) + 1 + step * i);
      Arrive(*seat, {});
      free_.push_back(seat);
    }
    exhausted_ = room_ == 0;
    return;
  }
  const UserSchedule schedule(executor);
  for (int64_t user = static_cast<int64_t>(number_); user < schedule.most_users(); user += step) {
    auto presences = schedule.PresenceOf(user);
    if (presences.empty()) continue;
    Seat* seat = add(user + 1);
    seat->presences = std::move(presences);
    alarms_.push({flow_.start() + seat->presences.front().begin, seat});
  }
  turn_.reserve(seats_.size());
}

// --- begin --------------------------------------------------------------------------------------

bool WireThread::Over(SteadyTime now) {
  if (cancelled_.load(std::memory_order_acquire) || now >= flow_.last()) return true;
  if (busy_ > 0 || !broken_.empty() || !turn_.empty()) return false;
  if (flow_.stopped()) return true;
  return load_.executor.is_open() ? exhausted_ && !pending_ : alarms_.empty();
}

void WireThread::BeginDue(SteadyTime now) {
  for (Seat* seat : std::exchange(broken_, {})) Finish(*seat, false, now);
  if (load_.executor.is_open()) {
    BeginArrivals(now);
  } else {
    WakeUsers(now);
    // All answers of a round are taken before the next requests go out: the other side gets more to
    // do at once, and both sleep less often. Each request has its own begin.
    for (Seat* seat : turn_) NextOf(*seat, Now());
    turn_.clear();
  }
}

WireThread::Seat* WireThread::FreeSeat() {
  if (!free_.empty()) {
    Seat* seat = free_.back();
    free_.pop_back();
    return seat;
  }
  const auto number = static_cast<int64_t>(number_ + 1 + threads_ * seats_.size());
  seats_.push_back(
      std::make_unique<Seat>(*plan_.server, epoll_, buffer_, load_.UserNumber(number)));
  Arrive(*seats_.back(), {});
  return seats_.back().get();
}

// An arrival is taken only when somebody can begin it, so that none is stuck here while another
// thread has free users.
void WireThread::BeginArrivals(SteadyTime now) {
  // Answers are looked at in between, or a backlog would make this thread deaf.
  constexpr int kMostAtOnce = 64;
  for (int begun = 0; begun < kMostAtOnce; ++begun) {
    if (flow_.stopped()) {
      pending_.reset();
      exhausted_ = true;
    }
    if (exhausted_ && !pending_) return;
    if (free_.empty() && seats_.size() >= room_) {
      blocked_ = true;
      return;
    }
    if (!pending_) {
      pending_ = flow_.Arrive();
      if (!pending_) {
        exhausted_ = true;
        return;
      }
    }
    if (pending_->due > now) return;
    const Ticket ticket = *std::exchange(pending_, std::nullopt);
    Seat& seat = *FreeSeat();
    now = Now();
    tally_.delay.Record(Microseconds(now - std::max(ticket.due, free_since_)));
    if (ticket.due < free_since_) ++tally_.late;
    Start(seat, ticket.index, ticket.due, flow_.last(), now);
  }
}

void WireThread::WakeUsers(SteadyTime now) {
  while (!alarms_.empty() && alarms_.top().time <= now) {
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    Seat& seat = *alarm.seat;
    if (seat.there && !seat.pause_is_cut) {
      tally_.think.Record(Microseconds(now - seat.think_from));
      tally_.delay.Record(Microseconds(now - alarm.time));
    }
    NextOf(seat, now);
  }
}

void WireThread::Arrive(Seat& seat, SteadyTime) {
  seat.there = true;
  flow_.Enter();
}

void WireThread::Depart(Seat& seat) {
  seat.there = false;
  flow_.Leave();
}

// What a user of a closed model does next: an iteration, or he leaves until he is wanted again.
void WireThread::NextOf(Seat& seat, SteadyTime now) {
  if (flow_.stopped()) {
    if (seat.there) Depart(seat);
    return;
  }
  const Presence& presence = seat.presences[seat.presence];
  if (!seat.there) Arrive(seat, now);
  if (now >= flow_.start() + presence.end) {
    Depart(seat);
    if (++seat.presence < seat.presences.size()) {
      alarms_.push({flow_.start() + seat.presences[seat.presence].begin, &seat});
    }
    return;
  }
  const bool enough = load_.executor.kind == ExecutorKind::kPerVuIterations &&
                      seat.done == load_.executor.iterations;
  const auto index = enough ? std::nullopt : flow_.Begin();
  if (!index) {
    Depart(seat);
    return;
  }
  ++seat.done;
  Start(seat, *index, now, flow_.start() + presence.last, now);
}

void WireThread::Start(Seat& seat, uint64_t index, SteadyTime due, SteadyTime last,
                       SteadyTime now) {
  seat.task = mix_.TaskOf(index);
  seat.index = index;
  seat.due = due;
  seat.begin = now;
  const WireTask& task = plan_.tasks[seat.task];
  const Duration limit = task.step->timeout;
  seat.deadline = limit > Duration::zero() ? std::min(last, now + limit) : last;
  seat.busy = true;
  ++busy_;
  ++tally_.begun;
  const Result result = seat.connection.Send(task.request);
  // Nothing is answered at once; what failed at once must not recurse.
  if (result != Result::kWaiting) broken_.push_back(&seat);
}

// --- end ----------------------------------------------------------------------------------------

std::string WireThread::Judged::Reason(const WirePlan& plan, const plan::PlannedStep& step,
                                       int status) const {
  const StatusScope scope(status, *plan.variables);
  for (const plan::PlannedExpression& expectation : step.expect) {
    const cel::Value value = expectation.Evaluate({scope, plan.run_seed, "", {}});
    if (value.is_true()) continue;
    const std::string& text = expectation.source().text;
    return value.is_error() ? fmt::format("{}: {}", text, value.error().message) : text;
  }
  return "";
}

bool WireThread::Passes(size_t task, int status) {
  int8_t& known = judged_[task].by_status[static_cast<size_t>(std::clamp(status, 0, 599))];
  if (known == 0) {
    known = judged_[task].Reason(plan_, *plan_.tasks[task].step, status).empty() ? 1 : -1;
  }
  return known > 0;
}

void WireThread::After(Seat& seat, Result result, SteadyTime now) {
  if (result != Result::kWaiting) Finish(seat, result == Result::kAnswered, now);
}

void WireThread::Finish(Seat& seat, bool answered, SteadyTime now) {
  const int status = answered ? seat.connection.status() : 0;
  const bool passed = answered && Passes(seat.task, status);
  tally_.Finished({seat.task, now - seat.due, now - seat.begin, !passed});
  if (answered) {
    tally_.Status(seat.task, status);
    tally_.received_bytes += seat.connection.body_bytes();
  }
  if (!passed) {
    const plan::PlannedStep& step = *plan_.tasks[seat.task].step;
    collector_.Fail({.what = {seat.task, step.title,
                              answered ? judged_[seat.task].Reason(plan_, step, status)
                                       : seat.connection.problem()},
                     .at = seat.begin - flow_.start(),
                     .vu = seat.number,
                     .index = seat.index,
                     .status = status});
  }
  Release(seat, now);
}

void WireThread::Release(Seat& seat, SteadyTime now) {
  seat.busy = false;
  --busy_;
  seat.think_from = now;
  const bool is_open = load_.executor.is_open();
  if (is_open) {
    if (std::exchange(blocked_, false)) free_since_ = now;
    free_.push_back(&seat);
    return;
  }
  if (load_.think.none()) {
    turn_.push_back(&seat);
    return;
  }
  // A pause that ends after the user has to leave is not waited for any longer than that.
  const SteadyTime end = flow_.start() + seat.presences[seat.presence].end;
  const SteadyTime due = now + load_.think.After(seat.index, load_.seed);
  seat.pause_is_cut = due >= end;
  alarms_.push({std::min(end, due), &seat});
}

// --- time ---------------------------------------------------------------------------------------

void WireThread::Interrupt(Seat& seat) {
  seat.connection.Close();
  ++tally_.tasks[seat.task].interrupted;
  seat.busy = false;
  --busy_;
}

void WireThread::Expire(SteadyTime now) {
  next_expiry_ = now + kExpiryEvery;
  for (const auto& seat : seats_) {
    if (!seat->busy || now < seat->deadline) continue;
    const Duration limit = plan_.tasks[seat->task].step->timeout;
    if (limit == Duration::zero() || seat->deadline < seat->begin + limit) {
      Interrupt(*seat);
      if (!load_.executor.is_open()) NextOf(*seat, now);
      continue;
    }
    seat->connection.Close();
    collector_.Fail({.what = {seat->task, plan_.tasks[seat->task].step->title,
                              "no result within " + base::FormatDuration(limit)},
                     .at = seat->begin - flow_.start(),
                     .vu = seat->number,
                     .index = seat->index});
    tally_.Finished({seat->task, now - seat->due, now - seat->begin, true});
    Release(*seat, now);
  }
}

void WireThread::Wait(SteadyTime now) {
  SteadyTime until = std::min({next_tick_, next_expiry_, flow_.last()});
  if (pending_) until = std::min(until, pending_->due);
  if (!alarms_.empty()) until = std::min(until, alarms_.top().time);
  if (!broken_.empty()) until = now;
  // Arrivals that wait in the schedule although somebody is free: the round ended early.
  if (load_.executor.is_open() && !exhausted_ && !pending_ && !blocked_) until = now;
  const Duration rest = std::max(Duration::zero(), Duration(until - Now()));
  const timespec timeout{.tv_sec = rest / std::chrono::seconds(1),
                         .tv_nsec = (rest % std::chrono::seconds(1)).count()};
  std::array<epoll_event, kMostEvents> events;
  const int ready = ::epoll_pwait2(epoll_, events.data(), kMostEvents, &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.ptr == nullptr) {
      uint64_t count = 0;
      [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
      continue;
    }
    Seat& seat = *static_cast<Seat*>(event.data.ptr);
    const Result result = seat.connection.OnReady(event.events);
    if (result != Result::kWaiting) After(seat, result, Now());
  }
}

void WireThread::Deliver(SteadyTime now) {
  while (next_tick_ <= now) next_tick_ += std::chrono::seconds(1);
  const Duration cpu = ThreadCpu();
  tally_.busy += cpu - std::exchange(cpu_before_, cpu);
  tally_.present += now - std::exchange(delivered_, now);
  collector_.Deliver(tally_);
}

}  // namespace assay::workload
