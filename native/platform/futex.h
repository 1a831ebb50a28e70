// Futex: sleep on, and wake, a 32-bit word that several processes map.
//
// Guarantee      A waiter sleeps only while the word holds the expected value; the kernel compares and queues
//                atomically.
// Blocking       FutexWait and FutexWaitMany until a wake, a changed word or the absolute CLOCK_MONOTONIC deadline.
// Process death  A sleeper that dies leaves the kernel's queue. A wake given to a sleeper that dies before acting is
//                lost, so callers cut every sleep into slices.
// Memory order   The kernel's comparison is not an acquire: re-read shared state with acquire after waking. The
//                shared form (no FUTEX_PRIVATE_FLAG) is used throughout: the private form keys by address and would
//                never reach another process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace multiproc {

enum class FutexResult { kWoken, kChanged, kTimedOut };

// `deadline` in CLOCK_MONOTONIC nanoseconds. A signal counts as kWoken.
FutexResult FutexWait(const std::atomic<uint32_t>* word, uint32_t expected, int64_t deadline);

// Returns the number of sleepers woken, across all processes.
int FutexWake(const std::atomic<uint32_t>* word, int count);

// One word of a FutexWaitMany call.
struct FutexWatch {
  const std::atomic<uint32_t>* word;
  uint32_t expected;
};

// How many words one call can watch: 128 with futex_waitv (Linux 5.16), else 1.
size_t FutexWaitManyLimit();

// Sleeps until any of the words is woken or differs. REQUIRES: 1 <= count <= FutexWaitManyLimit().
FutexResult FutexWaitMany(const FutexWatch* watches, size_t count, int64_t deadline);

}  // namespace multiproc
