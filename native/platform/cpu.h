// Cpu: what a spinning thread needs to know and say.
#pragma once

#include <sched.h>

namespace multiproc {

// Tells the processor that this is a spin loop, so that a sibling hardware thread gets the execution units.
inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Processors that this thread may run on (affinity mask). At least 1. Spinning with 1 only keeps the peer from running.
inline int UsableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

}  // namespace multiproc
