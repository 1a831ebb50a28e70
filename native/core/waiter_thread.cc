#include "core/waiter_thread.h"

#include <signal.h>

#include <algorithm>

#include "core/blocking.h"

namespace multiproc {
namespace {

constexpr int64_t kIdleNanos = 3'600'000'000'000;

}  // namespace

size_t WaiterThread::Room() {
  const size_t limit = FutexWaitManyLimit();
  return limit > 1 ? limit - 1 : 1;
}

int WaiterThread::Start() {
  const auto run = [](void* self) -> void* {
    static_cast<WaiterThread*>(self)->Run();
    return nullptr;
  };
  // The process's signals are for its other threads.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  // Not std::thread, which throws where the system refuses, and code without exceptions would end the process.
  const int rc = pthread_create(&thread_, nullptr, run, this);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  started_ = rc == 0;
  return rc;
}

WaiterThread::~WaiterThread() {
  if (!started_) return;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stopping_ = true;
    Interrupt();
  }
  pthread_join(thread_, nullptr);
}

// REQUIRES: mutex_ held.
void WaiterThread::Interrupt() {
  control_.FetchAdd(1);
  FutexWake(control_.raw(), 1);
  // Without futex_waitv the thread can only sleep on the doorbell itself.
  if (FutexWaitManyLimit() > 1) return;
  for (Entry& entry : entries_) {
    entry.bell->FetchAdd(1);
    FutexWake(entry.bell->raw(), INT32_MAX);
  }
}

bool WaiterThread::Watch(Shared<uint32_t>* bell, uint32_t seen, const std::shared_ptr<Mapping>& memory) {
  const std::lock_guard<std::mutex> guard(mutex_);
  for (Entry& entry : entries_) {
    if (entry.bell != bell) continue;
    // The thread still has it, with a value that it saw earlier than `seen`.
    entry.wanted = true;
    if (idle_) Interrupt();
    return true;
  }
  if (entries_.size() >= Room()) std::erase_if(entries_, [](const Entry& entry) { return !entry.wanted; });
  if (entries_.size() >= Room()) return false;
  entries_.push_back({bell, seen, memory, true});
  Interrupt();
  return true;
}

bool WaiterThread::Unwatch(Shared<uint32_t>* bell) {
  const std::lock_guard<std::mutex> guard(mutex_);
  for (Entry& entry : entries_) {
    if (entry.bell != bell) continue;
    entry.wanted = false;
    return true;
  }
  return false;
}

void WaiterThread::Run() {
  std::vector<FutexWatch> watches;
  std::vector<std::shared_ptr<Mapping>> memory;
  int64_t slice_end = MonotonicNanos() + kSliceNanos;
  for (;;) {
    bool rung = false;
    bool waiting = false;
    watches.clear();
    memory.clear();
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      if (stopping_) return;
      watches.push_back({control_.raw(), control_.Load(std::memory_order_seq_cst)});
      std::erase_if(entries_, [&](Entry& entry) {
        // ORDER(doorbell): compared with what was reported, not with what is there now: no ring falls between two
        // looks.
        const uint32_t now = entry.bell->Load(std::memory_order_seq_cst);
        if (now != entry.reported) {
          if (!entry.wanted) return true;
          entry.reported = now;
          rung = true;
        }
        waiting |= entry.wanted;
        watches.push_back({entry.bell->raw(), entry.reported});
        memory.push_back(entry.memory);
        return false;
      });
      idle_ = !waiting;
    }
    if (rung) {
      notify_(false);
      continue;
    }
    // Without futex_waitv: the doorbell if there is one, else the control word.
    if (FutexWaitManyLimit() == 1 && watches.size() > 1) watches.erase(watches.begin());
    const int64_t now = MonotonicNanos();
    if (waiting && slice_end <= now) notify_(true);
    if (!waiting || slice_end <= now) slice_end = now + kSliceNanos;
    const int64_t deadline = waiting ? slice_end : now + kIdleNanos;
    FutexWaitMany(watches.data(), watches.size(), deadline);
  }
}

int WaiterThreads::Watch(Shared<uint32_t>* bell, uint32_t seen, const std::shared_ptr<Mapping>& memory) {
  for (const auto& thread : threads_) {
    if (thread->Watch(bell, seen, memory)) return 0;
  }
  auto thread = std::make_unique<WaiterThread>(notify_);
  const int rc = thread->Start();
  if (rc != 0) return rc;
  thread->Watch(bell, seen, memory);
  threads_.push_back(std::move(thread));
  return 0;
}

void WaiterThreads::Unwatch(Shared<uint32_t>* bell) {
  for (const auto& thread : threads_) {
    if (thread->Unwatch(bell)) return;
  }
}

}  // namespace multiproc
