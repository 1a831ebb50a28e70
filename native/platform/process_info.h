// ProcessInfo: who this process is, for people to read. Never used to decide whether somebody lives.
#pragma once

#include <cstddef>
#include <cstdint>

namespace multiproc {

uint32_t CurrentPid();
// Start time of this process in clock ticks since boot (field 22 of /proc/self/stat); 0 if unknown.
uint64_t CurrentStartTime();
// Command line of this process, arguments joined by spaces, cut to fit, always terminated.
void CurrentCommand(char* out, size_t size);
// `size` bytes of kernel randomness.
void RandomBytes(void* out, size_t size);

}  // namespace multiproc
