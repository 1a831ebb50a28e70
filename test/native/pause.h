// For how long the tests stop a process.
#pragma once

#include <time.h>

#include "core/blocking.h"

namespace multiproc {

// Longer than a slice, the longest time that anything in the library waits.
inline constexpr int64_t kPauseNanos = kSliceNanos + 70'000'000;

// What is tested is that this much time may pass: the only place where a test lets it.
inline void LetAPauseBe() {
  const int64_t end = MonotonicNanos() + kPauseNanos;
  for (int64_t left = kPauseNanos; left > 0; left = end - MonotonicNanos()) {
    const timespec pause = {0, static_cast<long>(left)};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace multiproc
