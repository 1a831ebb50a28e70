// What the ring tests put, and how they put and get it.
#pragma once

#include <string>

#include "unnamed_segment.h"

namespace multiproc {

// Bytes that tell their serial number and place.
inline std::string Pattern(uint64_t serial, uint64_t length) {
  std::string bytes(length, '\0');
  for (uint64_t i = 0; i < length; i++) bytes[i] = static_cast<char>((serial * 131 + i * 7 + (i >> 6)) & 0xff);
  return bytes;
}

inline uint64_t LinesOf(uint64_t length) { return length == 0 ? 1 : (length + kLineBytes - 1) / kLineBytes; }

inline Status Put(Ring& ring, const std::string& message, uint32_t flags = 0) {
  Claim claim;
  const Status status = ring.TryReserve(message.size(), &claim);
  if (status != kOk) return status;
  memcpy(claim.bytes, message.data(), message.size());
  CHECK_EQ(ring.Commit(claim.position, message.size(), flags), kOk);
  return kOk;
}

inline Status Get(Ring& ring, std::string* out = nullptr) {
  Claim claim;
  const Status status = ring.TryClaim(UINT64_MAX, &claim);
  if (status != kOk) return status;
  if (out != nullptr) out->assign(claim.bytes, claim.length);
  CHECK_EQ(ring.Release(claim.position), kOk);
  return kOk;
}

inline std::string Got(Ring& ring) {
  std::string message;
  CHECK_EQ(Get(ring, &message), kOk);
  return message;
}

// Puts messages of one line until the ring is full; how many went in.
inline uint64_t FillWithLines(Ring& ring) {
  uint64_t put = 0;
  while (Put(ring, Pattern(put, 64)) == kOk) put++;
  return put;
}

inline uint64_t DrainAll(Ring& ring) {
  uint64_t got = 0;
  while (Get(ring) == kOk) got++;
  return got;
}

// xorshift64*, Vigna 2016: reproducible from its seed on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed | 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dull;
  }
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

// Printed, so that a failure can be repeated: NATIVE_TEST_SEED=...
inline uint64_t FreshSeed() {
  uint64_t seed;
  RandomBytes(&seed, sizeof seed);
  const char* wanted = getenv("NATIVE_TEST_SEED");
  if (wanted != nullptr) seed = strtoull(wanted, nullptr, 10);
  printf("%s: NATIVE_TEST_SEED=%llu\n", check::current, static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace multiproc
