#pragma once
// Work that several callers want at the same time is done by one of them.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::cache {

/// Thread-safe. T is copied to those who waited.
template <typename T>
class SingleFlight {
 public:
  using Work = std::function<base::Result<T>()>;

  /// The first caller with a key does its work; those who come before it ends wait and get the same
  /// result. When it failed because its own time was over, the next of them does the work itself.
  /// kTimeout when a waiting caller's deadline passes. An exception of `work` goes through to its
  /// caller, and the others get kInternal.
  base::Result<T> Do(const std::string& key, base::Deadline deadline, const Work& work) {
    while (true) {
      bool leads = false;
      const std::shared_ptr<Flight> flight = Board(key, leads);
      if (leads) return Fly(key, *flight, work);
      std::unique_lock lock(flight->mutex);
      const auto is_over = [&] { return flight->result.has_value(); };
      ++waiting_;
      bool over = true;
      if (deadline.is_never()) {
        flight->landed.wait(lock, is_over);
      } else {
        over = flight->landed.wait_until(lock, deadline.time(), is_over);
      }
      --waiting_;
      if (!over) {
        return base::Fail(base::ErrorCode::kTimeout,
                          "the same work of another caller did not end in time");
      }
      if (!EndedEarly(*flight->result)) return *flight->result;
    }
  }

  /// How many callers wait for another one now.
  size_t waiting() const { return waiting_; }

 private:
  struct Flight {
    std::mutex mutex;
    std::condition_variable landed;
    std::optional<base::Result<T>> result;
  };

  static bool EndedEarly(const base::Result<T>& result) {
    if (result) return false;
    const base::ErrorCode code = result.error().code;
    return code == base::ErrorCode::kTimeout || code == base::ErrorCode::kCancelled;
  }

  std::shared_ptr<Flight> Board(const std::string& key, bool& leads) {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    leads = flight == nullptr;
    if (leads) flight = std::make_shared<Flight>();
    return flight;
  }

  /// Ends the flight also when the work throws.
  class Landing {
   public:
    Landing(SingleFlight& all, const std::string& key, Flight& flight)
        : all_(all), key_(key), flight_(flight) {}
    Landing(const Landing&) = delete;
    Landing& operator=(const Landing&) = delete;
    ~Landing() {
      all_.Land(key_, flight_,
                result ? *std::move(result)
                       : base::Fail(base::ErrorCode::kInternal, "another caller's work threw"));
    }
    std::optional<base::Result<T>> result;

   private:
    SingleFlight& all_;
    const std::string& key_;
    Flight& flight_;
  };

  base::Result<T> Fly(const std::string& key, Flight& flight, const Work& work) {
    Landing landing(*this, key, flight);
    landing.result = work();
    return *landing.result;
  }

  void Land(const std::string& key, Flight& flight, base::Result<T> result) {
    {
      // Whoever comes from here on begins anew; the caller of Fly still holds this flight.
      const std::scoped_lock lock(mutex_);
      flights_.erase(key);
    }
    {
      const std::scoped_lock lock(flight.mutex);
      flight.result = std::move(result);
    }
    flight.landed.notify_all();
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;
  std::atomic<size_t> waiting_{0};
};

}  // namespace montage::cache
