#pragma once
// A thread that tells the broker what the outbox has for it, and what the broker seems to have
// lost.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "montage/jobs/broker.h"
#include "montage/jobs/outbox.h"

namespace montage::jobs {

struct AnnouncerOptions {
  /// Between two looks that nobody asked for; also between two attempts while something is wrong.
  base::Duration every = std::chrono::seconds(1);
  /// A job that is pending for so long while the broker has no message is announced again; also how
  /// often that is looked at.
  base::Duration lost_after = std::chrono::minutes(1);
  /// Called from the thread when it begins to fail, and with nothing when it works again. May be
  /// null.
  std::function<void(const base::Error* trouble)> on_change = {};
};

class Announcer {
 public:
  /// Starts the thread. The references outlive it.
  Announcer(sql::Database& database, const base::Clock& clock, BrokerOptions broker,
            AnnouncerOptions options);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;
  ~Announcer() { Stop(); }

  /// A job was submitted; saves waiting for the next look.
  void Wake();
  /// After a last look, so that what workers gave back is known to others.
  void Stop();
  /// What is wrong; "" when nothing is.
  std::string trouble() const;

 private:
  void Run();
  base::Result<void> Look();
  base::Result<void> LookForLost();
  void Note(const base::Result<void>& looked);
  bool Wait();

  Outbox outbox_;
  const base::Clock& clock_;
  BrokerSession session_;
  const AnnouncerOptions options_;
  base::SteadyTime next_search_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace montage::jobs
