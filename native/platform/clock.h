// Clock: monotonic time in nanoseconds, the only clock that waits use.
//
// CLOCK_MONOTONIC is what futex deadlines are measured in, so a step of the wall clock changes no wait.
#pragma once

#include <time.h>

#include <cstdint>

namespace multiproc {

inline int64_t MonotonicNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The same clock as of the last tick of the kernel, usually at most 10 ms ago.
inline int64_t CoarseMonotonicNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace multiproc
