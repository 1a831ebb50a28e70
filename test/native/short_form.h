// How much of a test of thousands of processes is run. The short form takes some of its points, other ones each time;
// with NATIVE_TEST_STEPS in the environment it takes all.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace multiproc {

// Then a fork copies what the sanitizer knows of all memory: each process costs three times as much.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline bool IsLengthened() { return getenv("NATIVE_TEST_STEPS") != nullptr; }

// One point of so many is taken.
inline uint64_t OneOf(uint64_t usually, uint64_t sanitized) {
  if (IsLengthened()) return 1;
  return kSanitized ? sanitized : usually;
}

}  // namespace multiproc
