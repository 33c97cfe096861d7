#pragma once
// Task<T>: a coroutine that runs on an event loop. Lazy: it starts when awaited or spawned.
//
// Cancellation does not throw. A cancelled task sees kCancelled from the I/O call it waits in, and
// from every later call of this library, so that handing errors on with CO_TRY unwinds it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace net {

template <typename T>
using Task = boost::asio::awaitable<T>;

/// A handle of one event loop.
using Executor = boost::asio::any_io_executor;

/// The loop on which the caller runs.
Task<Executor> CurrentExecutor();

/// True once the calling task was cancelled. For loops that compute without waiting.
Task<bool> IsCancelled();

}  // namespace net
