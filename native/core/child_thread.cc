#include "core/child_thread.h"

#include <map>
#include <mutex>

#include "platform/clock.h"

namespace multiproc {
namespace {

struct Known {
  std::mutex mutex;
  std::map<int, std::weak_ptr<ChildThread>> threads;
  int last = 0;
};

Known& AllKnown() {
  // Never destroyed: threads may end after static objects.
  static auto* known = new Known;
  return *known;
}

}  // namespace

std::shared_ptr<ChildThread> ChildThread::Plan(int* number) {
  Known& known = AllKnown();
  const std::lock_guard<std::mutex> guard(known.mutex);
  std::erase_if(known.threads, [](const auto& entry) { return entry.second.expired(); });
  const auto thread = std::make_shared<ChildThread>();
  *number = --known.last;
  known.threads[*number] = thread;
  return thread;
}

std::shared_ptr<ChildThread> ChildThread::Find(int number) {
  Known& known = AllKnown();
  const std::lock_guard<std::mutex> guard(known.mutex);
  const auto found = known.threads.find(number);
  return found == known.threads.end() ? nullptr : found->second.lock();
}

bool ChildThread::Begin() {
  uint32_t expected = kPlanned;
  return phase_.compare_exchange_strong(expected, kRunning);
}

void ChildThread::CallOff() {
  uint32_t expected = kPlanned;
  if (phase_.compare_exchange_strong(expected, kEnded)) FutexWake(&phase_, INT32_MAX);
}

void ChildThread::End() {
  phase_.store(kEnded, std::memory_order_release);  // ORDER(thread-end)
  FutexWake(&phase_, INT32_MAX);
}

bool ChildThread::WaitForEnd(int64_t nanos, ProgramEnd* end) {
  const int64_t deadline = MonotonicNanos() + nanos;
  uint32_t phase;
  while ((phase = phase_.load(std::memory_order_acquire)) != kEnded) {  // ORDER(thread-end)
    if (MonotonicNanos() >= deadline) return false;
    FutexWait(&phase_, phase, deadline);
  }
  *end = {code_.load(), 0};
  return true;
}

}  // namespace multiproc
