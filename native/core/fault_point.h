// FaultPoint: the places where a test may kill the process.
//
// Every write to shared memory goes through Shared<T> (shared_word.h) or is followed by FAULT_POINT(), so counting the
// points counts the shared writes. In release builds both compile to nothing.
#pragma once

#ifdef MULTIPROC_FAULT_POINTS

#include <cstdint>

namespace multiproc::fault {

// Called at every point. Kills (SIGKILL) or stops (SIGSTOP) this process at the armed one.
void Hit();
// Arms the n-th point from now, counted from 1; 0 disarms. `stop`: SIGSTOP instead of SIGKILL.
void Arm(uint64_t n, bool stop);
// Points passed since the last Arm.
uint64_t Count();

}  // namespace multiproc::fault

#define FAULT_POINT() ::multiproc::fault::Hit()
#else
#define FAULT_POINT() ((void)0)
#endif
