#include "montage/jobs/announcer.h"

namespace montage::jobs {
namespace {

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(5)); }

}  // namespace

Announcer::Announcer(sql::Database& database, const base::Clock& clock, BrokerOptions broker,
                     AnnouncerOptions options)
    : outbox_(database, clock),
      clock_(clock),
      session_(std::move(broker)),
      options_(std::move(options)),
      next_search_(clock.Steady() + options_.lost_after),
      thread_([this] { Run(); }) {}

void Announcer::Wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Announcer::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Announcer::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

bool Announcer::Wait() {
  std::unique_lock lock(mutex_);
  const bool failing = !trouble_.empty();
  changed_.wait_for(lock, options_.every, [&] { return stopping_ || (woken_ && !failing); });
  woken_ = false;
  return !stopping_;
}

void Announcer::Run() {
  bool go_on = true;
  while (go_on) {
    go_on = Wait();
    Note(Look());
  }
}

base::Result<void> Announcer::Look() {
  // First the broker: rows must not stay locked while it is looked for.
  TRY(session_.Connect(Soon()));
  const auto publish = [this](std::span<const Announcement> due) {
    return session_.Publish(due, Soon());
  };
  size_t told = 1;
  while (told > 0) {
    TRY(told, outbox_.Drain(publish, Soon()));
  }
  return LookForLost();
}

base::Result<void> Announcer::LookForLost() {
  if (clock_.Steady() < next_search_) return {};
  next_search_ = clock_.Steady() + options_.lost_after;
  TRY(const uint64_t waiting, session_.CountWaiting(Soon()));
  if (waiting == 0) TRY(outbox_.AnnounceAgain(options_.lost_after, Soon()));
  return {};
}

void Announcer::Note(const base::Result<void>& looked) {
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    changed = trouble_.empty() != looked.has_value();
    trouble_ = looked ? "" : looked.error().message;
    if (!looked && trouble_.empty()) trouble_ = "failed without a reason";
  }
  if (changed && options_.on_change) options_.on_change(looked ? nullptr : &looked.error());
}

}  // namespace montage::jobs
