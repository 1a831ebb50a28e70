#include "platform/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/fault_point.h"

namespace multiproc {
namespace {

// Debian 12's headers know futex_waitv, older ones (and the build image of old glibc) may not.
constexpr long kSysFutexWaitv = 449;
constexpr uint32_t kFutex32 = 2;
constexpr size_t kWaitvMax = 128;

struct WaitvEntry {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};

timespec ToTimespec(int64_t nanos) {
  timespec ts;
  ts.tv_sec = nanos / 1'000'000'000;
  ts.tv_nsec = nanos % 1'000'000'000;
  return ts;
}

FutexResult ResultOf(long rc) {
  if (rc >= 0) return FutexResult::kWoken;
  if (errno == EAGAIN) return FutexResult::kChanged;
  if (errno == ETIMEDOUT) return FutexResult::kTimedOut;
  return FutexResult::kWoken;
}

bool ProbeWaitv() {
  // An empty list is refused with EINVAL by a kernel that has the call, with ENOSYS (or EPERM in a sandbox) otherwise.
  const long rc = syscall(kSysFutexWaitv, nullptr, 0, 0, nullptr, CLOCK_MONOTONIC);
  return rc < 0 && errno == EINVAL;
}

}  // namespace

FutexResult FutexWait(const std::atomic<uint32_t>* word, uint32_t expected, int64_t deadline) {
  SYSTEM_CALL_POINTS();
  const timespec until = ToTimespec(deadline);
  return ResultOf(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, nullptr, FUTEX_BITSET_MATCH_ANY));
}

int FutexWake(const std::atomic<uint32_t>* word, int count) {
  SYSTEM_CALL_POINTS();
  const long rc = syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
  return rc > 0 ? static_cast<int>(rc) : 0;
}

size_t FutexWaitManyLimit() {
  static const size_t limit = ProbeWaitv() ? kWaitvMax : 1;
  return limit;
}

FutexResult FutexWaitMany(const FutexWatch* watches, size_t count, int64_t deadline) {
  if (count == 1) return FutexWait(watches[0].word, watches[0].expected, deadline);
  SYSTEM_CALL_POINTS();
  WaitvEntry entries[kWaitvMax];
  for (size_t i = 0; i < count; i++) {
    entries[i] = {watches[i].expected, reinterpret_cast<uintptr_t>(watches[i].word), kFutex32, 0};
  }
  const timespec until = ToTimespec(deadline);
  return ResultOf(syscall(kSysFutexWaitv, entries, count, 0, &until, CLOCK_MONOTONIC));
}

}  // namespace multiproc
