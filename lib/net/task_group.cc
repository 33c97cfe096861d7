#include "lib/net/task_group.h"

#include <exception>

#include "lib/net/pch/asio.h"
#include "lib/net/runtime.h"
#include "lib/net/spawn.h"

namespace net {
namespace asio = boost::asio;

struct TaskGroup::State {
  State(Executor on, ErrorSink to) : executor(std::move(on)), sink(std::move(to)) {}

  Executor executor;
  ErrorSink sink;
  std::list<asio::cancellation_signal> running;
  bool cancelled = false;
  Event stopping;
  Event empty;
};

namespace {

std::string Describe(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

TaskGroup::TaskGroup(Executor executor, ErrorSink sink)
    : state_(std::make_shared<State>(std::move(executor), std::move(sink))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::Spawn(Task<void> task) {
  state_->running.emplace_back();
  const auto place = std::prev(state_->running.end());
  state_->empty.Reset();
  asio::co_spawn(state_->executor, internal::Quiet(std::move(task)),
                 asio::bind_cancellation_slot(
                     place->slot(), [state = state_, place](const std::exception_ptr& thrown) {
                       state->running.erase(place);
                       if (state->running.empty()) state->empty.Set();
                       if (thrown && state->sink) {
                         state->sink({.code = base::ErrorCode::kInternal,
                                      .message = "a task threw: " + Describe(thrown)});
                       }
                     }));
  if (state_->cancelled) place->emit(asio::cancellation_type::terminal);
}

size_t TaskGroup::size() const { return state_->running.size(); }

void TaskGroup::Stop() { state_->stopping.Set(); }

Event& TaskGroup::stopping() { return state_->stopping; }

void TaskGroup::Cancel() {
  state_->cancelled = true;
  for (auto& signal : state_->running) signal.emit(asio::cancellation_type::terminal);
}

Task<base::Result<void>> TaskGroup::Join(base::Deadline deadline) {
  const auto state = state_;
  while (!state->running.empty()) {
    CO_TRY(co_await state->empty.Wait(deadline));
  }
  co_return base::Result<void>();
}

Task<size_t> TaskGroup::Shutdown(base::Deadline grace) {
  Stop();
  const auto in_time = co_await Join(grace);
  if (in_time.has_value()) co_return 0;
  const size_t left = size();
  Cancel();
  (void)co_await Shielded(Join(base::Deadline::Never()));
  co_return left;
}

}  // namespace net
