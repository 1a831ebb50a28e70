// ChildThread: a child that is a thread of this process, with a JavaScript environment of its own.
//
// Guarantee      It has ended when its environment has left everything it had: what it held is free then. One that
//                never begins, since its environment could not be made, has ended when the kernel has no such thread.
// Blocking       WaitForEnd for at most the time given; the rest never.
// Process death  Both end with the process. A thread that is terminated ends as others do, without saying a code.
// Memory order   ORDER(thread-end): the code is stored before the phase, with release, and read behind it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>

#include "core/running_child.h"

namespace multiproc {

// Code of a thread that has not said any.
constexpr int kNoCode = INT32_MIN;

class ChildThread : public RunningChild {
 public:
  // `number`, negative, is how the thread finds this.
  static std::shared_ptr<ChildThread> Plan(int* number);
  // Whoever planned it has started a thread for it, and nobody else since Plan: a thread that somebody else started at
  // the same time is taken for a further one of it, so that an end without a beginning is found when both have gone.
  void Started();
  // Null when nobody knows it any more.
  static std::shared_ptr<ChildThread> Find(int number);

  // The thread itself: from now on it ends when it says so. False when that was called off.
  bool Begin();
  void SayCode(int code) { code_.store(code); }
  void End();
  // Somebody terminates it: if it has not begun it has ended, since it has nothing that it could leave.
  void CallOff();

  // REQUIRES: called by who planned it.
  bool WaitForEnd(int64_t nanos, ProgramEnd* end) override;
  FutexWatch Watched() const override;
  // Threads get no signals: whoever has started it terminates it.
  int Signal(int) override { return 0; }

 private:
  enum Phase : uint32_t { kPlanned, kRunning, kEnded };

  std::atomic<uint32_t> phase_{kPlanned};
  std::atomic<int> code_{kNoCode};
  // Of who planned it: the threads there were before, then those that may be it.
  bool HaveGone() const;
  std::set<int> before_, threads_;
  bool listed_ = false, started_ = false;
};

}  // namespace multiproc
