// Input: what libFuzzer gives, read as choices.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace multiproc::fuzz {

// The bytes of an input, in order; zeros behind their end.
class Input {
 public:
  Input(const uint8_t* bytes, size_t size) : at_(bytes), end_(bytes + size) {}

  bool ended() const { return at_ == end_; }
  uint8_t Byte() { return ended() ? 0 : *at_++; }
  uint64_t Number(int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++) number |= uint64_t{Byte()} << (8 * i);
    return number;
  }
  uint64_t Below(uint64_t bound) { return Number(bound <= 256 ? 1 : bound <= 65536 ? 2 : 4) % bound; }
  // Small numbers, powers of two and their neighbours, or anything.
  uint64_t Odd() {
    const uint8_t how = Byte();
    if (how < 96) return how;
    if (how < 192) return (uint64_t{1} << (how & 63)) + Byte() % 5 - 2;
    return how < 224 ? ~uint64_t{0} - Byte() : Number(8);
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace multiproc::fuzz
