#include "assay/workload/steps/step_loop.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "assay/plan/path.h"
#include "lib/base/random.h"
#include "lib/crypto/hash.h"

namespace assay::workload {
namespace {

using base::Deadline;
using base::Duration;
using base::SteadyTime;

constexpr size_t kMostKeptBytes = 256 * 1024;

Duration ThreadCpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// A share of `total` for part `number` of `parts`; the shares add up to the total.
int64_t ShareOf(int64_t total, size_t number, size_t parts) {
  const auto n = static_cast<int64_t>(number);
  const auto p = static_cast<int64_t>(parts);
  return total / p + (n < total % p ? 1 : 0);
}

}  // namespace

base::Result<std::string> IterationBlobs::Put(std::string_view bytes) {
  std::string name = crypto::Sha256Hex(bytes);
  if (bytes_ + bytes.size() <= kMostKeptBytes) {
    bytes_ += bytes.size();
    contents_.emplace_back(bytes);
  }
  return name;
}

void IterationBlobs::Clear() {
  contents_.clear();
  bytes_ = 0;
}

std::vector<std::string> IterationBlobs::Take() {
  bytes_ = 0;
  return std::exchange(contents_, {});
}

StepLoop::StepLoop(const Shared& shared, size_t number, http::Client& http)
    : shared_(shared),
      number_(number),
      http_(http),
      mix_(*Mix::Create(shared.load.Weights(), shared.load.seed)),
      tally_(shared.load.tasks.size()) {}

net::Task<void> StepLoop::Run() {
  cpu_before_ = ThreadCpu();
  delivered_ = Now();
  // An exception in a user is a bug of ours; it must not look like an answer of the system.
  const auto bug = [this](const base::Error& error) {
    shared_.collector.Fail({.what = {0, "", "internal error: " + error.message}});
    ++tally_.tasks[0].failed;
  };
  const net::Executor executor = co_await net::CurrentExecutor();
  net::TaskGroup ticker(executor, bug);
  ticker.Spawn(Tick());
  {
    net::TaskGroup users(executor, bug);
    if (shared_.load.executor.is_open()) {
      co_await Dispatch(users);
    } else {
      const UserSchedule schedule(shared_.load.executor);
      for (int64_t user = static_cast<int64_t>(number_); user < schedule.most_users();
           user += static_cast<int64_t>(shared_.loops)) {
        users.Spawn(ClosedUser(user + 1));
      }
    }
    static_cast<void>(co_await users.Join(Deadline::Never()));
  }
  over_.Set();
  static_cast<void>(co_await ticker.Join(Deadline::Never()));
  Deliver();
}

net::Task<void> StepLoop::Tick() {
  for (int64_t second = 1; !over_.is_set(); ++second) {
    static_cast<void>(
        co_await over_.Wait(Deadline::At(shared_.flow.start() + std::chrono::seconds(second))));
    Deliver();
  }
}

void StepLoop::Deliver() {
  const Duration cpu = ThreadCpu();
  const SteadyTime now = Now();
  tally_.busy += cpu - std::exchange(cpu_before_, cpu);
  tally_.present += now - std::exchange(delivered_, now);
  shared_.collector.Deliver(tally_);
}

void StepLoop::Wake() {
  stop_.Set();
  changed_.Set();
}

void StepLoop::Cancel() {
  Wake();
  for (Seat* seat : seats_) {
    if (seat->user) seat->user->Stop();
  }
}

net::Task<bool> StepLoop::SleepUntil(SteadyTime time) {
  if (Now() < time) static_cast<void>(co_await stop_.Wait(Deadline::At(time)));
  co_return !stop_.is_set();
}

std::unique_ptr<StepLoop::Seat> StepLoop::NewSeat(int64_t number) {
  auto seat = std::make_unique<Seat>();
  seat->number = shared_.load.UserNumber(number);
  seat->user = shared_.bodies.MakeUser(http_, seat->blobs);
  seats_.insert(seat.get());
  shared_.flow.Enter();
  return seat;
}

// --- open ---------------------------------------------------------------------------------------

// An arrival is taken only when somebody can begin it, so that none is stuck here while another
// loop has free users.
net::Task<void> StepLoop::Dispatch(net::TaskGroup& users) {
  const Executor& executor = shared_.load.executor;
  const auto loops = static_cast<int64_t>(shared_.loops);
  const int64_t there = ShareOf(executor.pre_allocated_vus, number_, shared_.loops);
  room_ = static_cast<size_t>(ShareOf(executor.max_vus, number_, shared_.loops));
  int64_t made = 0;
  const auto next_number = [&] { return static_cast<int64_t>(number_) + 1 + loops * made++; };
  while (made < there) users.Spawn(OpenUser(NewSeat(next_number())));
  while (room_ > 0) {
    if (free_.empty() && seats_.size() >= room_) {
      changed_.Reset();
      static_cast<void>(co_await changed_.Wait(Deadline::At(shared_.flow.last())));
      free_since_ = Now();
      if (stop_.is_set() || Now() >= shared_.flow.last()) break;
      continue;
    }
    const auto ticket = shared_.flow.Arrive();
    if (!ticket || !co_await SleepUntil(ticket->due)) break;
    if (free_.empty()) {
      auto seat = NewSeat(next_number());
      Hand(*seat, *ticket);
      users.Spawn(OpenUser(std::move(seat)));
    } else {
      Seat& seat = *free_.back();
      free_.pop_back();
      Hand(seat, *ticket);
      seat.given.Set();
    }
  }
  stop_.Set();
  for (Seat* seat : std::exchange(free_, {})) seat->given.Set();
}

void StepLoop::Hand(Seat& seat, const Ticket& ticket) {
  seat.is_late = ticket.due < free_since_;
  seat.ready = std::max(ticket.due, free_since_);
  seat.ticket = ticket;
}

net::Task<void> StepLoop::OpenUser(std::unique_ptr<Seat> seat) {
  bool works = co_await Begin(*seat);
  if (shared_.load.on_start != nullptr) seat->ready = std::max(seat->ready, Now());
  while (works) {
    if (seat->ticket) {
      const Ticket ticket = *std::exchange(seat->ticket, std::nullopt);
      tally_.delay.Record(Microseconds(Now() - seat->ready));
      if (seat->is_late) ++tally_.late;
      co_await Iterate(*seat, {ticket.index, ticket.due, shared_.flow.last()});
      if (!shared_.load.think.none()) co_await Pause(ticket.index, shared_.flow.end());
    }
    if (stop_.is_set()) break;
    seat->given.Reset();
    free_.push_back(seat.get());
    changed_.Set();
    static_cast<void>(co_await seat->given.Wait(Deadline::Never()));
    if (!seat->ticket) break;
  }
  seats_.erase(seat.get());
  shared_.flow.Leave();
  changed_.Set();
}

// --- closed -------------------------------------------------------------------------------------

net::Task<void> StepLoop::ClosedUser(int64_t number) {
  const auto presences = UserSchedule(shared_.load.executor).PresenceOf(number - 1);
  std::unique_ptr<Seat> seat;
  int64_t done = 0;
  for (const Presence& presence : presences) {
    if (!co_await SleepUntil(shared_.flow.start() + presence.begin)) break;
    if (!seat) {
      seat = NewSeat(number);
      if (!co_await Begin(*seat)) {
        shared_.flow.Leave();
        break;
      }
    } else {
      shared_.flow.Enter();
    }
    const bool again = co_await Stay(*seat, presence, done);
    shared_.flow.Leave();
    if (!again) break;
  }
  if (seat) seats_.erase(seat.get());
}

net::Task<bool> StepLoop::Stay(Seat& seat, const Presence& presence, int64_t& done) {
  const Executor& executor = shared_.load.executor;
  const SteadyTime end = shared_.flow.start() + presence.end;
  const SteadyTime last = shared_.flow.start() + presence.last;
  while (Now() < end && !stop_.is_set()) {
    if (executor.kind == ExecutorKind::kPerVuIterations && done == executor.iterations) {
      co_return false;
    }
    const auto index = shared_.flow.Begin();
    if (!index) co_return false;
    ++done;
    co_await Iterate(seat, {*index, Now(), last});
    if (!shared_.load.think.none()) co_await Pause(*index, end);
  }
  co_return !stop_.is_set();
}

// --- both ---------------------------------------------------------------------------------------

net::Task<bool> StepLoop::Begin(Seat& seat) {
  if (shared_.load.on_start == nullptr) co_return true;
  Failure failure{
      .what = {0, "on_start", ""}, .at = Now() - shared_.flow.start(), .vu = seat.number};
  action::BodyRequest request{
      .block = shared_.load.on_start,
      .path = plan::StepPath(shared_.bodies.path(), fmt::format("on_start[{}]", seat.number)),
      .locals = {{"vu", cel::Value::Int(seat.number)},
                 {"index", cel::Value::Int(0)},
                 {"row", cel::Value::Null()}},
      .deadline = Deadline::At(shared_.flow.last()),
      .keep_variables = true};
  const action::BodyEnd end = co_await seat.user->Run(std::move(request));
  if (end.verdict <= history::Verdict::kSkipped) co_return true;
  ++tally_.start_failures;
  failure.what.reason = end.reason;
  failure.blobs = seat.blobs.Take();
  shared_.collector.Fail(std::move(failure));
  co_return false;
}

void StepLoop::Note(const action::BodyStep& step, size_t task, Failure& failure) {
  const cel::Value* status = step.outcome.value.Find("status");
  const bool has_status = status != nullptr && status->is_int();
  if (has_status) tally_.Status(task, status->int_value());
  if (step.verdict <= history::Verdict::kSkipped || !failure.what.reason.empty()) return;
  failure.what = {task, step.step.title, std::string(step.reason)};
  failure.status = has_status ? status->int_value() : 0;
  failure.transcript = step.outcome.transcript;
}

net::Task<void> StepLoop::Iterate(Seat& seat, Iteration iteration) {
  const size_t task = mix_.TaskOf(iteration.index);
  const LoadTask& what = shared_.load.tasks[task];
  const SteadyTime begin = Now();
  Failure failure{.at = begin - shared_.flow.start(), .vu = seat.number, .index = iteration.index};
  cel::Value row;
  action::BodyEnd end;
  ++tally_.begun;
  seat.blobs.Clear();
  if (what.rows) {
    auto read = what.rows->RowOf(iteration.index);
    if (read) {
      row = *std::move(read);
    } else {
      end = {history::Verdict::kError, read.error().message};
    }
  }
  if (end.verdict == history::Verdict::kPassed) {
    action::BodyRequest request{
        .block = what.block,
        .path = plan::WithIteration(plan::StepPath(shared_.bodies.path(), what.name),
                                    static_cast<size_t>(iteration.index)),
        .locals = {{"vu", cel::Value::Int(seat.number)},
                   {"index", cel::Value::Int(static_cast<int64_t>(iteration.index))},
                   {"row", std::move(row)}},
        .deadline = Deadline::At(iteration.last),
        .on_step = [&](const action::BodyStep& step) { Note(step, task, failure); }};
    end = co_await seat.user->Run(std::move(request));
  }
  if (end.interrupted) {
    ++tally_.tasks[task].interrupted;
    co_return;
  }
  const SteadyTime now = Now();
  // Steps that said themselves that there was nothing to do did not fail.
  const bool failed = end.verdict > history::Verdict::kSkipped;
  tally_.Finished({task, now - iteration.due, now - begin, failed});
  if (!failed) co_return;
  if (failure.what.reason.empty()) failure.what = {task, "", end.reason};
  if (shared_.collector.WantsDetails(failure.what)) failure.blobs = seat.blobs.Take();
  shared_.collector.Fail(std::move(failure));
}

net::Task<void> StepLoop::Pause(uint64_t index, SteadyTime until) {
  const SteadyTime begin = Now();
  const SteadyTime due = begin + shared_.load.think.After(index, shared_.load.seed);
  if (due >= until) {
    // Nothing follows: the rest of the pause is not waited for.
    static_cast<void>(co_await SleepUntil(until));
    co_return;
  }
  if (!co_await SleepUntil(due)) co_return;
  const SteadyTime now = Now();
  tally_.think.Record(Microseconds(now - begin));
  tally_.delay.Record(Microseconds(now - due));
}

}  // namespace assay::workload
