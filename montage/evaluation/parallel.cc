#include "montage/evaluation/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace montage::evaluation {

size_t WorkerCount() { return std::max(1U, std::thread::hardware_concurrency()); }

void ForEachInParallel(size_t count, size_t workers, const std::function<void(size_t)>& work,
                       const std::function<void(size_t)>& done) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  size_t finished = 0;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) {
      work(i);
      const std::lock_guard lock(mutex);
      ++finished;
      if (done) done(finished);
    }
  };
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < std::min(workers, count); ++i) threads.emplace_back(run);
  run();
}

}  // namespace montage::evaluation
