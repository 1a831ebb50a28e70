// Single operations of the C library, as limits: `operation=lock` (robust process-shared mutex) or `operation=memcpy`.
#include <pthread.h>

#include <cerrno>

#include "options.h"
#include "payload.h"
#include "platform/clock.h"
#include "processes.h"

namespace multiproc::bench {
namespace {

int RunLock(uint64_t count) {
  auto* mutex = static_cast<pthread_mutex_t*>(ShareMemory(sizeof(pthread_mutex_t)));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attributes);
  const int64_t start = MonotonicNanos();
  for (uint64_t i = 0; i < count; i++) {
    if (pthread_mutex_lock(mutex) != 0 || pthread_mutex_unlock(mutex) != 0) return 1;
  }
  ReportOperation(count, MonotonicNanos() - start);
  return 0;
}

// Copies message after message into a shared area as large as the queues' rings, as a sender does.
int RunMemcpy(const Options& options, uint64_t count) {
  const auto size = static_cast<uint32_t>(options.Number("size"));
  const uint64_t slots = options.Number("capacity") / size;
  auto* area = static_cast<char*>(ShareMemory(slots * size));
  Source source(size, 0);
  const int64_t start = MonotonicNanos();
  for (uint64_t i = 0; i < count; i++) std::memcpy(area + i % slots * size, source.Next(), size);
  const int64_t elapsed = MonotonicNanos() - start;
  uint64_t arrived = 0, sum = 0;
  Tally tally(size, 1, UINT64_MAX, &arrived, &sum);
  for (uint64_t i = count > slots ? count - slots : 0; i < count; i++) tally.Take(area + i % slots * size, size);
  ReportStream(count, size, count, elapsed);
  return 0;
}

}  // namespace
}  // namespace multiproc::bench

int main(int argc, char** argv) {
  const multiproc::bench::Options options(argc, argv);
  const uint64_t count = options.Number("count");
  if (options.Is("operation", "lock")) return multiproc::bench::RunLock(count);
  return multiproc::bench::RunMemcpy(options, count);
}
