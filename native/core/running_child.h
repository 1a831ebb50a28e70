// RunningChild: somebody who was started, a process or a thread, until somebody knows how it ended.
//
// Guarantee      How it ended is never lost, whoever asks, how often, and in which order.
// Blocking       WaitForEnd for at most the time given; the rest never.
// Process death  See child_process.h and child_thread.h.
#pragma once

#include <cstdint>

#include "platform/futex.h"
#include "platform/spawn.h"

namespace multiproc {

class RunningChild {
 public:
  virtual ~RunningChild() = default;
  // True if it has ended.
  virtual bool WaitForEnd(int64_t nanos, ProgramEnd* end) = 0;
  // Differs when it has ended: what to sleep on together with other words.
  virtual FutexWatch Watched() const = 0;
  // 0 or errno; a signal to a child that has ended is lost, and no error.
  virtual int Signal(int signal) = 0;
};

}  // namespace multiproc
