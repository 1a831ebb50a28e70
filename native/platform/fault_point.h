// FaultPoint: the places where a test may kill the process, or let others go on.
//
// Every write to shared memory goes through Shared<T> (shared_word.h) or is followed by FAULT_POINT(), and every system
// call of this layer stands between two of them: counting the points counts both. In release builds all of it compiles
// to nothing.
#pragma once

#if defined(MULTIPROC_INTERLEAVING_POINTS)

namespace multiproc::fault {

// Supplied by the test, which may run operations of other participants in it, or throw. Called at reads too.
void Hit();

}  // namespace multiproc::fault

#define FAULT_POINT() ::multiproc::fault::Hit()
#define READ_POINT() ::multiproc::fault::Hit()
// Those tests are about words.
#define SYSTEM_CALL_POINTS() ((void)0)

#elif defined(MULTIPROC_FAULT_POINTS)

#include <cstdint>

namespace multiproc::fault {

// Called at every point. Kills (SIGKILL) or stops (SIGSTOP) this process at the armed one.
void Hit();
// Arms the n-th point from now, counted from 1; 0 disarms. `stop`: SIGSTOP instead of SIGKILL.
void Arm(uint64_t n, bool stop);
// Points passed since the last Arm.
uint64_t Count();

// A point now and one at the end of the scope, errno untouched.
class Around {
 public:
  Around() { Hit(); }
  ~Around() { Hit(); }
  Around(const Around&) = delete;
  Around& operator=(const Around&) = delete;
};

}  // namespace multiproc::fault

#define FAULT_POINT() ::multiproc::fault::Hit()
#define READ_POINT() ((void)0)
#define SYSTEM_CALL_POINTS() const ::multiproc::fault::Around around_the_call

#else
#define FAULT_POINT() ((void)0)
#define READ_POINT() ((void)0)
#define SYSTEM_CALL_POINTS() ((void)0)
#endif
