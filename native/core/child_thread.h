// ChildThread: a child that is a thread of this process, with a JavaScript environment of its own.
//
// Guarantee      It has ended when its environment has left everything it had: what it held is free then.
// Blocking       WaitForEnd for at most the time given; the rest never.
// Process death  Both end with the process. A thread that is terminated ends as others do, without saying a code.
// Memory order   ORDER(thread-end): the code is stored before the phase, with release, and read behind it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/child.h"

namespace multiproc {

// Code of a thread that has not said any.
constexpr int kNoCode = INT32_MIN;

class ChildThread : public Child {
 public:
  // `number`, negative, is how the thread finds this.
  static std::shared_ptr<ChildThread> Plan(int* number);
  // Null when nobody knows it any more.
  static std::shared_ptr<ChildThread> Find(int number);

  // The thread itself: from now on it ends when it says so. False when that was called off.
  bool Begin();
  void SayCode(int code) { code_.store(code); }
  void End();
  // Somebody terminates it: if it has not begun it has ended, since it has nothing that it could leave.
  void CallOff();

  bool WaitForEnd(int64_t nanos, ProgramEnd* end) override;
  FutexWatch Watched() const override { return {&phase_, phase_.load(std::memory_order_acquire)}; }
  // Threads get no signals: whoever has started it terminates it.
  int Signal(int) override { return 0; }

 private:
  enum Phase : uint32_t { kPlanned, kRunning, kEnded };

  std::atomic<uint32_t> phase_{kPlanned};
  std::atomic<int> code_{kNoCode};
};

}  // namespace multiproc
