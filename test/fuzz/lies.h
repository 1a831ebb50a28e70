// Lies: shared memory that is overwritten, between what an operation has read and what it reads next.
#pragma once

#include <stdint.h>
#include <string.h>

#include <vector>

#include "input.h"

namespace multiproc::fuzz {

struct Lie {
  enum How : uint8_t { kSet, kFlip, kAdd, kHows };

  uint64_t at;  // at this access from the beginning of the operation
  char* where;
  uint32_t bytes;  // 1, 2, 4 or 8
  How how;
  uint64_t value;

  void Tell() const {
    uint64_t word = 0;
    memcpy(&word, where, bytes);
    word = how == kSet ? value : how == kFlip ? word ^ uint64_t { 1 } << (value % (bytes * 8)) : word + value;
    memcpy(where, &word, bytes);
  }
};

// A number of bytes of shared memory about which may be lied.
struct Region {
  char* base;
  uint64_t bytes;
};

// Up to three lies; most are told early in the operation.
inline std::vector<Lie> LiesOf(Input& in, const std::vector<Region>& regions) {
  std::vector<Lie> lies;
  for (int left = in.Byte() % 4; left > 0; left--) {
    const uint64_t at = in.Byte() % 4 == 0 ? in.Below(2048) + 1 : in.Below(64) + 1;
    const Region& region = regions[in.Below(regions.size())];
    const uint32_t bytes = 1u << (in.Byte() % 4);
    if (region.bytes < bytes) continue;
    const uint64_t offset = in.Below(region.bytes / bytes) * bytes;
    const auto how = static_cast<Lie::How>(in.Byte() % Lie::kHows);
    lies.push_back({at, region.base + offset, bytes, how, in.Odd()});
  }
  return lies;
}

}  // namespace multiproc::fuzz
