#include "core/child_thread.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>

#include "platform/clock.h"
#include "platform/thread_list.h"

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
  thread->listed_ = ListThreads(&thread->before_);
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

void ChildThread::Started() {
  std::set<int> now;
  started_ = listed_ && ListThreads(&now);
  std::set_difference(now.begin(), now.end(), before_.begin(), before_.end(), std::inserter(threads_, threads_.end()));
}

bool ChildThread::HaveGone() const { return started_ && std::none_of(threads_.begin(), threads_.end(), HasThread); }

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
    if (MonotonicNanos() < deadline) {
      FutexWait(&phase_, phase, deadline);
    } else {
      // Not if it has begun, and gone, since: then it has said by itself that it has ended.
      if (phase != kPlanned || !HaveGone()) return false;
      CallOff();
    }
  }
  *end = {code_.load(), 0};
  return true;
}

FutexWatch ChildThread::Watched() const {
  const uint32_t phase = phase_.load(std::memory_order_acquire);  // ORDER(thread-end)
  // The last phase never changes: of who has ended, what it was before is expected, so that nobody sleeps on it.
  return {&phase_, phase == kEnded ? kRunning : phase};
}

}  // namespace multiproc
