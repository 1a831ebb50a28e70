// ChildProcess: a process that this one started, until somebody knows how it ended.
//
// Guarantee      How it ended is never lost, whoever asks, how often, and in which order; a signal never reaches
// another
//                process that has got the same pid.
// Blocking       Start until the program is being executed; WaitForEnd for at most the time given; the rest never.
// Process death  The death of the child is what this is about. When the parent dies, see lifeline.h.
// Memory order   ORDER(child-phase): the phase is stored with release when what belongs to it is there, and loaded with
// acquire. Threads        Each child has a thread that sleeps in the kernel until it ends: no signal handler, so it
// cannot come
//                between others and their children.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "core/running_child.h"

namespace multiproc {

class ChildProcess : public RunningChild {
 public:
  // 0 or errno. `ended` is called once, in the child's thread, when the child has ended.
  static int Start(const ProgramStart& start, std::function<void()> ended, std::shared_ptr<ChildProcess>* out);

  int pid() const { return pid_; }
  // True if it has ended.
  bool HasEnded(ProgramEnd* end);
  bool WaitForEnd(int64_t nanos, ProgramEnd* end) override;
  FutexWatch Watched() const override { return {&phase_, kRunning}; }
  int Signal(int signal) override;

 private:
  enum Phase : uint32_t { kStarting, kNotStarted, kRunning, kEnded };

  void Watch(const std::function<void()>& ended);
  void Enter(Phase phase);
  bool Look();

  int pid_ = 0;
  // A futex word: a timed wait on a condition variable would tie the addon to newer C libraries.
  std::atomic<uint32_t> phase_{kStarting};
  std::mutex mutex_;
  ProgramEnd end_{};
};

// A pipe for one of a child's standard streams: reading end, writing end. No child inherits it by itself. 0 or errno.
int OpenPipe(int (&ends)[2]);

}  // namespace multiproc
