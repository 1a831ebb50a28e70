#include "platform/fault_point.h"

#ifdef MULTIPROC_FAULT_POINTS

#include <signal.h>

#include <atomic>

namespace multiproc::fault {
namespace {

std::atomic<uint64_t> count{0};
std::atomic<uint64_t> target{0};
std::atomic<bool> stopping{false};

}  // namespace

void Hit() {
  // relaxed: a counter of one thread under test; nothing is published through it
  const uint64_t n = count.fetch_add(1, std::memory_order_relaxed) + 1;
  if (n == target.load(std::memory_order_relaxed)) raise(stopping.load(std::memory_order_relaxed) ? SIGSTOP : SIGKILL);
}

void Arm(uint64_t n, bool stop) {
  stopping.store(stop, std::memory_order_relaxed);
  count.store(0, std::memory_order_relaxed);
  target.store(n, std::memory_order_relaxed);
}

uint64_t Count() { return count.load(std::memory_order_relaxed); }

}  // namespace multiproc::fault

#endif
