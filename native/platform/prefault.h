// Prefault: gives fresh memory its pages before it is written.
#pragma once

#include <sys/mman.h>

#include <cstdint>

namespace multiproc {

// Below this, counting in the system call, a page at a time is as fast.
inline constexpr uint64_t kPrefaultLeast = 128 * 1024;

// Makes the whole pages of [bytes, bytes + size) present and writable in one system call, where each would otherwise
// cost a fault at its first write. Only a hint: before Linux 5.14, or short of memory, the faults come as usual.
inline void Prefault(char* bytes, uint64_t size) {
  constexpr uint64_t kPage = 4096;
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, which older headers do not have
  if (size < kPrefaultLeast) return;
  const uint64_t begin = (reinterpret_cast<uintptr_t>(bytes) + kPage - 1) & ~(kPage - 1);
  const uint64_t end = (reinterpret_cast<uintptr_t>(bytes) + size) & ~(kPage - 1);
  madvise(reinterpret_cast<void*>(begin), end - begin, kPopulateWrite);
}

}  // namespace multiproc
