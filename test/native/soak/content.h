// Content: how long messages are, and bytes that tell which message they belong to, and where in it.
#pragma once

#include <string.h>

#include "ledger.h"
#include "ring_messages.h"

namespace multiproc::soak {

// Heavy-tailed: half are shorter than 100 bytes, one in seven hundred longer than half a megabyte; both ends do come.
inline uint64_t DrawLength(Random& random) {
  const uint64_t kind = random.Below(1000);
  if (kind < 60) return 0;
  if (kind < 500) return random.Below(100);
  if (kind == 999) return random.Below(20) == 0 ? kMostBytes : kMostBytes >> random.Below(6);
  if (kind < 515) return random.Below(64 << 10);
  // Pareto: each doubling is half as likely, from 64 bytes to a megabyte.
  uint64_t most = 128;
  while (most < 1 << 20 && random.Below(2) == 0) most *= 2;
  return most / 2 + random.Below(most / 2 + 1);
}

class Content {
 public:
  explicit Content(MessageId id) : start_(id.raw * 0x9e3779b97f4a7c15ull) {}

  void Write(char* to, uint64_t length) const {
    uint64_t word = start_;
    for (; length >= sizeof word; length -= sizeof word, to += sizeof word) {
      const uint64_t mixed = Mix(word += kStep);
      memcpy(to, &mixed, sizeof mixed);
    }
    const uint64_t mixed = Mix(word + kStep);
    memcpy(to, &mixed, length);
  }
  bool Is(const char* bytes, uint64_t length) const {
    uint64_t word = start_;
    for (; length >= sizeof word; length -= sizeof word, bytes += sizeof word) {
      const uint64_t mixed = Mix(word += kStep);
      if (memcmp(bytes, &mixed, sizeof mixed) != 0) return false;
    }
    const uint64_t mixed = Mix(word + kStep);
    return memcmp(bytes, &mixed, length) == 0;
  }

 private:
  static constexpr uint64_t kStep = 0xd1342543de82ef95ull;
  static uint64_t Mix(uint64_t word) { return word ^ (word >> 29); }
  uint64_t start_;
};

}  // namespace multiproc::soak
