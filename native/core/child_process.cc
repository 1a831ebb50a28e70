#include "core/child_process.h"

#include "platform/clock.h"
#include "platform/detached_thread.h"
#include "platform/futex.h"

namespace multiproc {

int ChildProcess::Start(const ProgramStart& start, std::function<void()> ended, std::shared_ptr<ChildProcess>* out) {
  const auto child = std::make_shared<ChildProcess>();
  // The thread first: a child that cannot be watched must not run.
  int error = StartDetachedThread([child, ended = std::move(ended)] { child->Watch(ended); });
  if (error != 0) return error;
  error = StartProgram(start, &child->pid_);
  child->Enter(error == 0 ? kRunning : kNotStarted);
  if (error == 0) *out = child;
  return error;
}

void ChildProcess::Enter(Phase phase) {
  phase_.store(phase, std::memory_order_release);  // ORDER(child-phase)
  FutexWake(&phase_, INT32_MAX);
}

void ChildProcess::Watch(const std::function<void()>& ended) {
  uint32_t phase;
  while ((phase = phase_.load(std::memory_order_acquire)) == kStarting) {  // ORDER(child-phase)
    FutexWait(&phase_, kStarting, INT64_MAX);
  }
  if (phase == kNotStarted) return;
  // Whoever looks meanwhile may take the status: then there is no such child any more, and this returns too.
  AwaitEnd(pid_);
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    Look();
  }
  ended();
}

// REQUIRES: mutex_ held, so that nobody sends a signal to a pid that has been given away.
bool ChildProcess::Look() {
  if (phase_.load(std::memory_order_relaxed) == kEnded) return true;  // changed under the mutex only
  if (!TakeEnd(pid_, &end_)) return false;
  Enter(kEnded);
  return true;
}

bool ChildProcess::HasEnded(ProgramEnd* end) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (!Look()) return false;
  *end = end_;
  return true;
}

bool ChildProcess::WaitForEnd(int64_t nanos, ProgramEnd* end) {
  const int64_t deadline = MonotonicNanos() + nanos;
  while (!HasEnded(end)) {
    if (MonotonicNanos() >= deadline) return false;
    FutexWait(&phase_, kRunning, deadline);
  }
  return true;
}

int ChildProcess::Signal(int signal) {
  const std::lock_guard<std::mutex> guard(mutex_);
  return Look() ? 0 : SendSignal(pid_, signal);
}

int OpenPipe(int (&ends)[2]) {
  Descriptor reading, writing;
  const int error = MakePipe(&reading, &writing);
  if (error != 0) return error;
  ends[0] = reading.Release();
  ends[1] = writing.Release();
  return 0;
}

}  // namespace multiproc
