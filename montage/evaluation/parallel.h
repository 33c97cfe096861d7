#pragma once
// The same work on many recordings, on several processors.

#include <cstddef>
#include <functional>

namespace montage::evaluation {

/// How many workers this machine can keep busy, at least 1.
size_t WorkerCount();

/// Calls `work(i)` once for every i below `count`, on up to `workers` threads, in no fixed order;
/// returns when all are done. `done(n)` follows each, with how many are done; never two at a time.
/// Neither may throw.
void ForEachInParallel(size_t count, size_t workers, const std::function<void(size_t)>& work,
                       const std::function<void(size_t)>& done = {});

}  // namespace montage::evaluation
