#include "lib/sql/postgres/database.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "lib/sql/postgres/connection.h"
#include "lib/sql/postgres/login.h"

namespace sql {

using base::ErrorCode;
using base::Fail;

namespace {
/// A condition variable cannot wait for an Interrupt too, so it looks for one this often.
constexpr std::chrono::milliseconds kBetweenLooks(50);
}  // namespace

PostgresDatabase::PostgresDatabase(PostgresOptions options) : options_(std::move(options)) {
  writers_.limit = std::max<size_t>(options_.writers, 1);
  readers_.limit = std::max<size_t>(options_.readers, 1);
}

PostgresDatabase::~PostgresDatabase() = default;

base::Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::Open(PostgresOptions options,
                                                                       base::Deadline deadline) {
  std::unique_ptr<PostgresDatabase> database(new PostgresDatabase(std::move(options)));
  if (!database->options_.connects_at_once) {
    TRY(PostgresLogin::Parse(database->options_.url, ""));
    return database;
  }
  TRY(auto first, PostgresConnection::Open(database->options_, Access::kWrite, deadline));
  database->writers_.open = 1;
  database->writers_.idle.push_back(std::move(first));
  return database;
}

base::Result<std::unique_ptr<PostgresConnection>> PostgresDatabase::TakePlace(
    Access access, base::Deadline deadline) {
  std::unique_lock lock(mutex_);
  Pool& pool = PoolOf(access);
  const auto possible = [&] { return !pool.idle.empty() || pool.open < pool.limit; };
  while (!possible()) {
    if (options_.interrupt && options_.interrupt->raised()) {
      return Fail(ErrorCode::kCancelled, "waiting for a connection was interrupted");
    }
    const auto now = std::chrono::steady_clock::now();
    if (!deadline.is_never() && now >= deadline.time()) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("no {} connection became free in time",
                              access == Access::kWrite ? "writing" : "reading"));
    }
    const auto look = base::Deadline::At(now + kBetweenLooks).Earlier(deadline);
    returned_.wait_until(lock, look.time(), possible);
  }
  while (!pool.idle.empty()) {
    std::unique_ptr<PostgresConnection> connection = std::move(pool.idle.back());
    pool.idle.pop_back();
    if (connection->IsAlive()) return connection;
    --pool.open;
  }
  ++pool.open;
  return nullptr;
}

base::Result<Lease> PostgresDatabase::Acquire(Access access, base::Deadline deadline) {
  TRY(auto connection, TakePlace(access, deadline));
  if (!connection) {
    auto opened = PostgresConnection::Open(options_, access, deadline);
    if (!opened) {
      GiveUpPlace(access);
      base::Error error = std::move(opened.error());
      // The caller asked for a connection; that there was no time to open one is the same to it.
      if (error.code == ErrorCode::kTimeout) error.code = ErrorCode::kUnavailable;
      return Fail(std::move(error));
    }
    connection = *std::move(opened);
  }
  return Lease(connection.release(), [this, access](Connection* returned) {
    Return(static_cast<PostgresConnection*>(returned), access);
  });
}

void PostgresDatabase::GiveUpPlace(Access access) {
  {
    const std::scoped_lock lock(mutex_);
    --PoolOf(access).open;
  }
  returned_.notify_all();
}

void PostgresDatabase::Return(PostgresConnection* connection, Access access) {
  std::unique_ptr<PostgresConnection> owned(connection);
  owned->Rollback();
  if (!owned->IsAlive()) {
    owned.reset();
    GiveUpPlace(access);
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    PoolOf(access).idle.push_back(std::move(owned));
  }
  returned_.notify_all();
}

}  // namespace sql
