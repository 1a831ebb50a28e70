// MapHash: where a key of a map belongs. SipHash-1-3 with the map's own random seed.
//
// Guarantee      Who chooses keys cannot choose their buckets: he does not know the seed.
#pragma once

#include <stdint.h>
#include <string.h>

#include <bit>

namespace multiproc {

inline uint64_t MapHash(const uint64_t seed[2], const char* bytes, uint64_t length) {
  uint64_t a = seed[0] ^ 0x736f6d6570736575ull, b = seed[1] ^ 0x646f72616e646f6dull;
  uint64_t c = seed[0] ^ 0x6c7967656e657261ull, d = seed[1] ^ 0x7465646279746573ull;
  const auto round = [&] {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  };
  const auto take = [&](uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  };
  uint64_t word = 0, at = 0;
  for (; length - at >= 8; at += 8) {
    memcpy(&word, bytes + at, 8);
    take(word);
  }
  word = 0;
  if (length > at) memcpy(&word, bytes + at, length - at);
  take(word | length << 56);
  c ^= 0xff;
  for (int i = 0; i < 3; i++) round();
  return a ^ b ^ c ^ d;
}

}  // namespace multiproc
